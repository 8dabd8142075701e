/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_QUEUE_DEADLINE_H
#define VP_SERVER_QUEUE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;
struct vps_queue;
struct vps_wait;

/* How long a batch may execute. Its time runs from when all batches before it on its queue are complete and all that it
 * waits for is there; to wait for others, or for the host, costs it nothing. */
struct vps_deadline {
   struct vps_deadline *next; /* in the order of their serials */
   uint64_t serial;
   int64_t limit_ns, spent_ns;
   int64_t looked_ns; /* of vp_clock_ns(); 0: its time has not begun */
   int64_t worked_ns; /* of the GPU's clock, then */
   uint32_t wait_count;
   struct vps_wait *waits;
};

/* Those of a queue. Starts with vps_deadlines_init. */
struct vps_deadlines {
   struct vps_deadline *first, **last;
};

void vps_deadlines_init(struct vps_deadlines *deadlines);

/* Moves all of `added` to the end. */
void vps_deadlines_append(struct vps_deadlines *deadlines, struct vps_deadlines *added);

/* Takes those of batches up to a serial off the list; the caller frees what it gets. */
struct vps_deadline *vps_deadlines_take(struct vps_deadlines *deadlines, uint64_t serial);

/* Frees a list of them. NULL is fine. */
void vps_deadline_free(struct vps_deadline *list);

/* Adds one for a batch that waits for so many semaphores, which are to be added next. NULL without memory. These two
 * are for the executing thread. */
struct vps_deadline *vps_deadlines_add(struct vps_deadlines *deadlines, const struct vps_queue *queue, uint64_t serial,
                                       unsigned seconds, uint32_t semaphore_count);

/* One of them, which the current command uses unless it is the server's own. Of a binary one it is not followed which
 * batch signals it: it counts as there when all that was submitted to other queues before is complete. */
void vps_deadline_add_wait(const struct vps_context *ctx, struct vps_deadline *deadline, const struct vps_queue *queue,
                           VkSemaphore semaphore, uint64_t value);

/* Whether the next batch of a queue has executed for too long; to be asked about once in VPS_DEADLINE_STEP_NS, since
 * longer is not counted: when this process has stood still, so may the GPU have. worked_ns: a clock that runs while the
 * GPU can work; no more counts than that. For the queue's thread. */
#define VPS_DEADLINE_STEP_NS INT64_C(1000000000)
bool vps_deadline_is_over(struct vps_deadline *deadline, int64_t now_ns, int64_t worked_ns);

#endif
