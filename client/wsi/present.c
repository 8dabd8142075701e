/* SPDX-License-Identifier: MIT */

/* vkQueuePresentKHR, and what applications ask about frames later. */

#include <stdlib.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/list_query.h"
#include "client/link/connection.h"
#include "client/sync/fence.h"
#include "client/sync/queue.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "client/wsi/surface.h"
#include "client/wsi/swapchain.h"
#include "common/util/clock.h"

#define SWAPCHAIN(handle) VP_FROM_HANDLE(struct vp_swapchain, handle)

/* --- presenting --- */

/* What the chain says of each swapchain; NULL: nothing. */
struct extras {
   const uint64_t *ids;
   const VkPresentTimesInfoGOOGLE *times;
   const VkSwapchainPresentModeInfoEXT *modes;
   const VkSwapchainPresentFenceInfoEXT *fences;
};

/* Regions of VK_KHR_incremental_present are hints, which are not followed: to find what has changed costs the server
 * 0.1 ms for a picture of 1280x720 and 0.5 ms for one of 1920x1080, and is right whatever the application says. */
static struct extras find_extras(const void *chain)
{
   const VkPresentIdKHR *ids = vp_chain_find(chain, VK_STRUCTURE_TYPE_PRESENT_ID_KHR);
   const uint64_t *numbers = ids ? ids->pPresentIds : NULL;
#ifdef VK_KHR_present_id2
   const VkPresentId2KHR *ids2 = vp_chain_find(chain, VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR);
   numbers = ids2 ? ids2->pPresentIds : numbers;
#endif
   return (struct extras){
      .ids = numbers,
      .times = vp_chain_find(chain, VK_STRUCTURE_TYPE_PRESENT_TIMES_INFO_GOOGLE),
      .modes = vp_chain_find(chain, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT),
      .fences = vp_chain_find(chain, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT),
   };
}

/* Gives the frame its number. */
static VkPresentVP begin_frame(struct vp_swapchain *swapchain, uint32_t image, const struct extras *extras,
                               uint32_t index)
{
   struct vp_connection *conn = swapchain->device->conn;
   if (extras->modes)
      swapchain->mode = extras->modes->pPresentModes[index];
   struct vp_frame_record record = {.mode = swapchain->mode, .presented_ns = vp_clock_ns()};
   if (extras->ids)
      record.present_id = extras->ids[index];
   if (extras->times && extras->times->pTimes) {
      record.timing_id = extras->times->pTimes[index].presentID;
      record.desired_ns = extras->times->pTimes[index].desiredPresentTime;
   }
   pthread_mutex_lock(&conn->progress_lock);
   record.alone = swapchain->presented == swapchain->settled;
   record.frame = ++swapchain->presented;
   swapchain->records[record.frame % VP_FRAME_RECORDS] = record;
   pthread_mutex_unlock(&conn->progress_lock);
   return (VkPresentVP){
      .swapchain = VP_TO_HANDLE(VkSwapchainKHR, swapchain),
      .imageIndex = image,
      .frame = record.frame,
      .replaces = !vp_present_mode_is_fifo(record.mode),
   };
}

/* The present was sent and has this serial on the queue. */
static VkResult end_presented_frame(const VkPresentVP *present, struct vp_queue *queue, uint64_t serial)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(present->swapchain);
   struct vp_swapchain_image *image = &swapchain->images[present->imageIndex];
   image->acquired = false;
   image->queue = queue;
   image->serial = serial;
   image->frame = present->frame;
   pthread_mutex_lock(&swapchain->device->conn->progress_lock);
   const VkResult status = swapchain->status;
   pthread_mutex_unlock(&swapchain->device->conn->progress_lock);
   return status;
}

/* It was not sent: nobody may wait for it. */
static void cancel_frame(const VkPresentVP *present)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(present->swapchain);
   pthread_mutex_lock(&swapchain->device->conn->progress_lock);
   swapchain->presented--;
   pthread_mutex_unlock(&swapchain->device->conn->progress_lock);
}

/* Sends the batch; the serial that it has then. */
static VkResult submit(struct vp_queue *queue, const VkPresentInfoKHR *info, const VkPresentVP *presents,
                       uint64_t *serial)
{
   struct vp_connection *conn = queue->device->conn;
   VkResult result = vp_submission_begin(queue);
   if (result != VK_SUCCESS)
      return result;
   const struct vp_cmd_vkQueuePresentVP a = {
      .queue = VP_TO_HANDLE(VkQueue, queue),
      .waitSemaphoreCount = info->waitSemaphoreCount,
      .pWaitSemaphores = info->pWaitSemaphores,
      .presentCount = info->swapchainCount,
      .pPresents = presents,
   };
   vp_request_vkQueuePresentVP(vp_stream_begin(conn), 0, &a);
   result = vp_submission_commit(queue, 1, true, NULL);
   *serial = atomic_load(&queue->submitted);
   vp_submission_end(queue);
   vp_stats_add(&conn->stats.presents, 1);
   return result;
}

static VkResult worse(VkResult a, VkResult b)
{
   if (a < 0 || b < 0)
      return a < 0 ? a : b;
   return a > b ? a : b;
}

/* Even a surface that is lost gets its frame: the semaphores are waited for and the images are free again. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkQueuePresentKHR(VkQueue handle, const VkPresentInfoKHR *pInfo)
{
   struct vp_queue *queue = VP_FROM_HANDLE(struct vp_queue, handle);
   const struct extras extras = find_extras(pInfo->pNext);
   uint64_t serial = 0;
   VkPresentVP *presents = calloc(pInfo->swapchainCount, sizeof(*presents));
   if (!presents)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < pInfo->swapchainCount; i++)
      presents[i] = begin_frame(SWAPCHAIN(pInfo->pSwapchains[i]), pInfo->pImageIndices[i], &extras, i);
   const VkResult sent = submit(queue, pInfo, presents, &serial);
   VkResult all = sent;
   for (uint32_t i = 0; i < pInfo->swapchainCount; i++) {
      const VkResult result = sent == VK_SUCCESS ? end_presented_frame(&presents[i], queue, serial) : sent;
      if (sent != VK_SUCCESS)
         cancel_frame(&presents[i]);
      if (pInfo->pResults)
         pInfo->pResults[i] = result;
      if (extras.fences && extras.fences->pFences[i]) {
         vp_fence_set_pending(VP_FROM_HANDLE(struct vp_fence, extras.fences->pFences[i]), queue, serial);
         vp_fence_signal_real(queue, VP_FROM_HANDLE(struct vp_fence, extras.fences->pFences[i]));
      }
      all = worse(all, result);
   }
   free(presents);
   return all;
}

void vp_swapchain_settle(struct vp_swapchain *swapchain, uint64_t frame, VkResult status)
{
   struct vp_connection *conn = swapchain->device->conn;
   const int64_t now = vp_clock_ns();
   pthread_mutex_lock(&conn->progress_lock);
   if (swapchain->status >= 0)
      swapchain->status = status;
   for (uint64_t i = vp_swapchain_first_record(swapchain->settled, frame); i <= frame; i++) {
      struct vp_frame_record *record = vp_swapchain_record(swapchain, i);
      if (!record)
         continue;
      if (record->present_id > swapchain->settled_id)
         swapchain->settled_id = record->present_id;
      record->shown_ns = now;
   }
   swapchain->settled = frame;
   vp_news_unlock(conn);
}

/* --- waiting for frames --- */

struct present_wait {
   const struct vp_swapchain *swapchain;
   uint64_t id;
   VkResult *result;
};

/* With the progress lock. */
static bool is_presented(const void *data)
{
   const struct present_wait *wait = data;
   const bool presented = wait->swapchain->settled_id >= wait->id;
   *wait->result = presented ? VK_SUCCESS : wait->swapchain->status;
   return presented || wait->swapchain->status < 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkWaitForPresentKHR(VkDevice device, VkSwapchainKHR handle, uint64_t presentId,
                                                      uint64_t timeout)
{
   VkResult outcome;
   const struct present_wait wait = {SWAPCHAIN(handle), presentId, &outcome};
   const VkResult result = vp_device_wait(vp_device_from_handle(device), is_presented, &wait, timeout);
   return result == VK_SUCCESS ? outcome : result;
}

#ifdef VK_KHR_present_wait2

VKAPI_ATTR VkResult VKAPI_CALL vp_vkWaitForPresent2KHR(VkDevice device, VkSwapchainKHR swapchain,
                                                       const VkPresentWait2InfoKHR *pPresentWait2Info)
{
   return vp_vkWaitForPresentKHR(device, swapchain, pPresentWait2Info->presentId, pPresentWait2Info->timeout);
}

#endif

/* --- timing --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetRefreshCycleDurationGOOGLE(VkDevice device, VkSwapchainKHR swapchain,
                                                                  VkRefreshCycleDurationGOOGLE *pProperties)
{
   (void)device;
   pProperties->refreshDuration = vp_presenter_refresh(SWAPCHAIN(swapchain)->presenter);
   return VK_SUCCESS;
}

/* Of a frame that was shown. It could not have been before the one before it, in FIFO modes for a picture of the
 * display, and its picture had to be there. */
static VkPastPresentationTimingGOOGLE timing_of(struct vp_swapchain *swapchain, const struct vp_frame_record *record)
{
   const struct vp_frame_record *before = vp_swapchain_record(swapchain, record->frame - 1);
   const int64_t ready_ns = record->ready_ns ? record->ready_ns : record->shown_ns;
   int64_t earliest_ns = ready_ns;
   if (before && vp_present_mode_is_fifo(record->mode))
      earliest_ns = before->shown_ns + (int64_t)vp_presenter_refresh(swapchain->presenter);
   if (earliest_ns < ready_ns)
      earliest_ns = ready_ns;
   if (earliest_ns > record->shown_ns)
      earliest_ns = record->shown_ns;
   return (VkPastPresentationTimingGOOGLE){
      .presentID = record->timing_id,
      .desiredPresentTime = record->desired_ns,
      .actualPresentTime = (uint64_t)record->shown_ns,
      .earliestPresentTime = (uint64_t)earliest_ns,
      .presentMargin = (uint64_t)(earliest_ns - ready_ns),
   };
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPastPresentationTimingGOOGLE(VkDevice device, VkSwapchainKHR handle,
                                                                    uint32_t *pCount,
                                                                    VkPastPresentationTimingGOOGLE *pTimings)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(handle);
   struct vp_connection *conn = vp_device_from_handle(device)->conn;
   struct vp_list_query list;
   uint64_t told = swapchain->timing_frame;
   vp_list_query_begin(&list, pCount, pTimings != NULL);
   pthread_mutex_lock(&conn->progress_lock);
   for (uint64_t frame = vp_swapchain_first_record(told, swapchain->settled); frame <= swapchain->settled; frame++) {
      const struct vp_frame_record *record = vp_swapchain_record(swapchain, frame);
      if (!record || !record->timing_id || !vp_list_query_next(&list))
         continue;
      pTimings[list.written - 1] = timing_of(swapchain, record);
      told = frame;
   }
   swapchain->timing_frame = told;
   pthread_mutex_unlock(&conn->progress_lock);
   return vp_list_query_end(&list);
}
