/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_QUEUE_QUEUE_H
#define VP_SERVER_QUEUE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vps_queue;

/* Queues of one device are a list. */
struct vps_queue *vps_queue_next(const struct vps_queue *queue);

uint32_t vps_queue_family(const struct vps_queue *queue);

/* Held while the VkQueue is given to the driver. */
pthread_mutex_t *vps_queue_lock(struct vps_queue *queue);

/* Of the last batch; for the executing thread. */
uint64_t vps_queue_serial(const struct vps_queue *queue);

/* Whether a batch is not complete; for the executing thread. */
bool vps_queue_is_busy(struct vps_queue *queue);

/* Waits until the driver is done with a batch, for some time; for the executing thread. False when it takes longer. */
bool vps_queue_finish(struct vps_queue *queue, uint64_t serial, int64_t timeout_ns);

/* Waits until the GPU does nothing for the queue of a lost device any more, or never will; for the executing thread.
 * False when it takes longer. */
bool vps_queue_comes_to_rest(struct vps_queue *queue, int64_t timeout_ns);

/* Lets the queue's thread wait until all is complete or the deadline (of vp_clock_ms) is over, and ends it. False when
 * something may still be running. */
bool vps_queue_stop(struct vps_queue *queue, int64_t deadline_ms);

#endif
