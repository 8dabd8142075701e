/* SPDX-License-Identifier: MIT */

/* How queues come to be and end, and what others may know of them. */

#include <pthread.h>
#include <stdlib.h>

#include "common/util/clock.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/queue/queue.h"
#include "server/queue/queue_state.h"

struct vps_queue *vps_queue_next(const struct vps_queue *queue)
{
   return queue->next;
}

uint32_t vps_queue_family(const struct vps_queue *queue)
{
   return queue->family;
}

pthread_mutex_t *vps_queue_lock(struct vps_queue *queue)
{
   return &queue->handle_lock;
}

uint64_t vps_queue_serial(const struct vps_queue *queue)
{
   return queue->serial;
}

bool vps_queue_is_busy(struct vps_queue *queue)
{
   pthread_mutex_lock(&queue->lock);
   const bool busy = queue->completed < queue->serial;
   pthread_mutex_unlock(&queue->lock);
   return busy;
}

/* Whether all that the driver has taken is complete before the deadline, or never will be because the GPU gave up. */
static bool queue_becomes_idle(struct vps_queue *queue, int64_t deadline_ms)
{
   const int64_t left_ms = deadline_ms - vp_clock_ms();

   return vps_queue_finish(queue, queue->accepted, left_ms > 0 ? left_ms * 1000000 : 0);
}

bool vps_queue_stop(struct vps_queue *queue, int64_t deadline_ms)
{
   if (!queue->joined) {
      pthread_mutex_lock(&queue->lock);
      queue->stop = true;
      queue->stop_deadline_ms = deadline_ms;
      pthread_cond_signal(&queue->changed);
      pthread_mutex_unlock(&queue->lock);
      pthread_join(queue->thread, NULL);
      queue->joined = true;
   }
   return queue_becomes_idle(queue, deadline_ms);
}

static void release_queue(void *state)
{
   struct vps_queue *queue = state;
   struct vps_device *device = queue->device;

   vps_queue_stop(queue, vp_clock_ms());
   pthread_mutex_lock(&device->report_lock);
   for (struct vps_queue **link = &device->queues; *link; link = &(*link)->next) {
      if (*link == queue) {
         *link = queue->next;
         break;
      }
   }
   pthread_mutex_unlock(&device->report_lock);
   vps_pending_free(queue->first);
   vps_deadline_free(queue->deadlines.first);
   if (!device->abandoned)
      device->functions.DestroySemaphore(device->handle, queue->timeline, NULL);
   pthread_cond_destroy(&queue->changed);
   pthread_mutex_destroy(&queue->lock);
   pthread_mutex_destroy(&queue->handle_lock);
   free(queue);
}

static VkResult create_queue_timeline(struct vps_queue *queue)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const struct vps_device *device = queue->device;

   return device->functions.CreateSemaphore(device->handle, &info, NULL, &queue->timeline);
}

static struct vps_queue *create_queue(struct vps_device *device, uint64_t id, VkQueue handle)
{
   struct vps_queue *queue = calloc(1, sizeof(*queue));
   if (!queue)
      return NULL;
   queue->device = device;
   queue->id = id;
   queue->handle = handle;
   queue->last = &queue->first;
   vps_deadlines_init(&queue->deadlines);

   if (pthread_mutex_init(&queue->handle_lock, NULL) != 0)
      goto fail;
   if (pthread_mutex_init(&queue->lock, NULL) != 0)
      goto fail_handle_lock;
   if (!vp_clock_cond_init(&queue->changed))
      goto fail_mutex;
   if (create_queue_timeline(queue) < 0)
      goto fail_cond;
   if (pthread_create(&queue->thread, NULL, vps_queue_run, queue) != 0)
      goto fail_timeline;
   pthread_mutex_lock(&device->report_lock);
   queue->next = device->queues;
   device->queues = queue;
   pthread_mutex_unlock(&device->report_lock);
   return queue;

fail_timeline:
   device->functions.DestroySemaphore(device->handle, queue->timeline, NULL);
fail_cond:
   pthread_cond_destroy(&queue->changed);
fail_mutex:
   pthread_mutex_destroy(&queue->lock);
fail_handle_lock:
   pthread_mutex_destroy(&queue->handle_lock);
fail:
   free(queue);
   return NULL;
}

/* NULL: the client has not asked for it. */
static struct vps_queue *find_queue(const struct vps_device *device, VkQueue handle)
{
   struct vps_queue *queue = device->queues;

   while (queue && queue->handle != handle)
      queue = queue->next;
   return queue;
}

VkResult vps_device_submit(const struct vps_device *device, VkQueue handle, const VkSubmitInfo *info)
{
   struct vps_queue *queue = find_queue(device, handle);

   if (queue)
      pthread_mutex_lock(&queue->handle_lock);
   const VkResult result = device->functions.QueueSubmit(handle, 1, info, VK_NULL_HANDLE);
   if (queue)
      pthread_mutex_unlock(&queue->handle_lock);
   return result;
}

static bool device_has_queue(const struct vps_device *device, const VkDeviceQueueInfo2 *info)
{
   for (uint32_t i = 0; i < device->range_count; i++) {
      const struct vps_queue_range *range = &device->ranges[i];
      if (range->family == info->queueFamilyIndex && range->flags == info->flags && info->queueIndex < range->count)
         return true;
   }
   return false;
}

void vps_handle_vkGetDeviceQueue2(struct vps_context *ctx, struct vp_cmd_vkGetDeviceQueue2 *a)
{
   const uint64_t id = (uint64_t)(uintptr_t)*a->pQueue;
   struct vps_device *device = ctx->used[0]->device;
   VkQueue handle = VK_NULL_HANDLE;

   if (!device_has_queue(device, a->pQueueInfo)) {
      vps_fail(ctx, "the device was created without queue %u of family %u", a->pQueueInfo->queueIndex,
               a->pQueueInfo->queueFamilyIndex);
      return;
   }
   device->functions.GetDeviceQueue2(device->handle, a->pQueueInfo, &handle);
   if (handle && find_queue(device, handle)) { /* one VkQueue has one lock */
      vps_fail(ctx, "the queue %u of family %u has an id already", a->pQueueInfo->queueIndex,
               a->pQueueInfo->queueFamilyIndex);
      return;
   }
   struct vps_queue *queue = handle ? create_queue(device, id, handle) : NULL;
   if (!queue) {
      vps_fail(ctx, "the queue cannot be used; the server is out of memory or threads");
      return;
   }
   queue->family = a->pQueueInfo->queueFamilyIndex;
   struct vps_object *object = vps_add(ctx, VK_OBJECT_TYPE_QUEUE, id, (uint64_t)(uintptr_t)handle);
   if (!object) {
      release_queue(queue);
      return;
   }
   object->state = queue;
   object->release = release_queue;
}
