/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_FENCE_H
#define VP_CLIENT_SYNC_FENCE_H

#include <stdbool.h>

#include "client/link/object.h"

struct vp_connection;
struct vp_device;
struct vp_queue;

/* A fence lives on the client alone, unless other processes may have it: it is signalled when the queue has
 * completed the serial that it was submitted with. */
struct vp_fence {
   struct vp_object base;
   struct vp_queue *_Atomic queue;
   _Atomic uint64_t serial; /* 0: unsignalled; VP_FENCE_SIGNALLED; else of the queue */
   bool may_leave;          /* it was created to be exported */
   bool real;               /* it is one on the server, too, which other processes can change: that is asked */
};

#define VP_FENCE_SIGNALLED UINT64_MAX

void vp_fence_set_pending(struct vp_fence *fence, struct vp_queue *queue, uint64_t serial);

/* For what happens on the client. */
void vp_fence_signal(struct vp_connection *conn, struct vp_fence *fence);

/* Lets the server have it, if it does not. */
VkResult vp_fence_make_real(struct vp_device *device, struct vp_fence *fence);

/* A real one is signalled when all is complete that was submitted to the queue up to now. Others are left alone. */
VkResult vp_fence_signal_real(struct vp_queue *queue, const struct vp_fence *fence);

#endif
