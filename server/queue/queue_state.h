/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_QUEUE_QUEUE_STATE_H
#define VP_SERVER_QUEUE_QUEUE_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/queue/deadline.h"

struct vps_device;
struct vps_track;

/* What the parts of a queue know of each other: queue_life.c, which creates and ends it, queue_submit.c, which submits,
 * and queue.c, which reports. */

/* What a batch that is not complete changes. */
struct vps_pending {
   struct vps_pending *next;
   uint64_t serial;
   struct vps_track *track;
};

/* The state of a VkQueue. Its thread waits for the batches that the executing thread submits, and reports them. */
struct vps_queue {
   struct vps_queue *next;
   struct vps_device *device;
   uint64_t id;
   VkQueue handle;
   uint32_t family;
   VkSemaphore timeline; /* reaches the serial of each batch when that is complete */
   uint64_t serial;      /* of the last batch; of the executing thread */
   uint64_t accepted;    /* of the last batch that the driver has taken; same */
   int64_t progress_ns;  /* when a batch was complete or the first one began; of the queue's thread */
   int64_t next_look_ns; /* when memory is looked at while a batch runs; same */
   pthread_t thread;
   bool joined;

   uint64_t reported;        /* serial that the client was told, under the device's report_lock */
   bool due;                 /* and is to be told now; same */
   struct vps_pending *done; /* what goes with it; same */

   pthread_mutex_t handle_lock; /* only one thread at a time may use the VkQueue; taken after the device's report_lock
                                   and before `lock` */
   bool unsettled; /* a batch used semaphores since the driver was last seen to be done with all; under handle_lock */

   pthread_mutex_t lock;              /* of what follows */
   pthread_cond_t changed;            /* there is more to do, or more is done */
   _Atomic uint64_t submitted;        /* serials */
   uint64_t completed;                /* and the driver is done with it, but it may not be reported yet */
   struct vps_pending *first, **last; /* in the order of their serials */
   struct vps_deadlines deadlines;    /* of batches that are not complete; only the queue's thread takes them off */
   bool stop;
   int64_t stop_deadline_ms;
};

/* Frees a list of them. NULL is fine. */
void vps_pending_free(struct vps_pending *list);

/* Batches up to this serial were submitted, and they change this, and have these deadlines: the queue's thread waits
 * for them from now on. `last` is the end of the list; an empty one is fine. */
void vps_queue_hand_over(struct vps_queue *queue, uint64_t serial, struct vps_pending *list, struct vps_pending **last,
                         struct vps_deadlines *deadlines);

/* The queue's thread. */
void *vps_queue_run(void *queue);

/* The device is lost, which is logged once. */
void vps_queue_lose_device(const struct vps_queue *queue, const char *reason, VkResult result);

#endif
