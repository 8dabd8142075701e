/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_SEMAPHORE_H
#define VP_CLIENT_SYNC_SEMAPHORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "client/link/object.h"

struct vp_connection;
struct vp_device;
struct vp_queue;

/* A signal that a submitted batch will make. */
struct vp_pending_signal {
   struct vp_queue *queue;
   uint64_t serial, value;
};

/* Timeline semaphores are known by value from the progress of the queues that
 * signal them. Binary ones matter to the server only. All state is under the
 * connection's progress lock. */
struct vp_semaphore {
   struct vp_object base;
   VkSemaphoreType type;
   bool may_leave;   /* it was created to be exported */
   atomic_bool lent; /* it was exported or imported: other processes change it, so that the server is asked */
   uint64_t value;
   struct vp_pending_signal last; /* the last signal of a batch that is complete; its queue is NULL before */
   struct vp_pending_signal *pending;
   atomic_uint pending_count; /* grows by submissions alone, of which one at a time may signal the semaphore */
   uint32_t pending_capacity; /* same */
};

/* So many signals more can be added. False without memory. */
bool vp_semaphore_make_room(struct vp_connection *conn, struct vp_semaphore *semaphore, uint32_t count);

/* For a timeline semaphore, with room for it; others are left alone. */
void vp_semaphore_add_signal(struct vp_connection *conn, struct vp_semaphore *semaphore, struct vp_queue *queue,
                             uint64_t serial, uint64_t value);

/* Whether a timeline semaphore has the value, or gets it from what has been submitted to this queue up to now. */
bool vp_semaphore_is_reached_by(const struct vp_queue *queue, struct vp_semaphore *semaphore, uint64_t value);

/* Whether it is a binary one that other processes may wait for. */
bool vp_semaphore_is_awaited(const struct vp_semaphore *semaphore);

/* It has been exported or imported. */
void vp_semaphore_lend(struct vp_device *device, struct vp_semaphore *semaphore);

#endif
