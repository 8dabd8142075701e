/* SPDX-License-Identifier: MIT */

/* A ring of encoders, of which a thread compresses and sends the full ones in their order; where there is none, whoever
 * filled one does it. */

#include "client/link/memory_frames.h"

#include "client/link/connection.h"
#include "common/net/frame.h"

static void send_frame(void *context, unsigned place)
{
   struct vp_memory_frames *frames = context;
   const struct vp_memory_frame *frame = &frames->places[place];
   struct vp_connection *conn = frames->conn;
   const uint8_t *data = frame->enc.start;
   size_t size = vp_encoder_size(&frame->enc);
   uint64_t blocked_ns = 0;
   if (!size || vp_connection_lost(conn))
      return;
   const bool packed = vp_packer_pack(&frames->packer, data, size, &data, &size);
   if (!vp_frame_write_timed(&conn->channel, packed ? VP_FRAME_PACKED : VP_FRAME_MEMORY, frame->id, data, size, NULL, 0,
                             &blocked_ns)) {
      vp_connection_lose_sending(conn);
      return;
   }
   vp_packer_sent(&frames->packer, VP_FRAME_HEADER_SIZE + size, blocked_ns);
   vp_stats_add(&conn->stats.frames_sent, 1);
   vp_stats_add(&conn->stats.bytes_sent, VP_FRAME_HEADER_SIZE + size);
}

bool vp_memory_frames_init(struct vp_memory_frames *frames, enum vp_compression compression)
{
   bool ok = true;
   *frames = (struct vp_memory_frames){0};
   for (unsigned i = 0; i < VP_MEMORY_FRAMES; i++)
      ok = vp_encoder_init(&frames->places[i].enc) && ok;
   vp_packer_init(&frames->packer, compression);
   if (!ok)
      vp_memory_frames_finish(frames);
   return ok;
}

void vp_memory_frames_finish(struct vp_memory_frames *frames)
{
   for (unsigned i = 0; i < VP_MEMORY_FRAMES; i++)
      vp_encoder_finish(&frames->places[i].enc);
   vp_packer_finish(&frames->packer);
}

void vp_memory_frames_start(struct vp_memory_frames *frames, struct vp_connection *conn)
{
   frames->conn = conn;
   vp_relay_start(&frames->relay, VP_MEMORY_FRAMES, send_frame, frames);
}

void vp_memory_frames_stop(struct vp_memory_frames *frames)
{
   vp_relay_stop(&frames->relay);
}

unsigned vp_memory_frames_next(struct vp_memory_frames *frames, struct vp_encoder *encs[VP_MEMORY_FRAMES_AT_ONCE])
{
   const unsigned count = frames->relay.running ? VP_MEMORY_FRAMES_AT_ONCE : 1,
                  first = vp_relay_places(&frames->relay, count);
   for (unsigned i = 0; i < count; i++) {
      encs[i] = &frames->places[(first + i) % VP_MEMORY_FRAMES].enc;
      vp_encoder_reset(encs[i]);
   }
   return count;
}

void vp_memory_frames_send(struct vp_memory_frames *frames, uint64_t id, bool more)
{
   frames->places[vp_relay_places(&frames->relay, 1)].id = id;
   vp_relay_give(&frames->relay, more);
}

bool vp_memory_frames_are_sent(struct vp_memory_frames *frames)
{
   return vp_relay_is_idle(&frames->relay);
}

void vp_memory_frames_wait(struct vp_memory_frames *frames)
{
   vp_relay_wait(&frames->relay);
}
