/* SPDX-License-Identifier: MIT */

/* Answers frames by which a client measures the link. They are worth no more than what any session can send and ask
 * for, and count for its quotas in the same way. */

#include "server/session/probe.h"

#include <stdint.h>

#include "common/util/bytes.h"
#include "server/core/bandwidth.h"
#include "server/core/frame_writer.h"

/* Before what is sent for nothing. */
#define QUESTION_SIZE 4

/* Bytes that nothing on the way can make fewer. */
static const uint8_t *find_bytes(void)
{
   static uint8_t bytes[VPS_PROBE_MOST];
   static bool filled;
   uint64_t random = 1;

   for (size_t i = 0; i < sizeof(bytes) && !filled; i += sizeof(random)) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      vp_bytes_store_u64(bytes + i, random);
   }
   filled = true;
   return bytes;
}

bool vps_probe_answer(struct vps_context *ctx, const struct vp_frame *frame)
{
   const size_t size = frame->header.length;
   const uint32_t wanted = size >= QUESTION_SIZE ? vp_bytes_load_u32(frame->payload) : 0;

   if (size < QUESTION_SIZE || size > VPS_PROBE_MOST || wanted > VPS_PROBE_MOST) {
      vps_fail(ctx, "a probe of %zu bytes asks for %u", size, wanted);
      return false;
   }
   vps_bandwidth_wait(ctx->writer->channel.fd);
   return vps_frame_writer_send(ctx->writer, VP_FRAME_PROBE, frame->header.tag, wanted ? find_bytes() : NULL, wanted,
                                NULL, 0);
}
