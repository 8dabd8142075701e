/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_MEMORY_FRAMES_H
#define VP_CLIENT_LINK_MEMORY_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/memory/pack.h"
#include "common/util/relay.h"
#include "common/wire/encoder.h"

struct vp_connection;

/* So many frames can be on their way, and so many can be made at once. */
#define VP_MEMORY_FRAMES 32u
#define VP_MEMORY_FRAMES_AT_ONCE 8u

/* MEMORY frames on their way to the socket: while one is packed and sent, the next one can be made. All is for
 * whoever does the sender's work. */
struct vp_memory_frames {
   struct vp_connection *conn;
   struct vp_relay relay;
   struct vp_packer packer;
   struct vp_memory_frame {
      struct vp_encoder enc;
      uint64_t id; /* of the memory */
   } places[VP_MEMORY_FRAMES];
};

bool vp_memory_frames_init(struct vp_memory_frames *frames, enum vp_compression compression);
void vp_memory_frames_finish(struct vp_memory_frames *frames);

/* Between these it can be used. Stopping it sends what is left. */
void vp_memory_frames_start(struct vp_memory_frames *frames, struct vp_connection *conn);
void vp_memory_frames_stop(struct vp_memory_frames *frames);

/* Where the payloads of the next frames are written, which are empty now; how many they are, at least one. */
unsigned vp_memory_frames_next(struct vp_memory_frames *frames, struct vp_encoder *encs[VP_MEMORY_FRAMES_AT_ONCE]);

/* Sends the next one of them, if there is anything in it. `more`: more frames of this memory will follow. */
void vp_memory_frames_send(struct vp_memory_frames *frames, uint64_t id, bool more);

/* Whether all of them are in the socket, or the connection is lost; waits until it is so. */
bool vp_memory_frames_are_sent(struct vp_memory_frames *frames);
void vp_memory_frames_wait(struct vp_memory_frames *frames);

#endif
