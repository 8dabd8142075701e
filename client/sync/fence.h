/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_FENCE_H
#define VP_CLIENT_SYNC_FENCE_H

#include "client/link/object.h"

struct vp_connection;
struct vp_queue;

/* A fence lives on the client alone: it is signalled when the queue has
 * completed the serial that it was submitted with. */
struct vp_fence {
   struct vp_object base;
   struct vp_queue *_Atomic queue;
   _Atomic uint64_t serial; /* 0: unsignalled; VP_FENCE_SIGNALLED; else of the queue */
};

#define VP_FENCE_SIGNALLED UINT64_MAX

void vp_fence_set_pending(struct vp_fence *fence, struct vp_queue *queue, uint64_t serial);

/* For what happens on the client. */
void vp_fence_signal(struct vp_connection *conn, struct vp_fence *fence);

#endif
