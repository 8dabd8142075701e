/* SPDX-License-Identifier: MIT */

/* Looks at all that a submission uses: command buffers, semaphores, other queues. While nothing that runs shows, a wait
 * tells the server to wait and ends when the sender has looked at mapped memory. */

#include "client/sync/early_wait.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/instance.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/record/command_buffer.h"
#include "client/sync/queue.h"
#include "client/sync/semaphore.h"
#include "client/vp_client_send.h"
#include "common/util/clock.h"

/* --- what shows --- */

static bool buffer_shows(VkCommandBuffer handle)
{
   return VP_FROM_HANDLE(struct vp_command_buffer, handle)->observable;
}

static bool do_others_run(const struct vp_queue *queue)
{
   for (uint32_t i = 0; i < queue->device->queue_count; i++) {
      const struct vp_queue *other = queue->device->queues[i];
      if (other != queue && !vp_queue_is_complete(other, atomic_load(&other->submitted)))
         return true;
   }
   return false;
}

/* The server must not wait for what a later command brings. And when this batch is complete, one of another queue that
 * it waits for is so, too: fences and semaphores of that queue would contradict. */
static bool wait_shows(const struct vp_queue *queue, VkSemaphore handle, uint64_t value)
{
   struct vp_semaphore *semaphore = VP_FROM_HANDLE(struct vp_semaphore, handle);
   if (semaphore->type != VK_SEMAPHORE_TYPE_TIMELINE)
      return do_others_run(queue);
   return !vp_semaphore_is_reached_by(queue, semaphore, value);
}

static bool submit_shows(const struct vp_queue *queue, const VkSubmitInfo *submit)
{
   const VkTimelineSemaphoreSubmitInfo *values =
      vp_chain_find(submit->pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   const uint32_t value_count = values && values->pWaitSemaphoreValues ? values->waitSemaphoreValueCount : 0;
   for (uint32_t i = 0; i < submit->commandBufferCount; i++) {
      if (buffer_shows(submit->pCommandBuffers[i]))
         return true;
   }
   for (uint32_t i = 0; i < submit->waitSemaphoreCount; i++) {
      if (wait_shows(queue, submit->pWaitSemaphores[i], i < value_count ? values->pWaitSemaphoreValues[i] : 0))
         return true;
   }
   return false;
}

bool vp_submits_show(const struct vp_queue *queue, const VkSubmitInfo *submits, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      if (submit_shows(queue, &submits[i]))
         return true;
   }
   return false;
}

static bool submit2_shows(const struct vp_queue *queue, const VkSubmitInfo2 *submit)
{
   for (uint32_t i = 0; i < submit->commandBufferInfoCount; i++) {
      if (buffer_shows(submit->pCommandBufferInfos[i].commandBuffer))
         return true;
   }
   for (uint32_t i = 0; i < submit->waitSemaphoreInfoCount; i++) {
      if (wait_shows(queue, submit->pWaitSemaphoreInfos[i].semaphore, submit->pWaitSemaphoreInfos[i].value))
         return true;
   }
   return false;
}

bool vp_submits2_show(const struct vp_queue *queue, const VkSubmitInfo2 *submits, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      if (submit2_shows(queue, &submits[i]))
         return true;
   }
   return false;
}

/* --- waits --- */

/* A batch can have waited for one of another queue, so all of them count. */
static bool nothing_shows(const struct vp_device *device)
{
   for (uint32_t i = 0; i < device->queue_count; i++) {
      const struct vp_queue *queue = device->queues[i];
      if (atomic_load(&queue->shown) > atomic_load(&queue->reported))
         return false;
   }
   return !vp_device_is_lost(device);
}

/* Whether the server waits instead. Who only asks does not wait for the sender either. Else mapped memory is the
 * application's again when the sender has seen what is in it; also for those who submit at the same time. */
static bool let_server_wait(struct vp_queue *queue, uint64_t serial, uint64_t timeout)
{
   struct vp_connection *conn = queue->device->conn;
   const struct vp_cmd_vkWaitBatchVP a = {.queue = VP_TO_HANDLE(VkQueue, queue), .serial = serial};
   return (timeout > 0 || vp_stream_wait_for_looks(conn, 0)) && vp_send_vkWaitBatchVP(conn, &a) == VK_SUCCESS &&
          vp_stream_wait_for_looks(conn, timeout);
}

void vp_queue_complete_early(struct vp_queue *queue, uint64_t serial, uint64_t *timeout)
{
   struct vp_device *device = queue->device;
   struct vp_connection *conn = device->conn;
   if (!device->physical_device->instance->config.early_waits || device->shares ||
       vp_queue_is_complete(queue, serial) || !nothing_shows(device))
      return;
   const int64_t start_ns = vp_clock_ns();
   const bool over = let_server_wait(queue, serial, *timeout);
   const uint64_t passed = (uint64_t)(vp_clock_ns() - start_ns);
   *timeout -= passed < *timeout ? passed : *timeout;
   if (!over)
      return;
   pthread_mutex_lock(&conn->progress_lock);
   if (serial > queue->completed)
      atomic_store_explicit(&queue->completed, serial, memory_order_release);
   vp_news_unlock(conn);
   vp_stats_add(&conn->stats.early_waits, 1);
}
