/* SPDX-License-Identifier: MIT */

/* vkWaitForFences and vkGetFenceStatus compare serials with what the queues have completed; they ask the server
 * nothing. */

#include "client/sync/fence.h"

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/sync/early_wait.h"
#include "client/sync/queue.h"
#include "client/vp_entry.h"

void vp_fence_set_pending(struct vp_fence *fence, struct vp_queue *queue, uint64_t serial)
{
   struct vp_connection *conn = queue->device->conn;
   pthread_mutex_lock(&conn->progress_lock);
   atomic_store(&fence->queue, queue);
   atomic_store_explicit(&fence->serial, serial, memory_order_release);
   vp_news_unlock(conn); /* somebody may wait for it already */
}

void vp_fence_signal(struct vp_connection *conn, struct vp_fence *fence)
{
   pthread_mutex_lock(&conn->progress_lock);
   atomic_store_explicit(&fence->serial, VP_FENCE_SIGNALLED, memory_order_release);
   vp_news_unlock(conn);
}

static bool is_signalled(const struct vp_fence *fence)
{
   const uint64_t serial = atomic_load_explicit(&fence->serial, memory_order_acquire);
   if (serial == 0 || serial == VP_FENCE_SIGNALLED)
      return serial != 0;
   return vp_queue_is_complete(atomic_load(&fence->queue), serial);
}

void *vp_make_vkCreateFence(struct vp_device *device, const VkAllocationCallbacks *allocator,
                            const VkFenceCreateInfo *info)
{
   struct vp_fence *fence = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_FENCE, sizeof(*fence));
   if (fence)
      fence->serial = info->flags & VK_FENCE_CREATE_SIGNALED_BIT ? VP_FENCE_SIGNALLED : 0;
   return fence;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkResetFences(VkDevice device, uint32_t fenceCount, const VkFence *pFences)
{
   (void)device;
   for (uint32_t i = 0; i < fenceCount; i++)
      atomic_store(&VP_FROM_HANDLE(struct vp_fence, pFences[i])->serial, 0);
   return VK_SUCCESS;
}

/* After a wait: of what the fence was submitted with. */
static VkResult take_fence_error(const struct vp_fence *fence)
{
   const uint64_t serial = atomic_load_explicit(&fence->serial, memory_order_acquire);
   return serial == 0 || serial == VP_FENCE_SIGNALLED ? VK_SUCCESS
                                                      : vp_queue_take_error(atomic_load(&fence->queue), serial);
}

/* When the batches end cannot be seen by other means, these fences are signalled at once. Of several of which one is
 * enough, nobody knows which is the first. */
static void complete_fence_early(const VkFence *fences, uint32_t count, bool all, uint64_t *timeout)
{
   if (!all && count > 1)
      return;
   for (uint32_t i = 0; i < count; i++) {
      const struct vp_fence *fence = VP_FROM_HANDLE(struct vp_fence, fences[i]);
      const uint64_t serial = atomic_load_explicit(&fence->serial, memory_order_acquire);
      if (serial != 0 && serial != VP_FENCE_SIGNALLED)
         vp_queue_complete_early(atomic_load(&fence->queue), serial, timeout);
   }
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetFenceStatus(VkDevice handle, VkFence fence)
{
   struct vp_device *device = vp_device_from_handle(handle);
   uint64_t timeout = 0;
   complete_fence_early(&fence, 1, true, &timeout);
   if (!is_signalled(VP_FROM_HANDLE(struct vp_fence, fence)))
      return vp_device_is_lost(device) ? VK_ERROR_DEVICE_LOST : VK_NOT_READY;
   vp_device_acquire_memory(device);
   return take_fence_error(VP_FROM_HANDLE(struct vp_fence, fence));
}

struct fence_wait {
   const VkFence *fences;
   uint32_t count;
   bool all;
};

static bool are_signalled(const void *data)
{
   const struct fence_wait *wait = data;
   for (uint32_t i = 0; i < wait->count; i++) {
      if (is_signalled(VP_FROM_HANDLE(struct vp_fence, wait->fences[i])) != wait->all)
         return !wait->all;
   }
   return wait->all;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkWaitForFences(VkDevice handle, uint32_t fenceCount, const VkFence *pFences,
                                                  VkBool32 waitAll, uint64_t timeout)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const struct fence_wait wait = {.fences = pFences, .count = fenceCount, .all = waitAll};
   VkResult result = VK_SUCCESS;
   complete_fence_early(pFences, fenceCount, waitAll, &timeout);
   if (are_signalled(&wait)) /* without a lock */
      vp_device_acquire_memory(device);
   else
      result = vp_device_wait(device, are_signalled, &wait, timeout);
   for (uint32_t i = 0; i < fenceCount && result == VK_SUCCESS; i++) {
      if (is_signalled(VP_FROM_HANDLE(struct vp_fence, pFences[i])))
         result = take_fence_error(VP_FROM_HANDLE(struct vp_fence, pFences[i]));
   }
   return result;
}
