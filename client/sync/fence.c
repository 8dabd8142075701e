/* SPDX-License-Identifier: MIT */

/* vkWaitForFences and vkGetFenceStatus compare serials with what the queues have completed; they ask the server
 * nothing, unless other processes may have the fence. */

#include "client/sync/fence.h"

#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/sync/early_wait.h"
#include "client/sync/queue.h"
#include "client/sync/share_sync.h"
#include "client/vp_client_send.h"
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
   if (!fence)
      return NULL;
   fence->serial = info->flags & VK_FENCE_CREATE_SIGNALED_BIT ? VP_FENCE_SIGNALLED : 0;
   fence->may_leave = fence->real = vp_fence_may_leave(info);
   return fence;
}

VkResult vp_say_vkCreateFence(struct vp_device *device, void *object, struct vp_cmd_vkCreateFence *a)
{
   const struct vp_fence *fence = object;
   if (fence->real)
      return vp_try_vkCreateFence(device, false, a);
   return vp_connection_lost(device->conn) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyFence(VkDevice handle, VkFence fence_handle,
                                             const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_fence *fence = VP_FROM_HANDLE(struct vp_fence, fence_handle);
   if (!fence)
      return;
   if (fence->real) {
      vp_send_vkDestroyFence(device->conn, &(struct vp_cmd_vkDestroyFence){.device = handle, .fence = fence_handle});
      vp_exports_sweep(device->physical_device);
   }
   vp_object_destroy(&device->conn->objects, vp_allocator(pAllocator, device->allocator), fence);
}

/* --- real ones --- */

VkResult vp_fence_make_real(struct vp_device *device, struct vp_fence *fence)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence handle = VP_TO_HANDLE(VkFence, fence);
   struct vp_cmd_vkCreateFence a = {.device = VP_TO_HANDLE(VkDevice, device), .pCreateInfo = &info, .pFence = &handle};
   if (fence->real)
      return VK_SUCCESS;
   const VkResult result = vp_try_vkCreateFence(device, false, &a);
   fence->real = result == VK_SUCCESS;
   if (fence->real)
      atomic_store(&fence->serial, 0);
   return result;
}

VkResult vp_fence_signal_real(struct vp_queue *queue, const struct vp_fence *fence)
{
   struct vp_connection *conn = queue->device->conn;
   if (!fence->real)
      return VK_SUCCESS;
   const struct vp_cmd_vkSignalFenceVP a = {.queue = VP_TO_HANDLE(VkQueue, queue),
                                            .fence = VP_TO_HANDLE(VkFence, (struct vp_fence *)(uintptr_t)fence)};
   const VkResult result = vp_send_vkSignalFenceVP(conn, &a);
   return result == VK_SUCCESS ? vp_stream_flush(conn) : result;
}

/* What our own batches have written is there, too, when this says VK_SUCCESS. */
static VkResult ask_fence(struct vp_device *device, struct vp_fence *fence)
{
   struct vp_cmd_vkGetFenceStatus a = {.device = VP_TO_HANDLE(VkDevice, device), .fence = VP_TO_HANDLE(VkFence, fence)};
   const VkResult result = vp_call_vkGetFenceStatus(device->conn, &a);
   if (result != VK_SUCCESS || a.ret != VK_SUCCESS)
      return result != VK_SUCCESS ? result : a.ret;
   return fence->serial == 0 || is_signalled(fence) ? VK_SUCCESS : VK_NOT_READY;
}

/* What other processes are told afterwards they must see. */
static VkResult reset_real(VkDevice device, uint32_t count, const VkFence *fences)
{
   VkResult result = VK_SUCCESS;
   for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
      struct vp_cmd_vkResetFences a = {.device = device, .fenceCount = 1, .pFences = &fences[i]};
      if (!VP_FROM_HANDLE(struct vp_fence, fences[i])->real)
         continue;
      result = vp_call_vkResetFences(vp_device_from_handle(device)->conn, &a);
      result = result == VK_SUCCESS ? a.ret : result;
   }
   return result;
}

/* --- calls --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkResetFences(VkDevice device, uint32_t fenceCount, const VkFence *pFences)
{
   for (uint32_t i = 0; i < fenceCount; i++)
      atomic_store(&VP_FROM_HANDLE(struct vp_fence, pFences[i])->serial, 0);
   return reset_real(device, fenceCount, pFences);
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
   if (VP_FROM_HANDLE(struct vp_fence, fence)->real) {
      const VkResult result = ask_fence(device, VP_FROM_HANDLE(struct vp_fence, fence));
      if (result != VK_SUCCESS)
         return result;
   } else if (!is_signalled(VP_FROM_HANDLE(struct vp_fence, fence))) {
      return vp_device_is_lost(device) ? VK_ERROR_DEVICE_LOST : VK_NOT_READY;
   }
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

/* VK_SUCCESS, VK_NOT_READY or an error. */
static VkResult look_at_fences(struct vp_device *device, const void *data)
{
   const struct fence_wait *wait = data;
   for (uint32_t i = 0; i < wait->count; i++) {
      const VkResult result = vp_vkGetFenceStatus(VP_TO_HANDLE(VkDevice, device), wait->fences[i]);
      if (result < 0)
         return result;
      if ((result == VK_SUCCESS) != wait->all)
         return wait->all ? VK_NOT_READY : VK_SUCCESS;
   }
   return wait->all ? VK_SUCCESS : VK_NOT_READY;
}

static bool are_real(const VkFence *fences, uint32_t count)
{
   bool real = false;
   for (uint32_t i = 0; i < count; i++)
      real = real || VP_FROM_HANDLE(struct vp_fence, fences[i])->real;
   return real;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkWaitForFences(VkDevice handle, uint32_t fenceCount, const VkFence *pFences,
                                                  VkBool32 waitAll, uint64_t timeout)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const struct fence_wait wait = {.fences = pFences, .count = fenceCount, .all = waitAll};
   VkResult result = VK_SUCCESS;
   if (are_real(pFences, fenceCount))
      return vp_device_poll(device, look_at_fences, &wait, timeout);
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
