/* SPDX-License-Identifier: MIT */
/* A Vulkan program that works until its device is lost and then puts everything away in good order.
 *
 * usage: fault_client fence|call|submit|flood|present
 *
 *   fence   waits without limit for a fence that nobody signals
 *   call    asks the driver for something that only the server knows, again and again
 *   submit  submits and waits, again and again
 *   flood   changes mapped memory and submits, faster than the network takes it
 *   present presents pictures to a window that is on no display, faster than the network takes it
 *
 * Prints "ready" when it is at it. Exit status: 42 after VK_ERROR_DEVICE_LOST, when every call after it returned as it
 * should; 1 for anything else. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vulkan/vulkan.h>

#define EXIT_LOST 42
#define MEMORY_SIZE ((VkDeviceSize)16 << 20)
#define FLIGHT 4  /* submissions under way at a time */
#define WARM_UP 5 /* rounds before "ready" */
#define MAX_AFTERMATH_MS 1000

struct client {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkQueue queue;
   uint32_t family, memory_type;
   VkDeviceMemory memory;
   uint32_t *mapped;
   VkBuffer buffer;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkFence fences[FLIGHT];
   VkSemaphore never; /* a timeline semaphore that nobody signals */
   VkPipelineCache cache;
   VkSurfaceKHR surface; /* these two with "present" */
   VkSwapchainKHR swapchain;
};

static void fail(const char *what, VkResult result)
{
   fprintf(stderr, "fault_client: %s: unexpected result %d\n", what, result);
   exit(1);
}

#define MUST(call)                   \
   do {                              \
      const VkResult must_ = (call); \
      if (must_ != VK_SUCCESS)       \
         fail(#call, must_);         \
   } while (0)

static int64_t now_ms(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* --- set-up --- */

static void create_instance(struct client *c)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "fault_client",
      .apiVersion = VK_API_VERSION_1_2,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
      .enabledExtensionCount = 2,
      .ppEnabledExtensionNames =
         (const char *const[]){VK_KHR_SURFACE_EXTENSION_NAME, VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME},
   };
   uint32_t count = 1;
   MUST(vkCreateInstance(&info, NULL, &c->instance));
   const VkResult result = vkEnumeratePhysicalDevices(c->instance, &count, &c->gpu);
   if (result < 0 || count == 0)
      fail("no GPU", result);
}

/* Lavapipe has one queue family, which can do everything, as the first one of others can. */
static void create_device(struct client *c)
{
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = c->family,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkPhysicalDeviceVulkan12Features features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .timelineSemaphore = VK_TRUE,
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = 1,
      .ppEnabledExtensionNames = (const char *const[]){VK_KHR_SWAPCHAIN_EXTENSION_NAME},
   };
   MUST(vkCreateDevice(c->gpu, &info, NULL, &c->device));
   vkGetDeviceQueue(c->device, c->family, 0, &c->queue);
}

static uint32_t find_memory_type(const struct client *c, uint32_t types)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties memory;
   vkGetPhysicalDeviceMemoryProperties(c->gpu, &memory);
   for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
      if ((types & 1u << i) && (memory.memoryTypes[i].propertyFlags & wanted) == wanted)
         return i;
   }
   fail("no memory to map", VK_ERROR_UNKNOWN);
   return 0;
}

static void create_buffer(struct client *c)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = MEMORY_SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;
   MUST(vkCreateBuffer(c->device, &info, NULL, &c->buffer));
   vkGetBufferMemoryRequirements(c->device, c->buffer, &needs);
   c->memory_type = find_memory_type(c, needs.memoryTypeBits);
   const VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs.size,
      .memoryTypeIndex = c->memory_type,
   };
   MUST(vkAllocateMemory(c->device, &allocate, NULL, &c->memory));
   MUST(vkBindBufferMemory(c->device, c->buffer, c->memory, 0));
   MUST(vkMapMemory(c->device, c->memory, 0, VK_WHOLE_SIZE, 0, (void **)&c->mapped));
}

static void record(struct client *c)
{
   const VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = c->family,
   };
   MUST(vkCreateCommandPool(c->device, &pool, NULL, &c->pool));
   const VkCommandBufferAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = c->pool,
      .commandBufferCount = 1,
   };
   MUST(vkAllocateCommandBuffers(c->device, &allocate, &c->commands));
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
   };
   MUST(vkBeginCommandBuffer(c->commands, &begin));
   vkCmdFillBuffer(c->commands, c->buffer, 0, 4096, 7);
   MUST(vkEndCommandBuffer(c->commands));
}

static void create_rest(struct client *c)
{
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkPipelineCacheCreateInfo cache = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   for (unsigned i = 0; i < FLIGHT; i++)
      MUST(vkCreateFence(c->device, &fence, NULL, &c->fences[i]));
   MUST(vkCreateSemaphore(c->device, &semaphore, NULL, &c->never));
   MUST(vkCreatePipelineCache(c->device, &cache, NULL, &c->cache));
}

/* --- work; each returns what ended it --- */

static volatile sig_atomic_t is_asked;

static void ask(int number)
{
   (void)number;
   is_asked = 1;
}

static void ready(void)
{
   puts("ready");
   fflush(stdout);
}

static VkResult submit(struct client *c, VkFence fence)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &c->commands,
   };
   return vkQueueSubmit(c->queue, 1, &info, fence);
}

static VkResult work_fence(struct client *c)
{
   const uint64_t value = 1;
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &value,
   };
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = &values,
      .waitSemaphoreCount = 1,
      .pWaitSemaphores = &c->never,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &c->commands,
   };
   MUST(vkQueueSubmit(c->queue, 1, &info, c->fences[0]));
   ready();
   return vkWaitForFences(c->device, 1, &c->fences[0], VK_TRUE, UINT64_MAX);
}

static VkResult work_call(struct client *c)
{
   for (unsigned round = 0;; round++) {
      size_t size = 0;
      const VkResult result = vkGetPipelineCacheData(c->device, c->cache, &size, NULL);
      if (result != VK_SUCCESS)
         return result;
      if (size <= sizeof(VkPipelineCacheHeaderVersionOne)) /* the call cannot say more: nothing of the GPU's is there */
         return VK_ERROR_DEVICE_LOST;
      if (round == WARM_UP)
         ready();
   }
}

/* Says again that it is ready whenever it gets SIGUSR1. */
static VkResult work_submit(struct client *c)
{
   signal(SIGUSR1, ask);
   for (unsigned round = 0;; round++) {
      if (is_asked)
         is_asked = round = 0;
      VkResult result = submit(c, c->fences[0]);
      if (result == VK_SUCCESS)
         result = vkWaitForFences(c->device, 1, &c->fences[0], VK_TRUE, UINT64_MAX);
      if (result == VK_SUCCESS)
         result = vkResetFences(c->device, 1, &c->fences[0]);
      if (result != VK_SUCCESS)
         return result;
      if (round == WARM_UP)
         ready();
   }
}

static void create_swapchain(struct client *c)
{
   const VkHeadlessSurfaceCreateInfoEXT surface_info = {.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
   VkSwapchainCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
      .minImageCount = 3,
      .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
      .imageExtent = {640, 480},
      .imageArrayLayers = 1,
      .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
      .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
      .presentMode = VK_PRESENT_MODE_FIFO_KHR,
   };
   const PFN_vkCreateHeadlessSurfaceEXT create_surface =
      (PFN_vkCreateHeadlessSurfaceEXT)vkGetInstanceProcAddr(c->instance, "vkCreateHeadlessSurfaceEXT");
   MUST(create_surface(c->instance, &surface_info, NULL, &c->surface));
   info.surface = c->surface;
   MUST(vkCreateSwapchainKHR(c->device, &info, NULL, &c->swapchain));
}

/* What is in the pictures does not matter, so nothing is drawn. */
static VkResult work_present(struct client *c)
{
   const VkFence fence = c->fences[0];
   create_swapchain(c);
   for (uint32_t round = 0;; round++) {
      uint32_t image;
      VkResult result = vkAcquireNextImageKHR(c->device, c->swapchain, UINT64_MAX, VK_NULL_HANDLE, fence, &image);
      if (result >= 0)
         result = vkWaitForFences(c->device, 1, &fence, VK_TRUE, UINT64_MAX);
      if (result >= 0)
         result = vkResetFences(c->device, 1, &fence);
      const VkPresentInfoKHR info = {
         .sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
         .swapchainCount = 1,
         .pSwapchains = &c->swapchain,
         .pImageIndices = &image,
      };
      if (result >= 0)
         result = vkQueuePresentKHR(c->queue, &info);
      if (result < 0)
         return result;
      if (round == WARM_UP)
         ready();
   }
}

static VkResult work_flood(struct client *c)
{
   for (uint32_t round = 0;; round++) {
      const VkFence fence = c->fences[round % FLIGHT];
      VkResult result = VK_SUCCESS;
      if (round >= FLIGHT)
         result = vkWaitForFences(c->device, 1, &fence, VK_TRUE, UINT64_MAX);
      if (result == VK_SUCCESS)
         result = vkResetFences(c->device, 1, &fence);
      for (size_t i = 1024; i < MEMORY_SIZE / 4 && result == VK_SUCCESS; i++)
         c->mapped[i] = (uint32_t)i * 2654435761u + round;
      if (result == VK_SUCCESS)
         result = submit(c, fence);
      if (result != VK_SUCCESS)
         return result;
      if (round == WARM_UP)
         ready();
   }
}

/* --- after the loss --- */

static void expect_error(const char *what, VkResult result)
{
   if (result >= 0)
      fail(what, result);
}

/* Whatever a program may still try returns, soon, and does not pretend that it worked. */
static void use_lost_device(struct client *c)
{
   const int64_t start = now_ms();
   const VkFence fence = c->fences[FLIGHT - 1];
   const VkImageCreateInfo image_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {123, 45, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
   };
   const VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = 4096,
      .memoryTypeIndex = c->memory_type,
   };
   const VkSemaphoreWaitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &c->never,
      .pValues = &(const uint64_t){1},
   };
   VkPhysicalDeviceMemoryProperties memory;
   VkMemoryRequirements needs;
   VkFormatProperties format;
   VkImage image = VK_NULL_HANDLE;
   VkDeviceMemory more = VK_NULL_HANDLE;
   VkPipelineCacheHeaderVersionOne header;
   size_t size = 0;

   expect_error("vkQueueSubmit", submit(c, fence));
   expect_error("vkQueueWaitIdle", vkQueueWaitIdle(c->queue));
   expect_error("vkDeviceWaitIdle", vkDeviceWaitIdle(c->device));
   expect_error("vkWaitSemaphores", vkWaitSemaphores(c->device, &wait, UINT64_MAX));
   if (vkGetPipelineCacheData(c->device, c->cache, &size, NULL) != VK_SUCCESS || size > sizeof(header) ||
       vkGetPipelineCacheData(c->device, c->cache, &size, &header) != VK_SUCCESS || size != sizeof(header) ||
       header.headerSize != sizeof(header))
      fail("vkGetPipelineCacheData: no header after the loss", VK_ERROR_UNKNOWN);
   expect_error("vkAllocateMemory", vkAllocateMemory(c->device, &allocate, NULL, &more));
   if (vkCreateImage(c->device, &image_info, NULL, &image) == VK_SUCCESS) {
      vkGetImageMemoryRequirements(c->device, image, &needs);
      vkDestroyImage(c->device, image, NULL);
   }
   vkGetBufferMemoryRequirements(c->device, c->buffer, &needs);
   vkGetPhysicalDeviceMemoryProperties(c->gpu, &memory);
   vkGetPhysicalDeviceFormatProperties(c->gpu, VK_FORMAT_R8G8B8A8_UNORM, &format);
   vkUnmapMemory(c->device, c->memory);
   const int64_t took = now_ms() - start;
   if (took > MAX_AFTERMATH_MS) {
      fprintf(stderr, "fault_client: calls on a lost device took %lld ms\n", (long long)took);
      exit(1);
   }
}

static void destroy_all(struct client *c)
{
   vkDestroySwapchainKHR(c->device, c->swapchain, NULL);
   vkDestroySurfaceKHR(c->instance, c->surface, NULL);
   vkDestroyPipelineCache(c->device, c->cache, NULL);
   vkDestroySemaphore(c->device, c->never, NULL);
   for (unsigned i = 0; i < FLIGHT; i++)
      vkDestroyFence(c->device, c->fences[i], NULL);
   vkFreeCommandBuffers(c->device, c->pool, 1, &c->commands);
   vkDestroyCommandPool(c->device, c->pool, NULL);
   vkDestroyBuffer(c->device, c->buffer, NULL);
   vkFreeMemory(c->device, c->memory, NULL);
   vkDestroyDevice(c->device, NULL);
   vkDestroyInstance(c->instance, NULL);
}

int main(int argc, char **argv)
{
   static const struct {
      const char *name;
      VkResult (*work)(struct client *c);
   } modes[] = {{"fence", work_fence},
                {"call", work_call},
                {"submit", work_submit},
                {"flood", work_flood},
                {"present", work_present}};
   struct client client = {0};

   for (unsigned i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
      if (strcmp(argv[1], modes[i].name) != 0)
         continue;
      create_instance(&client);
      create_device(&client);
      create_buffer(&client);
      record(&client);
      create_rest(&client);
      const VkResult result = modes[i].work(&client);
      if (result != VK_ERROR_DEVICE_LOST)
         fail(argv[1], result);
      use_lost_device(&client);
      destroy_all(&client);
      return EXIT_LOST;
   }
   fputs("usage: fault_client fence|call|submit|flood|present\n", stderr);
   return 1;
}
