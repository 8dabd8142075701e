/* SPDX-License-Identifier: MIT */
/* What is about presenting: the mode in which only the newest ready frame is shown, waits for frames, and their times.
 */
#include "tests/e2e/extensions/part.h"

#if defined(VK_EXT_present_mode_fifo_latest_ready) || defined(VK_NV_low_latency2)

#define FRAMES 20

struct target {
   VkSurfaceKHR surface;
   VkSwapchainKHR swapchain;
   VkImage images[16];
   uint32_t count;
   VkCommandPool pools[16];
   VkCommandBuffer commands[16];
   VkFence fence;
   VkSemaphore drawn;
};

static struct target open_target(const struct gpu *gpu, VkPresentModeKHR mode, const void *chain)
{
   GET_INSTANCE(gpu, CreateHeadlessSurfaceEXT);
   const VkHeadlessSurfaceCreateInfoEXT surface = {.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   VkSwapchainCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
                                    .pNext = chain,
                                    .minImageCount = 3,
                                    .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
                                    .imageExtent = {64, 64},
                                    .imageArrayLayers = 1,
                                    .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
                                    .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
                                    .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                                    .presentMode = mode};
   struct target target = {.count = 16};
   OK(CreateHeadlessSurfaceEXT(gpu->instance, &surface, NULL, &target.surface));
   info.surface = target.surface;
   OK(vkCreateSwapchainKHR(gpu->device, &info, NULL, &target.swapchain));
   OK(vkGetSwapchainImagesKHR(gpu->device, target.swapchain, &target.count, target.images));
   OK(vkCreateFence(gpu->device, &fence, NULL, &target.fence));
   OK(vkCreateSemaphore(gpu->device, &semaphore, NULL, &target.drawn));
   for (uint32_t i = 0; i < target.count; i++) {
      target.commands[i] = gpu_create_commands(gpu, &target.pools[i]);
      const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                            .newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
                                            .image = target.images[i],
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
      gpu_begin(target.commands[i]);
      vkCmdPipelineBarrier(target.commands[i], VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                           0, 0, NULL, 0, NULL, 1, &barrier);
      OK(vkEndCommandBuffer(target.commands[i]));
   }
   return target;
}

static void present(const struct gpu *gpu, const struct target *target, const void *chain)
{
   uint32_t image;
   OK(vkAcquireNextImageKHR(gpu->device, target->swapchain, UINT64_MAX, VK_NULL_HANDLE, target->fence, &image));
   OK(vkWaitForFences(gpu->device, 1, &target->fence, VK_TRUE, UINT64_MAX));
   OK(vkResetFences(gpu->device, 1, &target->fence));
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                .commandBufferCount = 1,
                                .pCommandBuffers = &target->commands[image],
                                .signalSemaphoreCount = 1,
                                .pSignalSemaphores = &target->drawn};
   OK(vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE));
   const VkPresentInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                                  .pNext = chain,
                                  .waitSemaphoreCount = 1,
                                  .pWaitSemaphores = &target->drawn,
                                  .swapchainCount = 1,
                                  .pSwapchains = &target->swapchain,
                                  .pImageIndices = &image};
   OK(vkQueuePresentKHR(gpu->queue, &info));
}

static void close_target(const struct gpu *gpu, const struct target *target)
{
   OK(vkDeviceWaitIdle(gpu->device));
   for (uint32_t i = 0; i < target->count; i++)
      vkDestroyCommandPool(gpu->device, target->pools[i], NULL);
   vkDestroySemaphore(gpu->device, target->drawn, NULL);
   vkDestroyFence(gpu->device, target->fence, NULL);
   vkDestroySwapchainKHR(gpu->device, target->swapchain, NULL);
   vkDestroySurfaceKHR(gpu->instance, target->surface, NULL);
}

#endif

#ifdef VK_EXT_present_mode_fifo_latest_ready

static void run_latest(struct gpu *gpu)
{
   struct target target = open_target(gpu, VK_PRESENT_MODE_FIFO_LATEST_READY_EXT, NULL);
   for (unsigned i = 0; i < FRAMES; i++)
      present(gpu, &target, NULL);
   printf("  %d frames were presented\n", FRAMES);
   close_target(gpu, &target);
}

static VkPhysicalDevicePresentModeFifoLatestReadyFeaturesEXT latest_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_MODE_FIFO_LATEST_READY_FEATURES_EXT};
static const char *const latest_extensions[] = {VK_EXT_PRESENT_MODE_FIFO_LATEST_READY_EXTENSION_NAME,
                                                VK_KHR_SWAPCHAIN_EXTENSION_NAME, NULL};
#define PART_LATEST {"fifo_latest_ready", latest_extensions, run_latest, &latest_features, VK_QUEUE_GRAPHICS_BIT},

#else
#define PART_LATEST
#endif

#ifdef VK_KHR_present_wait2

static void run_wait(struct gpu *gpu)
{
   GET(gpu, WaitForPresent2KHR);
   struct target target = open_target(gpu, VK_PRESENT_MODE_FIFO_KHR, NULL);
   VkPresentWait2InfoKHR wait = {.sType = VK_STRUCTURE_TYPE_PRESENT_WAIT_2_INFO_KHR};
   for (uint64_t frame = 1; frame <= FRAMES; frame++) {
      const VkPresentId2KHR id = {
         .sType = VK_STRUCTURE_TYPE_PRESENT_ID_2_KHR, .swapchainCount = 1, .pPresentIds = &frame};
      present(gpu, &target, &id);
      wait.presentId = frame;
      wait.timeout = UINT64_C(10000000000);
      OK(WaitForPresent2KHR(gpu->device, target.swapchain, &wait));
   }
   wait.presentId = FRAMES + 1;
   wait.timeout = 1000000;
   NEED(WaitForPresent2KHR(gpu->device, target.swapchain, &wait) == VK_TIMEOUT);
   printf("  %d frames were waited for, one in vain\n", FRAMES);
   close_target(gpu, &target);
}

static VkPhysicalDevicePresentId2FeaturesKHR id_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_2_FEATURES_KHR};
static VkPhysicalDevicePresentWait2FeaturesKHR wait_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_2_FEATURES_KHR, .pNext = &id_features};
static const char *const wait_extensions[] = {VK_KHR_PRESENT_WAIT_2_EXTENSION_NAME, VK_KHR_PRESENT_ID_2_EXTENSION_NAME,
                                              VK_KHR_SWAPCHAIN_EXTENSION_NAME, NULL};
#define PART_WAIT {"present_wait2", wait_extensions, run_wait, &wait_features, VK_QUEUE_GRAPHICS_BIT},

#else
#define PART_WAIT
#endif

#ifdef VK_NV_low_latency2

static void sleep_before(const struct gpu *gpu, const struct target *target, VkSemaphore semaphore, uint64_t value)
{
   GET(gpu, LatencySleepNV);
   const VkLatencySleepInfoNV sleep = {
      .sType = VK_STRUCTURE_TYPE_LATENCY_SLEEP_INFO_NV, .signalSemaphore = semaphore, .value = value};
   const VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                     .semaphoreCount = 1,
                                     .pSemaphores = &semaphore,
                                     .pValues = &value};
   OK(LatencySleepNV(gpu->device, target->swapchain, &sleep));
   OK(vkWaitSemaphores(gpu->device, &wait, UINT64_C(10000000000)));
}

static void mark(const struct gpu *gpu, const struct target *target, uint64_t frame, VkLatencyMarkerNV marker)
{
   GET(gpu, SetLatencyMarkerNV);
   const VkSetLatencyMarkerInfoNV info = {
      .sType = VK_STRUCTURE_TYPE_SET_LATENCY_MARKER_INFO_NV, .presentID = frame, .marker = marker};
   SetLatencyMarkerNV(gpu->device, target->swapchain, &info);
}

/* Times come in the order in which things happen. */
static void check_times(const struct gpu *gpu, const struct target *target)
{
   GET(gpu, GetLatencyTimingsNV);
   VkLatencyTimingsFrameReportNV reports[FRAMES];
   VkGetLatencyMarkerInfoNV info = {.sType = VK_STRUCTURE_TYPE_GET_LATENCY_MARKER_INFO_NV};
   GetLatencyTimingsNV(gpu->device, target->swapchain, &info);
   NEED(info.timingCount >= FRAMES - 4);
   for (unsigned i = 0; i < FRAMES; i++)
      reports[i] = (VkLatencyTimingsFrameReportNV){.sType = VK_STRUCTURE_TYPE_LATENCY_TIMINGS_FRAME_REPORT_NV};
   info.timingCount = FRAMES;
   info.pTimings = reports;
   GetLatencyTimingsNV(gpu->device, target->swapchain, &info);
   NEED(info.timingCount && info.timingCount <= FRAMES);
   for (uint32_t i = 0; i < info.timingCount; i++) {
      const VkLatencyTimingsFrameReportNV *report = &reports[i];
      NEED(report->presentID && (i == 0 || report->presentID > report[-1].presentID));
      NEED(report->simStartTimeUs && report->simStartTimeUs <= report->simEndTimeUs);
      NEED(report->simEndTimeUs <= report->presentStartTimeUs &&
           report->presentStartTimeUs <= report->presentEndTimeUs);
      NEED(report->gpuRenderStartTimeUs <= report->gpuRenderEndTimeUs);
      NEED(report->osRenderQueueStartTimeUs <= report->osRenderQueueEndTimeUs);
   }
   puts("  times are in order");
}

static void run_latency(struct gpu *gpu)
{
   GET(gpu, SetLatencySleepModeNV);
   const VkSwapchainLatencyCreateInfoNV chain = {.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_LATENCY_CREATE_INFO_NV,
                                                 .latencyModeEnable = VK_TRUE};
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const VkLatencySleepModeInfoNV mode = {
      .sType = VK_STRUCTURE_TYPE_LATENCY_SLEEP_MODE_INFO_NV, .lowLatencyMode = VK_TRUE, .minimumIntervalUs = 2000};
   struct target target = open_target(gpu, VK_PRESENT_MODE_FIFO_KHR, &chain);
   VkSemaphore semaphore;
   OK(vkCreateSemaphore(gpu->device, &info, NULL, &semaphore));
   OK(SetLatencySleepModeNV(gpu->device, target.swapchain, &mode));
   for (uint64_t frame = 1; frame <= FRAMES; frame++) {
      const VkPresentIdKHR id = {.sType = VK_STRUCTURE_TYPE_PRESENT_ID_KHR, .swapchainCount = 1, .pPresentIds = &frame};
      sleep_before(gpu, &target, semaphore, frame);
      mark(gpu, &target, frame, VK_LATENCY_MARKER_SIMULATION_START_NV);
      mark(gpu, &target, frame, VK_LATENCY_MARKER_SIMULATION_END_NV);
      mark(gpu, &target, frame, VK_LATENCY_MARKER_PRESENT_START_NV);
      present(gpu, &target, &id);
      mark(gpu, &target, frame, VK_LATENCY_MARKER_PRESENT_END_NV);
   }
   OK(vkDeviceWaitIdle(gpu->device));
   sleep_before(gpu, &target, semaphore, FRAMES + 1); /* the last frames come to the display */
   check_times(gpu, &target);
   vkDestroySemaphore(gpu->device, semaphore, NULL);
   close_target(gpu, &target);
}

static VkPhysicalDevicePresentIdFeaturesKHR latency_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR};
static const char *const latency_extensions[] = {VK_NV_LOW_LATENCY_2_EXTENSION_NAME, VK_KHR_SWAPCHAIN_EXTENSION_NAME,
                                                 VK_KHR_PRESENT_ID_EXTENSION_NAME, NULL};
#define PART_LATENCY {"low_latency2", latency_extensions, run_latency, &latency_features, VK_QUEUE_GRAPHICS_BIT},

#else
#define PART_LATENCY
#endif

const struct part parts_present[] = {PART_LATEST PART_WAIT PART_LATENCY{0}};
