/* SPDX-License-Identifier: MIT */

/* Swapchains on headless surfaces: every entry point, and what the specification says of each. Prints what goes wrong;
 * the exit status is 1 then, and 77 when the driver has no headless surfaces. */

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vulkan/vulkan.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define SECOND UINT64_C(1000000000)

static int failures;

#define CHECK(condition)                                               \
   do {                                                                \
      if (!(condition)) {                                              \
         printf("swapchain.c:%d: %s: not so\n", __LINE__, #condition); \
         failures++;                                                   \
      }                                                                \
   } while (0)

#define IS(call, wanted)                                                           \
   do {                                                                            \
      const VkResult is = (call);                                                  \
      if (is != (wanted)) {                                                        \
         printf("swapchain.c:%d: %s: %d, not %s\n", __LINE__, #call, is, #wanted); \
         failures++;                                                               \
      }                                                                            \
   } while (0)

#define OK(call) IS(call, VK_SUCCESS)

static VkInstance instance;
static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;
static VkSurfaceKHR surfaces[2];
static VkCommandPool pool;

#define DEVICE_FUNCTIONS(F)           \
   F(vkReleaseSwapchainImagesEXT)     \
   F(vkWaitForPresentKHR)             \
   F(vkGetRefreshCycleDurationGOOGLE) \
   F(vkGetPastPresentationTimingGOOGLE)

#define DECLARE(name) static PFN_##name p_##name;
DEVICE_FUNCTIONS(DECLARE)

/* --- set-up --- */

static void create_instance(void)
{
   static const char *const extensions[] = {
      VK_KHR_SURFACE_EXTENSION_NAME,
      VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME,
      VK_KHR_GET_SURFACE_CAPABILITIES_2_EXTENSION_NAME,
      VK_EXT_SURFACE_MAINTENANCE_1_EXTENSION_NAME,
   };
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "swapchain",
      .apiVersion = VK_API_VERSION_1_1,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
      .enabledExtensionCount = COUNT(extensions),
      .ppEnabledExtensionNames = extensions,
   };
   uint32_t count = 1;
   const VkResult result = vkCreateInstance(&info, NULL, &instance);
   if (result == VK_ERROR_EXTENSION_NOT_PRESENT) {
      printf("SKIP: the driver has no headless surfaces\n");
      exit(77);
   }
   OK(result);
   vkEnumeratePhysicalDevices(instance, &count, &gpu);
   if (count != 1) {
      printf("there is no GPU\n");
      exit(1);
   }
}

static void create_surfaces(void)
{
   const VkHeadlessSurfaceCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
   const PFN_vkCreateHeadlessSurfaceEXT create =
      (PFN_vkCreateHeadlessSurfaceEXT)vkGetInstanceProcAddr(instance, "vkCreateHeadlessSurfaceEXT");
   CHECK(create);
   for (unsigned i = 0; i < COUNT(surfaces); i++)
      OK(create(instance, &info, NULL, &surfaces[i]));
}

static void create_device(void)
{
   static const char *const extensions[] = {
      VK_KHR_SWAPCHAIN_EXTENSION_NAME,
      VK_KHR_PRESENT_ID_EXTENSION_NAME,
      VK_KHR_PRESENT_WAIT_EXTENSION_NAME,
      VK_EXT_SWAPCHAIN_MAINTENANCE_1_EXTENSION_NAME,
      VK_KHR_INCREMENTAL_PRESENT_EXTENSION_NAME,
      VK_GOOGLE_DISPLAY_TIMING_EXTENSION_NAME,
      VK_KHR_SWAPCHAIN_MUTABLE_FORMAT_EXTENSION_NAME,
      VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME,
      VK_KHR_MAINTENANCE_2_EXTENSION_NAME,
   };
   VkPhysicalDevicePresentIdFeaturesKHR id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_ID_FEATURES_KHR};
   VkPhysicalDevicePresentWaitFeaturesKHR wait = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PRESENT_WAIT_FEATURES_KHR,
                                                  .pNext = &id};
   VkPhysicalDeviceSwapchainMaintenance1FeaturesEXT maintenance = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SWAPCHAIN_MAINTENANCE_1_FEATURES_EXT, .pNext = &wait};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &maintenance};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queues = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queues,
      .enabledExtensionCount = COUNT(extensions),
      .ppEnabledExtensionNames = extensions,
   };
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   vkGetPhysicalDeviceFeatures2(gpu, &features);
   CHECK(id.presentId && wait.presentWait && maintenance.swapchainMaintenance1);
   if (vkCreateDevice(gpu, &info, NULL, &device) != VK_SUCCESS) {
      printf("there is no device\n");
      exit(1);
   }
   vkGetDeviceQueue(device, 0, 0, &queue);
   OK(vkCreateCommandPool(device, &pool_info, NULL, &pool));
#define LOAD(name) p_##name = (PFN_##name)vkGetDeviceProcAddr(device, #name);
   DEVICE_FUNCTIONS(LOAD)
   CHECK(p_vkReleaseSwapchainImagesEXT && p_vkWaitForPresentKHR && p_vkGetRefreshCycleDurationGOOGLE &&
         p_vkGetPastPresentationTimingGOOGLE);
}

static VkSwapchainCreateInfoKHR swapchain_info(VkSurfaceKHR surface, VkPresentModeKHR mode)
{
   return (VkSwapchainCreateInfoKHR){
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .surface = surface,
      .minImageCount = 3,
      .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
      .imageColorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR,
      .imageExtent = {128, 96},
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
      .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = mode,
   };
}

static VkImage image_of(VkSwapchainKHR swapchain, uint32_t index)
{
   VkImage images[16];
   uint32_t count = COUNT(images);
   OK(vkGetSwapchainImagesKHR(device, swapchain, &count, images));
   return images[index];
}

static VkSwapchainKHR create_swapchain(VkSurfaceKHR surface, VkPresentModeKHR mode)
{
   const VkSwapchainCreateInfoKHR info = swapchain_info(surface, mode);
   VkSwapchainKHR swapchain = VK_NULL_HANDLE;
   uint32_t count = 0;
   OK(vkCreateSwapchainKHR(device, &info, NULL, &swapchain));
   OK(vkGetSwapchainImagesKHR(device, swapchain, &count, NULL));
   CHECK(count >= 3);
   image_of(swapchain, 0);
   return swapchain;
}

static VkSemaphore create_semaphore(void)
{
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
   VkSemaphore semaphore;
   OK(vkCreateSemaphore(device, &info, NULL, &semaphore));
   return semaphore;
}

static VkFence create_fence(void)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;
   OK(vkCreateFence(device, &info, NULL, &fence));
   return fence;
}

/* --- a frame --- */

/* Brings an image into the layout for presenting. */
static void render(VkImage image, VkSemaphore wait, VkSemaphore signal)
{
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
   VkCommandBuffer commands;
   OK(vkAllocateCommandBuffers(device, &allocation, &commands));
   OK(vkBeginCommandBuffer(commands, &begin));
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
   OK(vkEndCommandBuffer(commands));
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .waitSemaphoreCount = wait ? 1 : 0,
      .pWaitSemaphores = &wait,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
      .signalSemaphoreCount = signal ? 1 : 0,
      .pSignalSemaphores = &signal,
   };
   OK(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE));
}

static VkResult present(VkSwapchainKHR swapchain, uint32_t index, VkSemaphore wait, const void *chain)
{
   const VkPresentInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
      .pNext = chain,
      .waitSemaphoreCount = wait ? 1 : 0,
      .pWaitSemaphores = &wait,
      .swapchainCount = 1,
      .pSwapchains = &swapchain,
      .pImageIndices = &index,
   };
   return vkQueuePresentKHR(queue, &info);
}

/* Waits until the image is there. */
static uint32_t acquire(VkSwapchainKHR swapchain)
{
   VkFence fence = create_fence();
   uint32_t index = 0;
   OK(vkAcquireNextImageKHR(device, swapchain, 10 * SECOND, VK_NULL_HANDLE, fence, &index));
   OK(vkWaitForFences(device, 1, &fence, VK_TRUE, SECOND));
   vkDestroyFence(device, fence, NULL);
   return index;
}

/* Everything that a program does for a frame; the wait for the semaphore of the acquisition included. */
static void draw_frame(VkSwapchainKHR swapchain, const void *chain)
{
   VkSemaphore acquired = create_semaphore(), rendered = create_semaphore();
   uint32_t index = 99;
   OK(vkAcquireNextImageKHR(device, swapchain, 10 * SECOND, acquired, VK_NULL_HANDLE, &index));
   CHECK(index < 3);
   if (index < 3) {
      render(image_of(swapchain, index), acquired, rendered);
      OK(present(swapchain, index, rendered, chain));
   }
   OK(vkQueueWaitIdle(queue));
   vkDestroySemaphore(device, acquired, NULL);
   vkDestroySemaphore(device, rendered, NULL);
}

/* --- tests --- */

static void test_surface(void)
{
   VkSurfaceCapabilitiesKHR capabilities;
   VkSurfaceFormatKHR formats[32];
   VkPresentModeKHR modes[8];
   uint32_t count = 0;
   VkBool32 supported = VK_FALSE;
   bool srgb = false, unorm = false, fifo = false;

   OK(vkGetPhysicalDeviceSurfaceSupportKHR(gpu, 0, surfaces[0], &supported));
   CHECK(supported);
   OK(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(gpu, surfaces[0], &capabilities));
   CHECK(capabilities.minImageCount >= 1 && capabilities.minImageCount <= capabilities.maxImageCount);
   CHECK(capabilities.currentExtent.width == UINT32_MAX);
   CHECK(capabilities.supportedUsageFlags & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);

   count = 1;
   IS(vkGetPhysicalDeviceSurfaceFormatsKHR(gpu, surfaces[0], &count, formats), VK_INCOMPLETE);
   OK(vkGetPhysicalDeviceSurfaceFormatsKHR(gpu, surfaces[0], &count, NULL));
   CHECK(count > 0 && count <= COUNT(formats));
   OK(vkGetPhysicalDeviceSurfaceFormatsKHR(gpu, surfaces[0], &count, formats));
   for (uint32_t i = 0; i < count; i++) {
      srgb = srgb || formats[i].format == VK_FORMAT_B8G8R8A8_SRGB;
      unorm = unorm || formats[i].format == VK_FORMAT_R8G8B8A8_UNORM;
   }
   CHECK(srgb && unorm);
   count = COUNT(formats);
   OK(vkGetPhysicalDeviceSurfaceFormatsKHR(gpu, surfaces[1], &count, formats));

   count = COUNT(modes);
   OK(vkGetPhysicalDeviceSurfacePresentModesKHR(gpu, surfaces[0], &count, modes));
   for (uint32_t i = 0; i < count; i++)
      fifo = fifo || modes[i] == VK_PRESENT_MODE_FIFO_KHR;
   CHECK(fifo);
}

static void test_capabilities_2(void)
{
   const PFN_vkGetPhysicalDeviceSurfaceCapabilities2KHR get =
      (PFN_vkGetPhysicalDeviceSurfaceCapabilities2KHR)vkGetInstanceProcAddr(
         instance, "vkGetPhysicalDeviceSurfaceCapabilities2KHR");
   VkPresentModeKHR modes[8];
   const VkSurfacePresentModeEXT mode = {.sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT,
                                         .presentMode = VK_PRESENT_MODE_FIFO_KHR};
   const VkPhysicalDeviceSurfaceInfo2KHR info = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR, .pNext = &mode, .surface = surfaces[0]};
   VkSurfacePresentModeCompatibilityEXT compatible = {
      .sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT,
      .presentModeCount = COUNT(modes),
      .pPresentModes = modes,
   };
   VkSurfaceCapabilities2KHR capabilities = {.sType = VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR,
                                             .pNext = &compatible};
   bool fifo = false;
   OK(get(gpu, &info, &capabilities));
   for (uint32_t i = 0; i < compatible.presentModeCount; i++)
      fifo = fifo || modes[i] == VK_PRESENT_MODE_FIFO_KHR;
   CHECK(fifo && capabilities.surfaceCapabilities.minImageCount);
}

static void test_frames(VkPresentModeKHR mode)
{
   VkSwapchainKHR swapchain = create_swapchain(surfaces[0], mode);
   for (unsigned i = 0; i < 50; i++)
      draw_frame(swapchain, NULL);
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

static void test_acquire(void)
{
   VkSwapchainKHR swapchain = create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   VkFence fence = create_fence();
   uint32_t index[3], other;
   bool seen[3] = {false};

   for (unsigned i = 0; i < 3; i++) {
      OK(vkAcquireNextImageKHR(device, swapchain, 0, VK_NULL_HANDLE, fence, &index[i]));
      OK(vkWaitForFences(device, 1, &fence, VK_TRUE, SECOND));
      OK(vkResetFences(device, 1, &fence));
      CHECK(index[i] < 3 && !seen[index[i]]);
      seen[index[i] % 3] = true;
   }
   IS(vkAcquireNextImageKHR(device, swapchain, 0, VK_NULL_HANDLE, fence, &other), VK_NOT_READY);
   IS(vkAcquireNextImageKHR(device, swapchain, SECOND / 20, VK_NULL_HANDLE, fence, &other), VK_TIMEOUT);
   IS(vkGetFenceStatus(device, fence), VK_NOT_READY);

   const VkReleaseSwapchainImagesInfoEXT release = {
      .sType = VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT,
      .swapchain = swapchain,
      .imageIndexCount = 1,
      .pImageIndices = &index[1],
   };
   OK(p_vkReleaseSwapchainImagesEXT(device, &release));
   OK(vkAcquireNextImageKHR(device, swapchain, 0, VK_NULL_HANDLE, fence, &other));
   CHECK(other == index[1]);
   OK(vkWaitForFences(device, 1, &fence, VK_TRUE, SECOND));
   vkDestroyFence(device, fence, NULL);
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

/* A semaphore that is only waited for by the present. */
static void test_present_waits_for_acquire(void)
{
   VkSwapchainKHR swapchain = create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   VkSemaphore acquired = create_semaphore();
   uint32_t index;
   draw_frame(swapchain, NULL);
   for (unsigned i = 0; i < 3; i++)
      draw_frame(swapchain, NULL);
   OK(vkAcquireNextImageKHR(device, swapchain, SECOND, acquired, VK_NULL_HANDLE, &index));
   OK(present(swapchain, index, acquired, NULL));
   OK(vkDeviceWaitIdle(device));
   vkDestroySemaphore(device, acquired, NULL);
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

static void test_old_swapchain(void)
{
   VkSwapchainKHR old = create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR), new = VK_NULL_HANDLE;
   VkSwapchainCreateInfoKHR info = swapchain_info(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   uint32_t other;

   IS(vkCreateSwapchainKHR(device, &info, NULL, &new), VK_ERROR_NATIVE_WINDOW_IN_USE_KHR);
   draw_frame(old, NULL);
   const uint32_t kept = acquire(old);
   render(image_of(old, kept), VK_NULL_HANDLE, VK_NULL_HANDLE);
   info.oldSwapchain = old;
   OK(vkCreateSwapchainKHR(device, &info, NULL, &new));
   image_of(new, 0);
   VkFence fence = create_fence();
   IS(vkAcquireNextImageKHR(device, old, 0, VK_NULL_HANDLE, fence, &other), VK_ERROR_OUT_OF_DATE_KHR);
   vkDestroyFence(device, fence, NULL);
   OK(present(old, kept, VK_NULL_HANDLE, NULL)); /* what was acquired before may still be presented */
   draw_frame(new, NULL);
   vkDestroySwapchainKHR(device, old, NULL);
   draw_frame(new, NULL);
   vkDestroySwapchainKHR(device, new, NULL);
}

static void test_two_at_once(void)
{
   VkSwapchainKHR both[2] = {create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR),
                             create_swapchain(surfaces[1], VK_PRESENT_MODE_MAILBOX_KHR)};
   VkResult results[2] = {VK_ERROR_UNKNOWN, VK_ERROR_UNKNOWN};
   for (unsigned frame = 0; frame < 20; frame++) {
      uint32_t indices[2];
      for (unsigned i = 0; i < 2; i++) {
         indices[i] = acquire(both[i]);
         render(image_of(both[i], indices[i]), VK_NULL_HANDLE, VK_NULL_HANDLE);
      }
      const VkPresentInfoKHR info = {
         .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
         .swapchainCount = 2,
         .pSwapchains = both,
         .pImageIndices = indices,
         .pResults = results,
      };
      OK(vkQueuePresentKHR(queue, &info));
      CHECK(results[0] == VK_SUCCESS && results[1] == VK_SUCCESS);
   }
   OK(vkDeviceWaitIdle(device));
   for (unsigned i = 0; i < 2; i++)
      vkDestroySwapchainKHR(device, both[i], NULL);
}

static void test_present_wait(void)
{
   VkSwapchainKHR swapchain = create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   for (uint64_t id = 1; id <= 10; id++) {
      const VkPresentIdKHR ids = {.sType = VK_STRUCTURE_TYPE_PRESENT_ID_KHR, .swapchainCount = 1, .pPresentIds = &id};
      draw_frame(swapchain, &ids);
      OK(p_vkWaitForPresentKHR(device, swapchain, id, 10 * SECOND));
      OK(p_vkWaitForPresentKHR(device, swapchain, id, 0));
      IS(p_vkWaitForPresentKHR(device, swapchain, id + 1, 0), VK_TIMEOUT);
   }
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

static void test_maintenance(void)
{
   static const VkPresentModeKHR both[] = {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR};
   const VkSwapchainPresentModesCreateInfoEXT may_change = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODES_CREATE_INFO_EXT,
      .presentModeCount = COUNT(both),
      .pPresentModes = both,
   };
   VkSwapchainCreateInfoKHR info = swapchain_info(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   const VkPresentModeKHR mode = VK_PRESENT_MODE_IMMEDIATE_KHR;
   VkFence fence = create_fence();
   VkSwapchainKHR swapchain;
   VkSwapchainPresentModeInfoEXT modes = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODE_INFO_EXT, .swapchainCount = 1, .pPresentModes = &mode};
   const VkSwapchainPresentFenceInfoEXT fences = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT,
      .pNext = &modes,
      .swapchainCount = 1,
      .pFences = &fence,
   };
   info.pNext = &may_change;
   OK(vkCreateSwapchainKHR(device, &info, NULL, &swapchain));
   image_of(swapchain, 0);
   draw_frame(swapchain, &fences);
   OK(vkWaitForFences(device, 1, &fence, VK_TRUE, 10 * SECOND));
   vkDestroyFence(device, fence, NULL);
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

static uint64_t now_ns(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* Presents a frame with this id that is not to be shown before a time, and waits until there is something to be told.
 */
static VkPastPresentationTimingGOOGLE time_frame(VkSwapchainKHR swapchain, uint32_t id, uint64_t desired)
{
   const VkPresentTimeGOOGLE time = {.presentID = id, .desiredPresentTime = desired};
   const VkPresentTimesInfoGOOGLE times = {
      .sType = VK_STRUCTURE_TYPE_PRESENT_TIMES_INFO_GOOGLE, .swapchainCount = 1, .pTimes = &time};
   VkPastPresentationTimingGOOGLE timings[4];
   uint32_t count = 0;
   const uint64_t before = now_ns();
   draw_frame(swapchain, &times);
   for (unsigned i = 0; i < 5000 && count == 0; i++) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
      OK(p_vkGetPastPresentationTimingGOOGLE(device, swapchain, &count, NULL));
   }
   CHECK(count == 1);
   count = COUNT(timings);
   OK(p_vkGetPastPresentationTimingGOOGLE(device, swapchain, &count, timings));
   CHECK(count == 1 && timings[0].presentID == id && timings[0].desiredPresentTime == desired);
   CHECK(timings[0].actualPresentTime >= before && timings[0].actualPresentTime <= now_ns());
   CHECK(timings[0].actualPresentTime >= desired);
   CHECK(timings[0].earliestPresentTime <= timings[0].actualPresentTime);
   CHECK(timings[0].presentMargin <= timings[0].earliestPresentTime - before);
   return timings[0];
}

static void test_timing(void)
{
   VkSwapchainKHR swapchain = create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   VkPastPresentationTimingGOOGLE timings[4];
   VkRefreshCycleDurationGOOGLE refresh = {0};
   const VkRectLayerKHR rectangle = {.extent = {16, 16}};
   const VkPresentRegionKHR region = {1, &rectangle};
   const VkPresentRegionsKHR regions = {
      .sType = VK_STRUCTURE_TYPE_PRESENT_REGIONS_KHR, .swapchainCount = 1, .pRegions = &region};
   uint32_t count = 0;

   OK(p_vkGetRefreshCycleDurationGOOGLE(device, swapchain, &refresh));
   CHECK(refresh.refreshDuration > 1000000);
   draw_frame(swapchain, &regions);
   time_frame(swapchain, 7, 0);
   const VkPastPresentationTimingGOOGLE late = time_frame(swapchain, 8, now_ns() + SECOND / 5);
   CHECK(late.earliestPresentTime < late.desiredPresentTime); /* it could have been shown at once */
   count = COUNT(timings);
   OK(p_vkGetPastPresentationTimingGOOGLE(device, swapchain, &count, timings));
   CHECK(count == 0);
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

static void test_groups(void)
{
   VkSwapchainKHR swapchain = create_swapchain(surfaces[0], VK_PRESENT_MODE_FIFO_KHR);
   VkDeviceGroupPresentCapabilitiesKHR capabilities = {.sType =
                                                          VK_STRUCTURE_TYPE_DEVICE_GROUP_PRESENT_CAPABILITIES_KHR};
   VkDeviceGroupPresentModeFlagsKHR modes = 0;
   VkRect2D rectangles[4];
   uint32_t count = COUNT(rectangles), index;
   const VkImageSwapchainCreateInfoKHR like = {.sType = VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR,
                                               .swapchain = swapchain};
   const VkImageCreateInfo image_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .pNext = &like,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_B8G8R8A8_UNORM,
      .extent = {128, 96, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
   };
   VkBindImageMemorySwapchainInfoKHR where = {.sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR,
                                              .swapchain = swapchain};
   VkBindImageMemoryInfo bind = {.sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO, .pNext = &where};

   OK(vkGetDeviceGroupPresentCapabilitiesKHR(device, &capabilities));
   CHECK(capabilities.presentMask[0] == 1 && capabilities.modes == VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR);
   OK(vkGetDeviceGroupSurfacePresentModesKHR(device, surfaces[0], &modes));
   CHECK(modes & VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR);
   OK(vkGetPhysicalDevicePresentRectanglesKHR(gpu, surfaces[0], &count, rectangles));
   CHECK(count == 1);

   const VkAcquireNextImageInfoKHR acquire = {.sType = VK_STRUCTURE_TYPE_ACQUIRE_NEXT_IMAGE_INFO_KHR,
                                              .swapchain = swapchain,
                                              .timeout = SECOND,
                                              .fence = create_fence(),
                                              .deviceMask = 1};
   OK(vkAcquireNextImage2KHR(device, &acquire, &index));
   OK(vkWaitForFences(device, 1, &acquire.fence, VK_TRUE, SECOND));
   OK(vkCreateImage(device, &image_info, NULL, &bind.image));
   where.imageIndex = index;
   OK(vkBindImageMemory2(device, 1, &bind));
   render(bind.image, VK_NULL_HANDLE, VK_NULL_HANDLE);
   OK(present(swapchain, index, VK_NULL_HANDLE, NULL));
   OK(vkDeviceWaitIdle(device));
   vkDestroyImage(device, bind.image, NULL);
   vkDestroyFence(device, acquire.fence, NULL);
   vkDestroySwapchainKHR(device, swapchain, NULL);
}

int main(void)
{
   setlocale(LC_ALL, ""); /* as toolkits do */
   create_instance();
   create_surfaces();
   create_device();
   test_surface();
   test_capabilities_2();
   test_frames(VK_PRESENT_MODE_FIFO_KHR);
   test_frames(VK_PRESENT_MODE_MAILBOX_KHR);
   test_frames(VK_PRESENT_MODE_IMMEDIATE_KHR);
   test_acquire();
   test_present_waits_for_acquire();
   test_old_swapchain();
   test_two_at_once();
   test_present_wait();
   test_maintenance();
   test_timing();
   test_groups();
   vkDestroyCommandPool(device, pool, NULL);
   vkDestroyDevice(device, NULL);
   for (unsigned i = 0; i < COUNT(surfaces); i++)
      vkDestroySurfaceKHR(instance, surfaces[i], NULL);
   vkDestroyInstance(instance, NULL);
   if (!failures)
      printf("swapchains work\n");
   return failures != 0;
}
