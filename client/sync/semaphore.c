/* SPDX-License-Identifier: MIT */

/* A timeline semaphore has a list of signals to come, each with the queue and serial that make it. Its value is that of
 * the highest which is complete. */

#include "client/sync/semaphore.h"

#include <stdlib.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/sync/early_wait.h"
#include "client/sync/queue.h"
#include "client/sync/share_sync.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* Takes in what has completed. The caller holds the progress lock. */
static uint64_t update_value(struct vp_semaphore *semaphore)
{
   uint32_t kept = 0;
   for (uint32_t i = 0; i < semaphore->pending_count; i++) {
      const struct vp_pending_signal *signal = &semaphore->pending[i];
      if (!vp_queue_is_complete(signal->queue, signal->serial)) {
         semaphore->pending[kept++] = *signal;
      } else if (signal->value > semaphore->value) {
         semaphore->value = signal->value;
         semaphore->last = *signal;
      }
   }
   semaphore->pending_count = kept;
   return semaphore->value;
}

static bool make_room(struct vp_semaphore *semaphore, size_t count)
{
   size_t capacity = semaphore->pending_capacity ? semaphore->pending_capacity : 8;
   while (capacity < semaphore->pending_count + count)
      capacity *= 2;
   if (capacity == semaphore->pending_capacity)
      return true;
   struct vp_pending_signal *pending =
      capacity <= UINT32_MAX ? realloc(semaphore->pending, capacity * sizeof(*pending)) : NULL;
   if (!pending)
      return false;
   semaphore->pending = pending;
   semaphore->pending_capacity = (uint32_t)capacity;
   return true;
}

bool vp_semaphore_make_room(struct vp_connection *conn, struct vp_semaphore *semaphore, uint32_t count)
{
   if (semaphore->type != VK_SEMAPHORE_TYPE_TIMELINE)
      return true;
   /* Nearly always, so without the lock. */
   if (count <= semaphore->pending_capacity &&
       atomic_load_explicit(&semaphore->pending_count, memory_order_relaxed) <= semaphore->pending_capacity - count)
      return true;
   pthread_mutex_lock(&conn->progress_lock);
   update_value(semaphore);
   const bool ok = make_room(semaphore, count);
   pthread_mutex_unlock(&conn->progress_lock);
   return ok;
}

void vp_semaphore_add_signal(struct vp_connection *conn, struct vp_semaphore *semaphore, struct vp_queue *queue,
                             uint64_t serial, uint64_t value)
{
   if (semaphore->type != VK_SEMAPHORE_TYPE_TIMELINE)
      return;
   pthread_mutex_lock(&conn->progress_lock);
   update_value(semaphore);
   if (make_room(semaphore, 1)) /* it has room, unless another thread signals it at the same time against the rules */
      semaphore->pending[semaphore->pending_count++] =
         (struct vp_pending_signal){.queue = queue, .serial = serial, .value = value};
   else
      atomic_store(&queue->status, VK_ERROR_DEVICE_LOST); /* a wait for it could never end */
   vp_news_unlock(conn);                                  /* it may be complete already */
}

/* The signal that brings the value first, or NULL. The caller holds the progress lock. */
static const struct vp_pending_signal *find_signal(const struct vp_semaphore *semaphore, uint64_t value)
{
   const struct vp_pending_signal *found = NULL;
   for (uint32_t i = 0; i < semaphore->pending_count; i++) {
      const struct vp_pending_signal *signal = &semaphore->pending[i];
      if (signal->value >= value && (!found || signal->value < found->value))
         found = signal;
   }
   return found;
}

bool vp_semaphore_is_reached_by(const struct vp_queue *queue, struct vp_semaphore *semaphore, uint64_t value)
{
   struct vp_connection *conn = queue->device->conn;
   pthread_mutex_lock(&conn->progress_lock);
   bool reached = update_value(semaphore) >= value;
   const struct vp_pending_signal *signal = reached ? NULL : find_signal(semaphore, value);
   reached = reached || (signal && signal->queue == queue);
   pthread_mutex_unlock(&conn->progress_lock);
   return reached;
}

void *vp_make_vkCreateSemaphore(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                const VkSemaphoreCreateInfo *info)
{
   const VkSemaphoreTypeCreateInfo *type = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
   struct vp_semaphore *semaphore =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_SEMAPHORE, sizeof(*semaphore));
   if (semaphore) {
      semaphore->type = type ? type->semaphoreType : VK_SEMAPHORE_TYPE_BINARY;
      semaphore->value = type ? type->initialValue : 0;
      semaphore->may_leave = vp_semaphore_may_leave(info);
   }
   return semaphore;
}

bool vp_semaphore_is_awaited(const struct vp_semaphore *semaphore)
{
   return semaphore->lent && semaphore->type != VK_SEMAPHORE_TYPE_TIMELINE;
}

void vp_semaphore_lend(struct vp_device *device, struct vp_semaphore *semaphore)
{
   device->shares = true;
   semaphore->lent = true;
}

void vp_finish_vkDestroySemaphore(struct vp_device *device, void *object)
{
   struct vp_semaphore *semaphore = object;
   free(semaphore->pending);
   vp_exports_sweep(device->physical_device);
}

/* --- those that other processes change --- */

struct lent_value {
   struct vp_semaphore *semaphore;
   uint64_t value;
};

/* The caller holds the progress lock. */
static bool is_told(const void *data)
{
   const struct lent_value *lent = data;
   update_value(lent->semaphore);
   for (uint32_t i = 0; i < lent->semaphore->pending_count; i++) {
      if (lent->semaphore->pending[i].value <= lent->value)
         return false;
   }
   return true;
}

/* The value that the server sees. What our own batches have written up to it is there when this returns. */
static VkResult ask_value(struct vp_device *device, struct vp_semaphore *semaphore, uint64_t *value)
{
   struct vp_cmd_vkGetSemaphoreCounterValue a = {
      .device = VP_TO_HANDLE(VkDevice, device), .semaphore = VP_TO_HANDLE(VkSemaphore, semaphore), .pValue = value};
   *value = 0;
   const VkResult result = vp_call_vkGetSemaphoreCounterValue(device->conn, &a);
   if (result != VK_SUCCESS || a.ret != VK_SUCCESS)
      return result != VK_SUCCESS ? result : a.ret;
   const struct lent_value lent = {.semaphore = semaphore, .value = *value};
   return vp_device_wait(device, is_told, &lent, UINT64_MAX);
}

/* VK_SUCCESS, VK_NOT_READY or an error. */
static VkResult look_at_semaphores(struct vp_device *device, const void *data)
{
   const VkSemaphoreWaitInfo *info = data;
   const bool all = !(info->flags & VK_SEMAPHORE_WAIT_ANY_BIT);
   for (uint32_t i = 0; i < info->semaphoreCount; i++) {
      uint64_t value;
      const VkResult result =
         vp_vkGetSemaphoreCounterValue(VP_TO_HANDLE(VkDevice, device), info->pSemaphores[i], &value);
      if (result != VK_SUCCESS)
         return result;
      if ((value >= info->pValues[i]) != all)
         return all ? VK_NOT_READY : VK_SUCCESS;
   }
   return all ? VK_SUCCESS : VK_NOT_READY;
}

static bool are_lent(const VkSemaphoreWaitInfo *info)
{
   bool lent = false;
   for (uint32_t i = 0; i < info->semaphoreCount; i++)
      lent = lent || VP_FROM_HANDLE(struct vp_semaphore, info->pSemaphores[i])->lent;
   return lent;
}

/* --- calls --- */

/* After a wait: of the batches up to the one that gave the semaphore its value. */
static VkResult take_semaphore_error(struct vp_device *device, const struct vp_semaphore *semaphore)
{
   pthread_mutex_lock(&device->conn->progress_lock);
   const struct vp_pending_signal last = semaphore->last;
   pthread_mutex_unlock(&device->conn->progress_lock);
   return vp_queue_take_error(last.queue, last.serial);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetSemaphoreCounterValue(VkDevice handle, VkSemaphore semaphore, uint64_t *pValue)
{
   struct vp_device *device = vp_device_from_handle(handle);
   if (VP_FROM_HANDLE(struct vp_semaphore, semaphore)->lent)
      return ask_value(device, VP_FROM_HANDLE(struct vp_semaphore, semaphore), pValue);
   pthread_mutex_lock(&device->conn->progress_lock);
   *pValue = update_value(VP_FROM_HANDLE(struct vp_semaphore, semaphore));
   pthread_mutex_unlock(&device->conn->progress_lock);
   vp_device_acquire_memory(device);
   return vp_device_is_lost(device) ? VK_ERROR_DEVICE_LOST
                                    : take_semaphore_error(device, VP_FROM_HANDLE(struct vp_semaphore, semaphore));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkSignalSemaphore(VkDevice handle, const VkSemaphoreSignalInfo *pSignalInfo)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_connection *conn = device->conn;
   struct vp_semaphore *semaphore = VP_FROM_HANDLE(struct vp_semaphore, pSignalInfo->semaphore);
   VkResult result = vp_device_flush_mapped_memory(device); /* a waiting submission may read it */
   if (result != VK_SUCCESS)
      return result;
   const struct vp_cmd_vkSignalSemaphore a = {.device = handle, .pSignalInfo = pSignalInfo};
   result = vp_send_vkSignalSemaphore(conn, &a);
   if (result != VK_SUCCESS)
      return result;
   pthread_mutex_lock(&conn->progress_lock);
   update_value(semaphore);
   if (pSignalInfo->value > semaphore->value)
      semaphore->value = pSignalInfo->value;
   vp_news_unlock(conn);
   return semaphore->lent ? vp_device_await_execution(device) : vp_stream_flush(conn);
}

/* The caller holds the progress lock. */
static bool are_reached(const void *data)
{
   const VkSemaphoreWaitInfo *info = data;
   const bool all = !(info->flags & VK_SEMAPHORE_WAIT_ANY_BIT);
   for (uint32_t i = 0; i < info->semaphoreCount; i++) {
      const bool reached = update_value(VP_FROM_HANDLE(struct vp_semaphore, info->pSemaphores[i])) >= info->pValues[i];
      if (reached != all)
         return !all;
   }
   return all;
}

/* See early_wait.h. Of several of which one is enough, nobody knows which is the first. */
static void complete_semaphore_early(struct vp_device *device, const VkSemaphoreWaitInfo *info, uint64_t *timeout)
{
   if ((info->flags & VK_SEMAPHORE_WAIT_ANY_BIT) && info->semaphoreCount > 1)
      return;
   for (uint32_t i = 0; i < info->semaphoreCount; i++) {
      struct vp_semaphore *semaphore = VP_FROM_HANDLE(struct vp_semaphore, info->pSemaphores[i]);
      pthread_mutex_lock(&device->conn->progress_lock);
      const bool reached = update_value(semaphore) >= info->pValues[i];
      const struct vp_pending_signal *found = reached ? NULL : find_signal(semaphore, info->pValues[i]);
      const struct vp_pending_signal signal = found ? *found : (struct vp_pending_signal){0};
      pthread_mutex_unlock(&device->conn->progress_lock);
      if (signal.queue)
         vp_queue_complete_early(signal.queue, signal.serial, timeout);
   }
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkWaitSemaphores(VkDevice handle, const VkSemaphoreWaitInfo *pWaitInfo,
                                                   uint64_t timeout)
{
   struct vp_device *device = vp_device_from_handle(handle);
   if (are_lent(pWaitInfo))
      return vp_device_poll(device, look_at_semaphores, pWaitInfo, timeout);
   complete_semaphore_early(device, pWaitInfo, &timeout);
   VkResult result = vp_device_wait(device, are_reached, pWaitInfo, timeout);
   for (uint32_t i = 0; i < pWaitInfo->semaphoreCount && result == VK_SUCCESS; i++)
      result = take_semaphore_error(device, VP_FROM_HANDLE(struct vp_semaphore, pWaitInfo->pSemaphores[i]));
   return result;
}
