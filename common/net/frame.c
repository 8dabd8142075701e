/* SPDX-License-Identifier: MIT */

/* Puts together whole frames of what a channel has, for which a peer that has begun one gets little time, and gives it
 * a header with its payload. */

#include "common/net/frame.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "common/net/limits.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"

/* Payload buffers start with this size and double. */
#define MIN_CAPACITY ((size_t)64 << 10)

/* It is measured how fast frames of this size arrive. */
#define MEASURED_SIZE ((size_t)16 << 10)

void vp_frame_header_store(uint8_t out[VP_FRAME_HEADER_SIZE], const struct vp_frame_header *header)
{
   vp_bytes_store_u32(out, header->type);
   vp_bytes_store_u32(out + 4, header->length);
   vp_bytes_store_u64(out + 8, header->tag);
}

void vp_frame_header_load(struct vp_frame_header *header, const uint8_t in[VP_FRAME_HEADER_SIZE])
{
   header->type = vp_bytes_load_u32(in);
   header->length = vp_bytes_load_u32(in + 4);
   header->tag = vp_bytes_load_u64(in + 8);
}

void vp_frame_finish(struct vp_frame *frame)
{
   free(frame->payload);
   *frame = (struct vp_frame){0};
}

const char *vp_frame_status_text(enum vp_frame_status status, enum vp_side from)
{
   const bool is_client = from == VP_CLIENT;
   switch (status) {
   case VP_FRAME_OK:
      return "no error";
   case VP_FRAME_CLOSED:
      return is_client ? "the client closed the connection" : "the server closed the connection";
   case VP_FRAME_BROKEN:
      return "the connection broke";
   case VP_FRAME_TIMEOUT:
      return is_client ? "the client does not answer" : "the server does not answer";
   case VP_FRAME_MALFORMED:
      return is_client ? "the client sent data that is not of this protocol"
                       : "the server sent data that is not of this protocol";
   case VP_FRAME_NO_MEMORY:
      return "out of memory for a message";
   }
   return "unknown error";
}

static atomic_int stall_ms = VP_FRAME_STALL_MS;

void vp_frame_set_stall(int ms)
{
   atomic_store(&stall_ms, ms);
}

/* What is left of it in the middle of a frame: who has begun one goes on. */
static struct vp_patience patience_inside(const struct vp_patience *patience)
{
   const int limit_ms = atomic_load(&stall_ms);
   struct vp_patience inside = *patience;

   if (inside.timeout_ms < 0 || inside.timeout_ms > limit_ms)
      inside.timeout_ms = limit_ms;
   return inside;
}

static bool frame_header_valid(const struct vp_frame_header *header, bool first)
{
   const uint32_t type = header->type;
   const bool introduces = first || type == VP_FRAME_HELLO || type == VP_FRAME_AUTH || type == VP_FRAME_RESUME;
   const bool known = type >= VP_FRAME_HELLO && type < VP_FRAME_END;
   return (known || (vp_frame_is_skippable(header) && !first)) &&
          header->length <= (introduces ? VP_FRAME_MAX_FIRST_PAYLOAD : VP_FRAME_MAX_PAYLOAD);
}

static enum vp_frame_status frame_read_header(struct vp_channel *channel, struct vp_frame_header *header, bool first,
                                              const struct vp_patience *patience, const struct vp_patience *inside)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   bool fast = false;

   for (size_t have = 0; have < sizeof(bytes);) {
      size_t received;
      bool waited;
      const enum vp_frame_status status = vp_channel_read(channel, bytes + have, sizeof(bytes) - have,
                                                          have ? inside : patience, &received, &waited, &fast);
      if (status == VP_FRAME_CLOSED && have > 0)
         return VP_FRAME_BROKEN;
      /* Who closes what he has not read resets it. */
      if (status == VP_FRAME_BROKEN && first && have == 0 && errno == ECONNRESET)
         return VP_FRAME_CLOSED;
      if (status != VP_FRAME_OK)
         return status;
      have += received;
   }

   vp_frame_header_load(header, bytes);
   return frame_header_valid(header, first) ? VP_FRAME_OK : VP_FRAME_MALFORMED;
}

/* Doubles the payload buffer. */
static bool frame_grow(struct vp_frame *frame)
{
   const size_t capacity = frame->capacity ? frame->capacity * 2 : MIN_CAPACITY;
   uint8_t *payload = realloc(frame->payload, capacity);
   if (!payload)
      return false;

   frame->payload = payload;
   frame->capacity = capacity;
   return true;
}

/* Throws a payload away. */
static enum vp_frame_status frame_skip(struct vp_channel *channel, size_t length, const struct vp_patience *patience)
{
   uint8_t waste[4096];
   bool fast = false;

   while (length > 0) {
      size_t received;
      bool waited;
      const enum vp_frame_status status = vp_channel_read(
         channel, waste, length < sizeof(waste) ? length : sizeof(waste), patience, &received, &waited, &fast);
      if (status != VP_FRAME_OK)
         return status == VP_FRAME_CLOSED ? VP_FRAME_BROKEN : status;
      length -= received;
   }
   return VP_FRAME_OK;
}

static enum vp_frame_status frame_read(struct vp_channel *channel, struct vp_frame *frame, bool first,
                                       const struct vp_patience *patience)
{
   const struct vp_patience inside = patience_inside(patience);
   enum vp_frame_status status = frame_read_header(channel, &frame->header, first, patience, &inside);
   if (status != VP_FRAME_OK)
      return status;

   const size_t length = frame->header.length;
   int64_t since_ns = 0; /* when something was missing for the first time */
   bool fast = true;
   frame->awaited = 0;
   frame->awaited_ns = 0;
   if (vp_frame_is_skippable(&frame->header))
      return frame_skip(channel, length, &inside);
   for (size_t have = 0; have < length;) {
      if (have == frame->capacity && !frame_grow(frame))
         return VP_FRAME_NO_MEMORY;

      const size_t room = (length < frame->capacity ? length : frame->capacity) - have;
      const int64_t start_ns = since_ns || length < MEASURED_SIZE ? since_ns : vp_clock_ns();
      size_t received;
      bool waited;
      status = vp_channel_read(channel, frame->payload + have, room, &inside, &received, &waited, &fast);
      if (status == VP_FRAME_CLOSED)
         return VP_FRAME_BROKEN;
      if (status != VP_FRAME_OK)
         return status;
      have += received;
      if (waited && !since_ns)
         since_ns = start_ns;
      if (since_ns)
         frame->awaited += received;
   }
   if (since_ns)
      frame->awaited_ns = (uint64_t)(vp_clock_ns() - since_ns);
   return VP_FRAME_OK;
}

enum vp_frame_status vp_frame_read(struct vp_channel *channel, struct vp_frame *frame, int timeout_ms)
{
   return frame_read(channel, frame, false,
                     &(struct vp_patience){.timeout_ms = timeout_ms, .deadline_ms = VP_NO_DEADLINE});
}

enum vp_frame_status vp_frame_read_first(struct vp_channel *channel, struct vp_frame *frame, int64_t deadline_ms)
{
   return frame_read(channel, frame, true, &(struct vp_patience){.deadline_ms = deadline_ms});
}

enum vp_frame_sent vp_frame_write_now(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *payload,
                                      size_t size)
{
   uint8_t bytes[VP_FRAME_HEADER_SIZE];
   const struct vp_frame_header header = {.type = type, .length = (uint32_t)size, .tag = tag};
   const struct iovec parts[] = {
      {.iov_base = bytes, .iov_len = sizeof(bytes)},
      {.iov_base = (void *)(uintptr_t)payload, .iov_len = size},
   };

   vp_frame_header_store(bytes, &header);
   return vp_channel_write_now(channel, parts, 2);
}

static bool write_frame(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                        const void *b, size_t b_size, bool more, uint64_t *blocked_ns)
{
   if (a_size > VP_FRAME_MAX_PAYLOAD || b_size > VP_FRAME_MAX_PAYLOAD - a_size) {
      errno = EMSGSIZE;
      return false;
   }

   uint8_t header_bytes[VP_FRAME_HEADER_SIZE];
   const struct vp_frame_header header = {.type = type, .length = (uint32_t)(a_size + b_size), .tag = tag};
   struct iovec parts[] = {
      {.iov_base = header_bytes, .iov_len = sizeof(header_bytes)},
      {.iov_base = (void *)(uintptr_t)a, .iov_len = a_size},
      {.iov_base = (void *)(uintptr_t)b, .iov_len = b_size},
   };

   vp_frame_header_store(header_bytes, &header);
   return vp_channel_write(channel, parts, sizeof(parts) / sizeof(parts[0]), more, blocked_ns);
}

bool vp_frame_write(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                    const void *b, size_t b_size)
{
   uint64_t blocked_ns = 0;
   return write_frame(channel, type, tag, a, a_size, b, b_size, false, &blocked_ns);
}

bool vp_frame_write_timed(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *a, size_t a_size,
                          const void *b, size_t b_size, uint64_t *blocked_ns)
{
   return write_frame(channel, type, tag, a, a_size, b, b_size, false, blocked_ns);
}

bool vp_frame_write_before(struct vp_channel *channel, uint32_t type, uint64_t tag, const void *payload, size_t size,
                           uint64_t *blocked_ns)
{
   return write_frame(channel, type, tag, payload, size, NULL, 0, true, blocked_ns);
}
