/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_UPLOADS_H
#define VP_SERVER_SESSION_UPLOADS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/memory/pack.h"
#include "common/net/frame.h"
#include "common/util/relay.h"

struct vps_context;
struct vps_memory;

/* No frame is read into more memory than this if it has room in less; what a long one needs is given back. */
#define VPS_KEEP_SIZE ((size_t)2 << 20)

/* So many frames are read ahead; more would not stay in the caches. */
#define VPS_UPLOADS 4u

/* Frames of the client, and what becomes of those that change memory: while one is applied, the next can be read. All
 * is for the executing thread. */
struct vps_uploads {
   struct vp_relay relay;
   struct vp_unpacker unpacker;
   struct vps_upload {
      struct vp_frame frame;
      struct vps_memory *memory;
   } places[VPS_UPLOADS];
   _Atomic(const char *) problem; /* with one that was applied; NULL: none */
};

void vps_uploads_start(struct vps_uploads *uploads);
void vps_uploads_stop(struct vps_uploads *uploads);

/* Where the next frame is read to; valid until it is applied or the next one is asked for. Who reads may have to wait
 * for it, so when there is nothing to read yet all are applied first, and what is wrong with one is known. NULL when
 * the session is over because of that. */
struct vp_frame *vps_uploads_next(struct vps_uploads *uploads, struct vps_context *ctx, int fd);

/* Applies that frame, MEMORY or PACKED, soon. False when the session is over, perhaps because of an earlier one. */
bool vps_uploads_apply(struct vps_uploads *uploads, struct vps_context *ctx);

/* Waits until all are applied. False when the session is over. */
bool vps_uploads_wait(struct vps_uploads *uploads, struct vps_context *ctx);

#endif
