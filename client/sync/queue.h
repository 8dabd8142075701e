/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_QUEUE_H
#define VP_CLIENT_SYNC_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "client/link/object.h"

struct vp_connection;
struct vp_device;
struct vp_fence;

/* A batch went without something that had failed, which the application has yet to hear. */
struct vp_batch_error {
   struct vp_batch_error *next;
   uint64_t serial;
   VkResult error;
};

/* Every batch on a queue has a serial; the server says which are complete. That
 * one number answers for fences, semaphores and idle waits. */
struct vp_queue {
   struct vp_object base;
   struct vp_device *device;
   const VkAllocationCallbacks *allocator;
   VkDeviceQueueCreateFlags flags;
   uint32_t family, index;
   _Atomic uint64_t submitted;            /* serial of the last batch */
   _Atomic uint64_t completed;            /* of the last batch that counts as complete */
   _Atomic uint64_t reported;             /* of the last one that the server said is, see early_wait.h */
   _Atomic uint64_t shown;                /* of the last one whose end could be seen by other means than a wait */
   _Atomic int32_t status;                /* VkResult; an error means that the device is lost */
   struct vp_batch_error *_Atomic errors; /* under the progress lock; NULL: none */
};

static inline bool vp_queue_is_complete(const struct vp_queue *queue, uint64_t serial)
{
   return atomic_load_explicit(&queue->completed, memory_order_acquire) >= serial;
}

/* News from the server; called by the receiver. */
void vp_queue_receive_progress(struct vp_connection *conn, struct vp_queue *queue, uint64_t serial, VkResult result);

/* The server could not execute all of a batch; called by the receiver. False without memory. */
bool vp_queue_receive_error(struct vp_connection *conn, struct vp_queue *queue, uint64_t serial, VkResult error);

/* The error of a batch up to this serial, which a wait that covers it tells once; VK_SUCCESS: there is none. NULL is no
 * queue. */
VkResult vp_queue_take_error(struct vp_queue *queue, uint64_t serial);

/* Whether nothing more will complete on this device. */
bool vp_device_is_lost(const struct vp_device *device);

/* Waits for news until the deadline (NULL: for ever). The caller holds the
 * connection's progress lock and may be cancelled here (vp_guard_wait()). False at the deadline. */
bool vp_progress_wait(struct vp_connection *conn, const struct timespec *deadline);

/* Waits until done(data) says so, for `timeout` nanoseconds at most: VK_SUCCESS,
 * VK_TIMEOUT or VK_ERROR_DEVICE_LOST. `done` is called with the progress lock held. */
VkResult vp_device_wait(struct vp_device *device, bool (*done)(const void *data), const void *data, uint64_t timeout);

/* Asks look(), which says VK_SUCCESS, VK_NOT_READY or an error, again and again, with pauses, for `timeout` nanoseconds
 * at most. For what other processes do, of which there is no news. VK_TIMEOUT where it is still not ready. */
VkResult vp_device_poll(struct vp_device *device, VkResult (*look)(struct vp_device *device, const void *data),
                        const void *data, uint64_t timeout);

/* Waits until the server has executed all that was said, so that other processes see it. */
VkResult vp_device_await_execution(struct vp_device *device);

/* What all kinds of submission have in common: the mapped memory goes first (begin), then the command itself, with the
 * stream locked from its encoding to the end, so that serials are in the order of the stream. */
VkResult vp_submission_begin(struct vp_queue *queue);

/* The stream is locked and holds the encoded command, which has so many batches. `shows`: see early_wait.h. */
VkResult vp_submission_commit(struct vp_queue *queue, uint32_t batch_count, bool shows, struct vp_fence *fence);

/* Sends it and unlocks the stream. */
void vp_submission_end(struct vp_queue *queue);

/* After it: what other processes may wait for. `lends`: it signals a binary semaphore of that kind. */
VkResult vp_submission_share(struct vp_queue *queue, struct vp_fence *fence, bool lends);

#endif
