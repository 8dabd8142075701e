/* SPDX-License-Identifier: MIT */

/* Counts what a session does in the page that the worker shares with the listener, or in one of its own. */

#include "server/core/tally.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/present_frame.h"
#include "common/util/log.h"
#include "common/util/text.h"

_Static_assert(VP_PRESENT_CODECS == VPS_FRAME_KINDS - 1, "each codec has a count");

static struct vps_session_page own_page;

struct vps_session_page *vps_tally_page = &own_page;

void vps_tally_start(int page_fd)
{
   if (page_fd < 0)
      return;
   struct vps_session_page *page = vps_session_page_open(page_fd);
   if (page)
      vps_tally_page = page;
   else
      vp_log(VP_LOG_WARN, "what this session does cannot be shown: %s", strerror(errno));
   close(page_fd);
}

void vps_tally_batches(uint64_t number, int64_t ns)
{
   static const double limits[VPS_BATCH_BUCKETS - 1] = VPS_BATCH_SECONDS;
   const double seconds = (double)ns / (double)number / 1e9;
   unsigned bucket = 0;

   while (bucket < VPS_BATCH_BUCKETS - 1 && seconds > limits[bucket])
      bucket++;
   vps_tally_add(VPS_COUNT_BATCHES + bucket, number);
   vps_tally_add(VPS_COUNT_BATCH_NS, (uint64_t)ns);
}

void vps_tally_frame(unsigned codec)
{
   vps_tally_add(VPS_COUNT_FRAMES + (codec < VPS_FRAME_KINDS ? codec : VPS_FRAME_KINDS - 1), 1);
}

unsigned vps_tally_gpu(const char *name)
{
   struct vps_session_page *page = vps_tally_page;
   const uint32_t count = atomic_load(&page->gpu_count);
   char text[VPS_COUNTED_GPU_SIZE];
   uint32_t i = 0;

   vp_text_copy(text, sizeof(text), name, strlen(name));
   while (i < count && i < VPS_COUNTED_GPUS - 1 && strcmp(page->gpus[i].name, text) != 0)
      i++;
   if (i < count)
      return i;
   memcpy(page->gpus[i].name, text, sizeof(text));
   atomic_store(&page->gpu_count, i + 1);
   return i;
}

void vps_tally_memory(unsigned gpu, int64_t difference)
{
   atomic_fetch_add_explicit(&vps_tally_page->gpus[gpu].memory, (uint64_t)difference, memory_order_relaxed);
}

void vps_tally_program(const char *name)
{
   vp_text_copy(vps_tally_page->program, VPS_PAGE_PROGRAM_SIZE, name, strlen(name));
   atomic_store(&vps_tally_page->has_program, true);
}

bool vps_tally_is_kicked(char reason[VPS_PAGE_REASON_SIZE])
{
   if (!atomic_load(&vps_tally_page->is_kicked))
      return false;
   vps_session_page_read(reason, vps_tally_page->reason, VPS_PAGE_REASON_SIZE);
   return true;
}
