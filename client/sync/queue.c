/* SPDX-License-Identifier: MIT */

/* vkQueueSubmit and its kin give mapped memory its place in the stream, then the batches their serials; all waits sleep
 * until news of the queues' progress says enough. */

#include "client/sync/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/process/guard.h"
#include "client/record/command_buffer.h"
#include "client/sync/early_wait.h"
#include "client/sync/fence.h"
#include "client/sync/semaphore.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/clock.h"
#include "common/util/spin.h"

/* --- progress --- */

void vp_queue_receive_progress(struct vp_connection *conn, struct vp_queue *queue, uint64_t serial, VkResult result)
{
   pthread_mutex_lock(&conn->progress_lock);
   if (result < 0)
      atomic_store(&queue->status, result);
   else if (serial > queue->reported)
      atomic_store(&queue->reported, serial);
   if (queue->reported > queue->completed)
      atomic_store_explicit(&queue->completed, queue->reported, memory_order_release);
   vp_news_unlock(conn);
}

bool vp_queue_receive_error(struct vp_connection *conn, struct vp_queue *queue, uint64_t serial, VkResult error)
{
   struct vp_batch_error *item = malloc(sizeof(*item));
   if (!item)
      return false;
   pthread_mutex_lock(&conn->progress_lock);
   *item = (struct vp_batch_error){.next = queue->errors, .serial = serial, .error = error};
   queue->errors = item;
   pthread_mutex_unlock(&conn->progress_lock);
   return true;
}

VkResult vp_queue_take_error(struct vp_queue *queue, uint64_t serial)
{
   VkResult error = VK_SUCCESS;
   if (!queue || !queue->errors)
      return VK_SUCCESS;
   pthread_mutex_lock(&queue->device->conn->progress_lock);
   struct vp_batch_error *kept = NULL;
   for (struct vp_batch_error *item = queue->errors; item;) {
      struct vp_batch_error *next = item->next;
      if (item->serial <= serial) {
         error = item->error;
         free(item);
      } else {
         item->next = kept;
         kept = item;
      }
      item = next;
   }
   queue->errors = kept;
   pthread_mutex_unlock(&queue->device->conn->progress_lock);
   return vp_late_result(error);
}

bool vp_device_is_lost(const struct vp_device *device)
{
   if (vp_connection_lost(device->conn))
      return true;
   for (uint32_t i = 0; i < device->queue_count; i++) {
      if (atomic_load_explicit(&device->queues[i]->status, memory_order_relaxed) < 0)
         return true;
   }
   return false;
}

/* Without the lock, up to the deadline at most. */
static void spin_for_news(struct vp_connection *conn, uint64_t known, const struct timespec *deadline)
{
   const int64_t deadline_ns = deadline ? (int64_t)deadline->tv_sec * 1000000000 + deadline->tv_nsec : INT64_MAX,
                 left_ns = deadline_ns - vp_clock_ns();
   pthread_mutex_unlock(&conn->progress_lock);
   VP_SPIN_UNTIL(atomic_load_explicit(&conn->news, memory_order_acquire) != known,
                 left_ns < VP_WAIT_SPIN_NS ? left_ns : VP_WAIT_SPIN_NS);
   pthread_mutex_lock(&conn->progress_lock);
}

bool vp_progress_wait(struct vp_connection *conn, const struct timespec *deadline)
{
   const uint64_t known = conn->news;
   spin_for_news(conn, known, deadline);
   if (conn->news != known)
      return true;
   return vp_guard_wait(&conn->progress_cond, &conn->progress_lock, deadline) != ETIMEDOUT;
}

VkResult vp_device_wait(struct vp_device *device, bool (*done)(const void *data), const void *data, uint64_t timeout)
{
   const struct timespec deadline = vp_clock_after(timeout);
   VkResult result = VK_TIMEOUT;
   bool more = timeout > 0;
   pthread_mutex_lock(&device->conn->progress_lock);
   do {
      if (done(data))
         result = VK_SUCCESS;
      else if (vp_device_is_lost(device))
         result = VK_ERROR_DEVICE_LOST;
      else if (more)
         more = vp_progress_wait(device->conn, &deadline);
      else
         break;
   } while (result == VK_TIMEOUT);
   pthread_mutex_unlock(&device->conn->progress_lock);
   if (result == VK_SUCCESS)
      vp_device_acquire_memory(device);
   return result;
}

#define LEAST_PAUSE_NS UINT64_C(100000)
#define MOST_PAUSE_NS UINT64_C(4000000)

VkResult vp_device_poll(struct vp_device *device, VkResult (*look)(struct vp_device *device, const void *data),
                        const void *data, uint64_t timeout)
{
   const int64_t start_ns = vp_clock_ns();
   uint64_t pause_ns = LEAST_PAUSE_NS;
   for (;;) {
      const VkResult result = look(device, data);
      const uint64_t passed = (uint64_t)(vp_clock_ns() - start_ns);
      if (result != VK_NOT_READY)
         return result;
      if (vp_device_is_lost(device))
         return VK_ERROR_DEVICE_LOST;
      if (passed >= timeout)
         return VK_TIMEOUT;
      const uint64_t left = timeout - passed;
      const struct timespec until = vp_clock_after(left < pause_ns ? left : pause_ns);
      pthread_mutex_lock(&device->conn->progress_lock);
      vp_progress_wait(device->conn, &until);
      pthread_mutex_unlock(&device->conn->progress_lock);
      pause_ns = pause_ns < MOST_PAUSE_NS ? 2 * pause_ns : pause_ns;
   }
}

VkResult vp_device_await_execution(struct vp_device *device)
{
   struct vp_cmd_vkAwaitExecutionVP a = {.device = VP_TO_HANDLE(VkDevice, device)};
   return vp_call_vkAwaitExecutionVP(device->conn, &a);
}

static VkResult wait_idle(struct vp_queue *queue)
{
   struct vp_connection *conn = queue->device->conn;
   const uint64_t serial = atomic_load(&queue->submitted);
   uint64_t timeout = UINT64_MAX;
   vp_queue_complete_early(queue, serial, &timeout);
   pthread_mutex_lock(&conn->progress_lock);
   while (!vp_queue_is_complete(queue, serial) && !vp_device_is_lost(queue->device))
      vp_progress_wait(conn, NULL);
   pthread_mutex_unlock(&conn->progress_lock);
   if (!vp_queue_is_complete(queue, serial) || vp_device_is_lost(queue->device))
      return VK_ERROR_DEVICE_LOST;
   vp_device_acquire_memory(queue->device);
   return vp_queue_take_error(queue, serial);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkQueueWaitIdle(VkQueue queue)
{
   return wait_idle(VP_FROM_HANDLE(struct vp_queue, queue));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkDeviceWaitIdle(VkDevice handle)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkResult result = vp_device_is_lost(device) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   for (uint32_t i = 0; i < device->queue_count && result != VK_ERROR_DEVICE_LOST; i++) {
      const VkResult error = wait_idle(device->queues[i]);
      if (error)
         result = error;
   }
   return result;
}

/* --- submission --- */

VkResult vp_submission_begin(struct vp_queue *queue)
{
   if (vp_device_is_lost(queue->device))
      return VK_ERROR_DEVICE_LOST;
   return vp_device_flush_mapped_memory(queue->device);
}

VkResult vp_submission_commit(struct vp_queue *queue, uint32_t batch_count, bool shows, struct vp_fence *fence)
{
   struct vp_connection *conn = queue->device->conn;
   const VkResult result = vp_stream_commit(conn);
   if (result == VK_SUCCESS) {
      atomic_fetch_add(&queue->submitted, batch_count);
      if (shows)
         atomic_store(&queue->shown, atomic_load(&queue->submitted));
      if (fence)
         vp_fence_set_pending(fence, queue, atomic_load(&queue->submitted));
      vp_stats_add(&conn->stats.submissions, 1);
   }
   return result;
}

void vp_submission_end(struct vp_queue *queue)
{
   vp_stream_flush_locked(queue->device->conn);
   vp_stream_unlock(queue->device->conn);
   vp_pace_wait(queue->device->conn);
}

/* Another process that is told of a binary semaphore's signal waits for it, which must then be there. Of a fence it can
 * see that it is not signalled yet. */
VkResult vp_submission_share(struct vp_queue *queue, struct vp_fence *fence, bool lends)
{
   struct vp_device *device = queue->device;
   VkResult result = VK_SUCCESS;
   if (fence)
      result = vp_fence_signal_real(queue, fence);
   if (result == VK_SUCCESS && lends)
      result = vp_device_await_execution(device);
   vp_exports_tend(device->physical_device);
   return result;
}

/* Whether one of these is a binary semaphore that other processes may wait for. */
static bool lends_one(uint32_t count, const VkSemaphore *semaphores)
{
   bool lends = false;
   for (uint32_t i = 0; i < count; i++)
      lends = lends || vp_semaphore_is_awaited(VP_FROM_HANDLE(struct vp_semaphore, semaphores[i]));
   return lends;
}

static bool lends_any(const struct vp_device *device, const VkSubmitInfo *submits, uint32_t count)
{
   bool lends = false;
   for (uint32_t i = 0; device->shares && i < count; i++)
      lends = lends || lends_one(submits[i].signalSemaphoreCount, submits[i].pSignalSemaphores);
   return lends;
}

static bool lends_any2(const struct vp_device *device, const VkSubmitInfo2 *submits, uint32_t count)
{
   bool lends = false;
   for (uint32_t i = 0; device->shares && i < count; i++) {
      for (uint32_t j = 0; j < submits[i].signalSemaphoreInfoCount; j++)
         lends = lends || lends_one(1, &submits[i].pSignalSemaphoreInfos[j].semaphore);
   }
   return lends;
}

static bool lends_any_sparse(const struct vp_device *device, const VkBindSparseInfo *binds, uint32_t count)
{
   bool lends = false;
   for (uint32_t i = 0; device->shares && i < count; i++)
      lends = lends || lends_one(binds[i].signalSemaphoreCount, binds[i].pSignalSemaphores);
   return lends;
}

/* The first error that the server has reported of what is about to run. */
static VkResult command_buffers_error(const VkSubmitInfo *submits, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t j = 0; j < submits[i].commandBufferCount; j++) {
         const VkResult error =
            vp_command_buffer_error(VP_FROM_HANDLE(struct vp_command_buffer, submits[i].pCommandBuffers[j]));
         if (error)
            return vp_late_result(error);
      }
   }
   return VK_SUCCESS;
}

/* What a submission does with a semaphore that it signals; so many signals stand before it. */
typedef bool (*signal_visit)(struct vp_queue *queue, VkSemaphore semaphore, uint64_t serial, uint64_t value,
                             uint32_t before);

/* Before it is submitted, since nothing may fail afterwards. */
static bool expect_signal(struct vp_queue *queue, VkSemaphore semaphore, uint64_t serial, uint64_t value,
                          uint32_t before)
{
   (void)serial;
   (void)value;
   return vp_semaphore_make_room(queue->device->conn, VP_FROM_HANDLE(struct vp_semaphore, semaphore), before + 1);
}

static bool add_signal(struct vp_queue *queue, VkSemaphore semaphore, uint64_t serial, uint64_t value, uint32_t before)
{
   (void)before;
   vp_semaphore_add_signal(queue->device->conn, VP_FROM_HANDLE(struct vp_semaphore, semaphore), queue, serial, value);
   return true;
}

/* Of one batch. */
static bool visit_batch(struct vp_queue *queue, const void *chain, uint32_t count, const VkSemaphore *semaphores,
                        uint64_t serial, signal_visit visit, uint32_t *before)
{
   const VkTimelineSemaphoreSubmitInfo *values = vp_chain_find(chain, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   if (!values || !values->pSignalSemaphoreValues)
      return true;
   for (uint32_t i = 0; i < count && i < values->signalSemaphoreValueCount; i++) {
      if (!visit(queue, semaphores[i], serial, values->pSignalSemaphoreValues[i], (*before)++))
         return false;
   }
   return true;
}

static bool visit_signals(struct vp_queue *queue, const VkSubmitInfo *submits, uint32_t count, uint64_t first_serial,
                          signal_visit visit)
{
   uint32_t before = 0;
   for (uint32_t i = 0; i < count; i++) {
      if (!visit_batch(queue, submits[i].pNext, submits[i].signalSemaphoreCount, submits[i].pSignalSemaphores,
                       first_serial + i, visit, &before))
         return false;
   }
   return true;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkQueueSubmit(VkQueue handle, uint32_t submitCount, const VkSubmitInfo *pSubmits,
                                                VkFence fence)
{
   struct vp_queue *queue = VP_FROM_HANDLE(struct vp_queue, handle);
   const VkSubmitInfo empty = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   if (!submitCount && !fence)
      return vp_device_is_lost(queue->device) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   if (!submitCount) { /* the fence needs a serial */
      submitCount = 1;
      pSubmits = &empty;
   }
   VkResult result = command_buffers_error(pSubmits, submitCount);
   if (result == VK_SUCCESS && !visit_signals(queue, pSubmits, submitCount, 0, expect_signal))
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result == VK_SUCCESS)
      result = vp_submission_begin(queue);
   if (result != VK_SUCCESS)
      return result;
   const bool shows = vp_submits_show(queue, pSubmits, submitCount);
   const struct vp_cmd_vkQueueSubmit a = {.queue = handle, .submitCount = submitCount, .pSubmits = pSubmits};
   vp_request_vkQueueSubmit(vp_stream_begin(queue->device->conn), 0, &a);
   const uint64_t first_serial = atomic_load(&queue->submitted) + 1;
   result = vp_submission_commit(queue, submitCount, shows, VP_FROM_HANDLE(struct vp_fence, fence));
   if (result == VK_SUCCESS)
      (void)visit_signals(queue, pSubmits, submitCount, first_serial, add_signal);
   vp_submission_end(queue);
   return result == VK_SUCCESS ? vp_submission_share(queue, VP_FROM_HANDLE(struct vp_fence, fence),
                                                     lends_any(queue->device, pSubmits, submitCount))
                               : result;
}

static VkResult command_buffers_error2(const VkSubmitInfo2 *submits, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t j = 0; j < submits[i].commandBufferInfoCount; j++) {
         const VkResult error = vp_command_buffer_error(
            VP_FROM_HANDLE(struct vp_command_buffer, submits[i].pCommandBufferInfos[j].commandBuffer));
         if (error)
            return vp_late_result(error);
      }
   }
   return VK_SUCCESS;
}

static bool visit_signals2(struct vp_queue *queue, const VkSubmitInfo2 *submits, uint32_t count, uint64_t first_serial,
                           signal_visit visit)
{
   uint32_t before = 0;
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t j = 0; j < submits[i].signalSemaphoreInfoCount; j++) {
         const VkSemaphoreSubmitInfo *info = &submits[i].pSignalSemaphoreInfos[j];
         if (!visit(queue, info->semaphore, first_serial + i, info->value, before++))
            return false;
      }
   }
   return true;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkQueueSubmit2(VkQueue handle, uint32_t submitCount, const VkSubmitInfo2 *pSubmits,
                                                 VkFence fence)
{
   struct vp_queue *queue = VP_FROM_HANDLE(struct vp_queue, handle);
   if (!submitCount)
      return vp_vkQueueSubmit(handle, 0, NULL, fence);
   VkResult result = command_buffers_error2(pSubmits, submitCount);
   if (result == VK_SUCCESS && !visit_signals2(queue, pSubmits, submitCount, 0, expect_signal))
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result == VK_SUCCESS)
      result = vp_submission_begin(queue);
   if (result != VK_SUCCESS)
      return result;
   const bool shows = vp_submits2_show(queue, pSubmits, submitCount);
   const struct vp_cmd_vkQueueSubmit2 a = {.queue = handle, .submitCount = submitCount, .pSubmits = pSubmits};
   vp_request_vkQueueSubmit2(vp_stream_begin(queue->device->conn), 0, &a);
   const uint64_t first_serial = atomic_load(&queue->submitted) + 1;
   result = vp_submission_commit(queue, submitCount, shows, VP_FROM_HANDLE(struct vp_fence, fence));
   if (result == VK_SUCCESS)
      (void)visit_signals2(queue, pSubmits, submitCount, first_serial, add_signal);
   vp_submission_end(queue);
   return result == VK_SUCCESS ? vp_submission_share(queue, VP_FROM_HANDLE(struct vp_fence, fence),
                                                     lends_any2(queue->device, pSubmits, submitCount))
                               : result;
}

static bool visit_sparse_signals(struct vp_queue *queue, const VkBindSparseInfo *binds, uint32_t count,
                                 uint64_t first_serial, signal_visit visit)
{
   uint32_t before = 0;
   for (uint32_t i = 0; i < count; i++) {
      if (!visit_batch(queue, binds[i].pNext, binds[i].signalSemaphoreCount, binds[i].pSignalSemaphores,
                       first_serial + i, visit, &before))
         return false;
   }
   return true;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkQueueBindSparse(VkQueue handle, uint32_t bindInfoCount,
                                                    const VkBindSparseInfo *pBindInfo, VkFence fence)
{
   struct vp_queue *queue = VP_FROM_HANDLE(struct vp_queue, handle);
   const VkBindSparseInfo empty = {.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO};
   if (!bindInfoCount && !fence)
      return VK_SUCCESS;
   if (!bindInfoCount) {
      bindInfoCount = 1;
      pBindInfo = &empty;
   }
   VkResult result = visit_sparse_signals(queue, pBindInfo, bindInfoCount, 0, expect_signal)
                        ? vp_submission_begin(queue)
                        : VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result != VK_SUCCESS)
      return result;
   const struct vp_cmd_vkQueueBindSparse a = {.queue = handle, .bindInfoCount = bindInfoCount, .pBindInfo = pBindInfo};
   vp_request_vkQueueBindSparse(vp_stream_begin(queue->device->conn), 0, &a);
   const uint64_t first_serial = atomic_load(&queue->submitted) + 1;
   result = vp_submission_commit(queue, bindInfoCount, true, VP_FROM_HANDLE(struct vp_fence, fence));
   if (result == VK_SUCCESS)
      (void)visit_sparse_signals(queue, pBindInfo, bindInfoCount, first_serial, add_signal);
   vp_submission_end(queue);
   return result == VK_SUCCESS ? vp_submission_share(queue, VP_FROM_HANDLE(struct vp_fence, fence),
                                                     lends_any_sparse(queue->device, pBindInfo, bindInfoCount))
                               : result;
}
