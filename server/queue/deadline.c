/* SPDX-License-Identifier: MIT */

/* Adds up how long a batch has executed, and looks before whether what it waits for is there: values of timeline
 * semaphores, and batches of other queues. */

#include "server/queue/deadline.h"

#include <stdlib.h>

#include "common/util/clock.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/queue/queue_state.h"
#include "server/queue/semaphore.h"

/* Something that a batch waits for: a value of a timeline, or batches of another queue. */
struct vps_wait {
   struct vps_timeline *timeline; /* held; NULL: a queue */
   struct vps_queue *queue;
   uint64_t value; /* or serial */
};

void vps_deadlines_init(struct vps_deadlines *deadlines)
{
   deadlines->first = NULL;
   deadlines->last = &deadlines->first;
}

void vps_deadlines_append(struct vps_deadlines *deadlines, struct vps_deadlines *added)
{
   if (!added->first)
      return;
   *deadlines->last = added->first;
   deadlines->last = added->last;
   vps_deadlines_init(added);
}

struct vps_deadline *vps_deadlines_take(struct vps_deadlines *deadlines, uint64_t serial)
{
   struct vps_deadline *taken = deadlines->first, **end = &taken;

   while (*end && (*end)->serial <= serial)
      end = &(*end)->next;
   deadlines->first = *end;
   if (!deadlines->first)
      deadlines->last = &deadlines->first;
   *end = NULL;
   return taken;
}

void vps_deadline_free(struct vps_deadline *list)
{
   while (list) {
      struct vps_deadline *next = list->next;
      for (uint32_t i = 0; i < list->wait_count; i++) {
         if (list->waits[i].timeline)
            vps_timeline_unref(list->waits[i].timeline);
      }
      free(list->waits);
      free(list);
      list = next;
   }
}

/* Of the device, but this one. */
static uint32_t count_others(const struct vps_queue *queue)
{
   uint32_t count = 0;

   for (const struct vps_queue *other = queue->device->queues; other; other = other->next)
      count += other != queue;
   return count;
}

struct vps_deadline *vps_deadlines_add(struct vps_deadlines *deadlines, const struct vps_queue *queue, uint64_t serial,
                                       unsigned seconds, uint32_t semaphore_count)
{
   struct vps_deadline *deadline = calloc(1, sizeof(*deadline));
   if (!deadline)
      return NULL;
   deadline->serial = serial;
   deadline->limit_ns = (int64_t)seconds * 1000000000;
   if (semaphore_count > 0) {
      deadline->waits = calloc((size_t)semaphore_count + count_others(queue), sizeof(*deadline->waits));
      if (!deadline->waits) {
         free(deadline);
         return NULL;
      }
   }
   *deadlines->last = deadline;
   deadlines->last = &deadline->next;
   return deadline;
}

/* Once for all binary semaphores of a batch. */
static void add_others(struct vps_deadline *deadline, const struct vps_queue *queue)
{
   for (uint32_t i = 0; i < deadline->wait_count; i++) {
      if (deadline->waits[i].queue)
         return;
   }
   for (struct vps_queue *other = queue->device->queues; other; other = other->next) {
      if (other != queue)
         deadline->waits[deadline->wait_count++] = (struct vps_wait){.queue = other, .value = other->serial};
   }
}

void vps_deadline_add_wait(const struct vps_context *ctx, struct vps_deadline *deadline, const struct vps_queue *queue,
                           VkSemaphore semaphore, uint64_t value)
{
   struct vps_timeline *timeline = vps_timeline_find(ctx, semaphore);

   if (timeline)
      deadline->waits[deadline->wait_count++] = (struct vps_wait){.timeline = timeline, .value = value};
   else
      add_others(deadline, queue);
}

static bool is_there(const struct vps_wait *wait)
{
   if (wait->timeline)
      return vps_timeline_has_reached(wait->timeline, wait->value);
   pthread_mutex_lock(&wait->queue->lock);
   const bool complete = wait->queue->completed >= wait->value;
   pthread_mutex_unlock(&wait->queue->lock);
   return complete;
}

/* What has been there once is not looked at again. */
static bool is_all_there(struct vps_deadline *deadline)
{
   while (deadline->wait_count > 0) {
      const struct vps_wait *wait = &deadline->waits[deadline->wait_count - 1];
      if (!is_there(wait))
         return false;
      if (wait->timeline)
         vps_timeline_unref(wait->timeline);
      deadline->wait_count--;
   }
   return true;
}

static int64_t least(int64_t a, int64_t b)
{
   return a < b ? a : b;
}

bool vps_deadline_is_over(struct vps_deadline *deadline, int64_t now_ns, int64_t worked_ns)
{
   if (!deadline->looked_ns && !is_all_there(deadline))
      return false;
   if (deadline->looked_ns) {
      const int64_t passed_ns = least(now_ns - deadline->looked_ns, worked_ns - deadline->worked_ns);
      deadline->spent_ns += least(passed_ns, VPS_DEADLINE_STEP_NS);
   }
   deadline->looked_ns = now_ns;
   deadline->worked_ns = worked_ns;
   return deadline->spent_ns >= deadline->limit_ns;
}
