/* SPDX-License-Identifier: MIT */

/* VK_NV_low_latency2: windows are the client's, and so are the times of their frames. An application is told to begin
 * with a frame when no more frames are on their way to the display than the network needs. */

#include "client/wsi/latency.h"

#include <time.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/sync/queue.h"
#include "client/vp_entry.h"
#include "client/wsi/swapchain.h"
#include "common/util/clock.h"

#ifdef VK_NV_low_latency2

#define SWAPCHAIN(handle) VP_FROM_HANDLE(struct vp_swapchain, handle)

/* Nobody waits for longer for a frame that does not come to the display. */
#define PATIENCE_NS UINT64_C(1000000000)

_Static_assert(VK_LATENCY_MARKER_TRIGGER_FLASH_NV == VP_LATENCY_MARKS - 1, "what comes later is of other queues");

static uint64_t latency_us(int64_t ns)
{
   return ns > 0 ? (uint64_t)ns / 1000 : 0;
}

static pthread_mutex_t *lock_of(const struct vp_swapchain *swapchain)
{
   return &swapchain->device->conn->progress_lock;
}

/* --- when to begin --- */

VKAPI_ATTR VkResult VKAPI_CALL vp_vkSetLatencySleepModeNV(VkDevice device, VkSwapchainKHR handle,
                                                          const VkLatencySleepModeInfoNV *pSleepModeInfo)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(handle);
   (void)device;
   pthread_mutex_lock(lock_of(swapchain));
   swapchain->latency.on = pSleepModeInfo && pSleepModeInfo->lowLatencyMode;
   swapchain->latency.interval_us = pSleepModeInfo ? pSleepModeInfo->minimumIntervalUs : 0;
   pthread_mutex_unlock(lock_of(swapchain));
   return VK_SUCCESS;
}

/* With the progress lock. */
static bool may_begin(const void *data)
{
   struct vp_swapchain *swapchain = *(struct vp_swapchain *const *)data;
   return !swapchain->latency.on || swapchain->status < 0 ||
          vp_pacing_has_room(&swapchain->pacing, 1, swapchain->presented - swapchain->settled);
}

/* Keeps the frames apart that the application wants to be apart. */
static void wait_for_interval(struct vp_swapchain *swapchain)
{
   struct vp_latency *latency = &swapchain->latency;
   pthread_mutex_lock(lock_of(swapchain));
   const int64_t interval_ns = (int64_t)latency->interval_us * 1000;
   const int64_t wait_ns = latency->woken_ns + interval_ns - vp_clock_ns();
   pthread_mutex_unlock(lock_of(swapchain));
   if (wait_ns > 0 && wait_ns <= interval_ns)
      nanosleep(&(struct timespec){.tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000}, NULL);
   pthread_mutex_lock(lock_of(swapchain));
   latency->woken_ns = vp_clock_ns();
   pthread_mutex_unlock(lock_of(swapchain));
}

/* The application waits for the semaphore next, so it may as well wait here. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkLatencySleepNV(VkDevice handle, VkSwapchainKHR swapchain_handle,
                                                   const VkLatencySleepInfoNV *pSleepInfo)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(swapchain_handle);
   const VkResult result = vp_device_wait(vp_device_from_handle(handle), may_begin, &swapchain, PATIENCE_NS);
   if (result < 0)
      return result;
   wait_for_interval(swapchain);
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = pSleepInfo->signalSemaphore,
      .value = pSleepInfo->value,
   };
   return vp_vkSignalSemaphore(handle, &info);
}

/* --- times --- */

VKAPI_ATTR void VKAPI_CALL vp_vkSetLatencyMarkerNV(VkDevice device, VkSwapchainKHR handle,
                                                   const VkSetLatencyMarkerInfoNV *pLatencyMarkerInfo)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(handle);
   const uint64_t id = pLatencyMarkerInfo->presentID;
   (void)device;
   if ((uint32_t)pLatencyMarkerInfo->marker >= VP_LATENCY_MARKS)
      return;
   pthread_mutex_lock(lock_of(swapchain));
   struct vp_latency_frame *frame = &swapchain->latency.frames[id % VP_LATENCY_FRAMES];
   if (frame->present_id != id)
      *frame = (struct vp_latency_frame){.present_id = id};
   frame->marks_us[pLatencyMarkerInfo->marker] = latency_us(vp_clock_ns());
   pthread_mutex_unlock(lock_of(swapchain));
}

/* Of a frame that was shown. The driver's time is that of the application's call; then the frame is under way, to the
 * GPU and back, until its picture is here. */
static void report_latency(const struct vp_latency *latency, const struct vp_frame_record *record,
                           VkLatencyTimingsFrameReportNV *out)
{
   const struct vp_latency_frame *frame = &latency->frames[record->present_id % VP_LATENCY_FRAMES];
   static const struct vp_latency_frame nothing;
   const uint64_t presented = latency_us(record->presented_ns);
   const uint64_t ready = latency_us(record->ready_ns ? record->ready_ns : record->shown_ns);
   const uint64_t *marks = frame->present_id == record->present_id ? frame->marks_us : nothing.marks_us;
   out->presentID = record->present_id;
   out->inputSampleTimeUs = marks[VK_LATENCY_MARKER_INPUT_SAMPLE_NV];
   out->simStartTimeUs = marks[VK_LATENCY_MARKER_SIMULATION_START_NV];
   out->simEndTimeUs = marks[VK_LATENCY_MARKER_SIMULATION_END_NV];
   out->renderSubmitStartTimeUs = marks[VK_LATENCY_MARKER_RENDERSUBMIT_START_NV];
   out->renderSubmitEndTimeUs = marks[VK_LATENCY_MARKER_RENDERSUBMIT_END_NV];
   out->presentStartTimeUs = marks[VK_LATENCY_MARKER_PRESENT_START_NV];
   out->presentEndTimeUs = marks[VK_LATENCY_MARKER_PRESENT_END_NV];
   out->driverStartTimeUs = presented;
   out->driverEndTimeUs = presented;
   out->gpuRenderStartTimeUs = presented;
   out->gpuRenderEndTimeUs = ready;
   out->osRenderQueueStartTimeUs = ready;
   out->osRenderQueueEndTimeUs = latency_us(record->shown_ns);
}

/* The newest frames that were shown and have an id, the oldest of them first. */
VKAPI_ATTR void VKAPI_CALL vp_vkGetLatencyTimingsNV(VkDevice device, VkSwapchainKHR handle,
                                                    VkGetLatencyMarkerInfoNV *pLatencyMarkerInfo)
{
   struct vp_swapchain *swapchain = SWAPCHAIN(handle);
   const struct vp_frame_record *known[VP_FRAME_RECORDS];
   uint32_t count = 0;
   (void)device;
   pthread_mutex_lock(lock_of(swapchain));
   const uint64_t last = swapchain->settled;
   for (uint64_t i = vp_swapchain_first_record(0, last); i <= last; i++) {
      const struct vp_frame_record *record = vp_swapchain_record(swapchain, i);
      if (record && record->present_id)
         known[count++] = record;
   }
   const uint32_t asked = pLatencyMarkerInfo->pTimings ? pLatencyMarkerInfo->timingCount : count;
   const uint32_t told = asked < count ? asked : count;
   for (uint32_t i = 0; pLatencyMarkerInfo->pTimings && i < told; i++)
      report_latency(&swapchain->latency, known[count - told + i], &pLatencyMarkerInfo->pTimings[i]);
   pLatencyMarkerInfo->timingCount = told;
   pthread_mutex_unlock(lock_of(swapchain));
}

/* A hint, of which the server could make nothing. */
VKAPI_ATTR void VKAPI_CALL vp_vkQueueNotifyOutOfBandNV(VkQueue queue, const VkOutOfBandQueueTypeInfoNV *pQueueTypeInfo)
{
   (void)queue, (void)pQueueTypeInfo;
}

#endif
