/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_FRAMES_H
#define VP_CLIENT_MEMORY_FRAMES_H

#include "common/memory/pack.h"
#include "common/util/relay.h"
#include "common/wire/encoder.h"

#include <stdbool.h>
#include <stdint.h>

struct vp_connection;

/* MEMORY frames on their way to the socket: while one is packed and sent, the next one can be made. All is for the
 * sender's thread. */
struct vp_memory_frames {
   struct vp_connection *conn;
   struct vp_relay relay;
   struct vp_packer packer;
   struct vp_memory_frame {
      struct vp_encoder enc;
      uint64_t id; /* of the memory */
   } places[VP_RELAY_PLACES];
};

bool vp_memory_frames_init(struct vp_memory_frames *frames, enum vp_compression compression);
void vp_memory_frames_finish(struct vp_memory_frames *frames);

/* Between these it can be used. Stopping it sends what is left. */
void vp_memory_frames_start(struct vp_memory_frames *frames, struct vp_connection *conn);
void vp_memory_frames_stop(struct vp_memory_frames *frames);

/* Where the payload of the next one is written, empty. */
struct vp_encoder *vp_memory_frames_next(struct vp_memory_frames *frames);

/* Sends it. `more`: more frames of this memory will follow. */
void vp_memory_frames_send(struct vp_memory_frames *frames, uint64_t id, bool more);

/* Waits until all of them are in the socket, or the connection is lost. */
void vp_memory_frames_wait(struct vp_memory_frames *frames);

#endif
