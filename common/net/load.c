/* SPDX-License-Identifier: MIT */

/* How busy a server is in bytes and back, and which of two is busier. */

#include "common/net/load.h"

#include "common/net/frame.h"
#include "common/util/bytes.h"

void vp_load_store(uint8_t out[VP_LOAD_SIZE], const struct vp_load *load)
{
   vp_bytes_store_u32(out, load->sessions);
   vp_bytes_store_u32(out + 4, load->places);
   vp_bytes_store_u32(out + 8, load->gpus);
   vp_bytes_store_u32(out + 12, 0);
   vp_bytes_store_u64(out + 16, load->memory);
   vp_bytes_store_u64(out + 24, load->memory_taken);
}

bool vp_load_load(struct vp_load *load, const uint8_t *data, size_t size)
{
   if (size < VP_LOAD_SIZE)
      return false;
   *load = (struct vp_load){
      .sessions = vp_bytes_load_u32(data),
      .places = vp_bytes_load_u32(data + 4),
      .gpus = vp_bytes_load_u32(data + 8),
      .memory = vp_bytes_load_u64(data + 16),
      .memory_taken = vp_bytes_load_u64(data + 24),
   };
   return true;
}

bool vp_load_tell(int fd, const struct vp_load *load)
{
   uint8_t payload[VP_LOAD_SIZE];

   vp_load_store(payload, load);
   return vp_frame_write_now(&VP_CHANNEL(fd), VP_FRAME_LOAD, 0, payload, sizeof(payload)) == VP_FRAME_SENT;
}

static uint64_t free_memory(const struct vp_load *load)
{
   return load->memory > load->memory_taken ? load->memory - load->memory_taken : 0;
}

/* Less than 0: the first is smaller. */
static int compare_numbers(uint64_t a, uint64_t b)
{
   return (a > b) - (a < b);
}

int vp_load_compare(const struct vp_load *a, const struct vp_load *b)
{
   const bool a_full = a->sessions >= a->places, b_full = b->sessions >= b->places;
   const uint32_t a_gpus = a->gpus ? a->gpus : 1, b_gpus = b->gpus ? b->gpus : 1;

   if (a_full != b_full)
      return a_full ? 1 : -1;
   const int sessions = compare_numbers((uint64_t)a->sessions * b_gpus, (uint64_t)b->sessions * a_gpus);
   return sessions ? sessions : compare_numbers(free_memory(b), free_memory(a));
}
