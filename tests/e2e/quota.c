/* SPDX-License-Identifier: MIT */
/* Takes what a server lets a client have until it is refused, works, gives back and goes on.
 *
 *    quota memory N     device memory in pieces of 1 MiB, of which there must be N in all, and what the budget says
 *    quota hold         the same without a number: says how much there was and keeps it until it is killed
 *    quota wait N       tries until it has N MiB
 *    quota tiny         allocations of 256 bytes: as many as the GPU says that there may be
 *    quota objects N K  of K kinds, between 3/4 N and N; without an error that comes late
 *    quota host         command buffers that become longer and longer, and what else takes the server's memory
 *    quota pool         descriptor pools for more than any machine has
 *    quota threads      devices
 *    quota swapchains N
 *    quota send N       N MiB to the GPU, and prints how many milliseconds that took
 *    quota waits N      N threads that wait for what nobody signals, until a fence of another device is there
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

#define MIB ((VkDeviceSize)1 << 20)
#define MAX_PIECES 65536

static struct gpu gpu;
static struct gpu_buffer buffer;
static VkCommandPool pool;
static VkCommandBuffer commands;

/* What is used up hurts nothing else. */
static void work(uint32_t value)
{
   gpu_begin(commands);
   vkCmdFillBuffer(commands, buffer.handle, 0, 4096, value);
   gpu_run(&gpu, commands);
   NEED(*(volatile uint32_t *)buffer.data == value);
}

static void start(void)
{
   gpu_open(&gpu, NULL);
   buffer = gpu_map_buffer(&gpu, 4096, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   commands = gpu_create_commands(&gpu, &pool);
   work(1);
}

static void stop(void)
{
   work(2);
   vkDestroyCommandPool(gpu.device, pool, NULL);
   gpu_free_buffer(&gpu, &buffer);
   gpu_close(&gpu);
}

/* --- device memory --- */

static VkDeviceMemory pieces[MAX_PIECES];
static unsigned piece_count;

static VkResult allocate(VkDeviceSize size)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size, .memoryTypeIndex = buffer.type};
   NEED(piece_count < MAX_PIECES);
   const VkResult result = vkAllocateMemory(gpu.device, &info, NULL, &pieces[piece_count]);
   piece_count += result == VK_SUCCESS;
   return result;
}

static void give_back(unsigned left)
{
   while (piece_count > left)
      vkFreeMemory(gpu.device, pieces[--piece_count], NULL);
}

static void fill(VkDeviceSize size)
{
   VkResult result;
   while ((result = allocate(size)) == VK_SUCCESS)
      ;
   NEED(result == VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

/* What the first heap may still have. */
static VkDeviceSize ask_for_room(void)
{
   VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
   VkPhysicalDeviceMemoryProperties2 memory = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
                                               .pNext = &budget};
   vkGetPhysicalDeviceMemoryProperties2(gpu.physical, &memory);
   return budget.heapBudget[0] > budget.heapUsage[0] ? budget.heapBudget[0] - budget.heapUsage[0] : 0;
}

static bool has_budget(void)
{
   VkExtensionProperties extensions[512];
   uint32_t count = 512;
   NEED(vkEnumerateDeviceExtensionProperties(gpu.physical, NULL, &count, extensions) >= 0);
   for (uint32_t i = 0; i < count; i++) {
      if (!strcmp(extensions[i].extensionName, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME))
         return true;
   }
   return false;
}

static void use_up_memory(unsigned most)
{
   const bool budget = has_budget();
   NEED(!budget || (ask_for_room() > 0 && ask_for_room() <= most * MIB));
   fill(MIB);
   printf("%u MiB\n", piece_count);
   NEED(piece_count < most && piece_count >= most - 2); /* the buffer is there, too */
   NEED(!budget || ask_for_room() < MIB);
   work(3);
   give_back(most / 2);
   NEED(!budget || (ask_for_room() >= most / 4 * MIB && ask_for_room() <= most * MIB));
   work(4);
   fill(MIB);
   NEED(piece_count < most && piece_count >= most - 2);
   give_back(0);
   work(5);
}

static void hold_memory(void)
{
   fill(MIB);
   printf("%u MiB\n", piece_count);
   fflush(stdout);
   pause();
}

static void wait_for_memory(unsigned wanted)
{
   while (piece_count < wanted) {
      if (allocate(MIB) != VK_SUCCESS) {
         work(6);
         usleep(10000);
      }
   }
   give_back(0);
}

static void use_up_allocations(void)
{
   VkPhysicalDeviceProperties properties;
   vkGetPhysicalDeviceProperties(gpu.physical, &properties);
   const unsigned most = properties.limits.maxMemoryAllocationCount;
   for (unsigned i = 0; i < 2; i++) {
      fill(256);
      printf("%u of %u allocations\n", piece_count, most);
      NEED(piece_count == most - 1); /* one is the buffer's */
      work(7);
      give_back(0);
   }
}

/* --- objects --- */

static VkResult create_event(uint64_t *object)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   return vkCreateEvent(gpu.device, &info, NULL, (VkEvent *)object);
}

static void destroy_event(uint64_t object)
{
   vkDestroyEvent(gpu.device, (VkEvent)object, NULL);
}

static VkResult create_buffer(uint64_t *object)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 256, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   return vkCreateBuffer(gpu.device, &info, NULL, (VkBuffer *)object);
}

static void destroy_buffer(uint64_t object)
{
   vkDestroyBuffer(gpu.device, (VkBuffer)object, NULL);
}

static VkResult create_set_layout(uint64_t *object)
{
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
   return vkCreateDescriptorSetLayout(gpu.device, &info, NULL, (VkDescriptorSetLayout *)object);
}

static void destroy_set_layout(uint64_t object)
{
   vkDestroyDescriptorSetLayout(gpu.device, (VkDescriptorSetLayout)object, NULL);
}

static VkResult create_commands(uint64_t *object)
{
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
   return vkAllocateCommandBuffers(gpu.device, &info, (VkCommandBuffer *)(void *)object);
}

static void free_commands(uint64_t object)
{
   const VkCommandBuffer handle = (VkCommandBuffer)(uintptr_t)object;
   vkFreeCommandBuffers(gpu.device, pool, 1, &handle);
}

static const struct {
   VkResult (*create)(uint64_t *object);
   void (*destroy)(uint64_t object);
} kinds[] = {
   {create_event, destroy_event},
   {create_buffer, destroy_buffer},
   {create_set_layout, destroy_set_layout},
   {create_commands, free_commands},
};

static void use_up_objects(unsigned most, unsigned kind_count)
{
   uint64_t *objects = calloc(most, sizeof(*objects));
   NEED(objects);
   for (unsigned i = 0; i < kind_count && i < sizeof(kinds) / sizeof(*kinds); i++) {
      unsigned count = 0;
      VkResult result = VK_SUCCESS;
      while (count < most && (result = kinds[i].create(&objects[count])) == VK_SUCCESS)
         count++;
      printf("%u objects of kind %u, then %d\n", count, i, result);
      NEED(result == VK_ERROR_OUT_OF_HOST_MEMORY && count >= most / 4 * 3);
      work(8);
      NEED(kinds[i].create(&objects[count]) == VK_ERROR_OUT_OF_HOST_MEMORY);
      while (count > 0)
         kinds[i].destroy(objects[--count]);
      OK(kinds[i].create(&objects[0]));
      kinds[i].destroy(objects[0]);
      work(9);
   }
   free(objects);
}

/* --- the server's own memory --- */

static VkResult record(VkCommandBuffer giant, unsigned count)
{
   static uint32_t data[2048];
   gpu_begin(giant);
   for (unsigned i = 0; i < count; i++)
      vkCmdUpdateBuffer(giant, buffer.handle, 0, 4096, data);
   return vkEndCommandBuffer(giant);
}

static void use_up_host_memory(void)
{
   VkCommandBuffer giants[1024];
   unsigned count = 0;
   VkResult result = VK_SUCCESS;
   while (count < 1024) {
      uint64_t object;
      result = create_commands(&object);
      if (result != VK_SUCCESS)
         break;
      giants[count++] = (VkCommandBuffer)(uintptr_t)object;
      result = record(giants[count - 1], 1024);
      if (result == VK_SUCCESS && count % 4 == 0)
         result = vkDeviceWaitIdle(gpu.device); /* who records without end does not hear of anything */
      if (result != VK_SUCCESS)
         break;
   }
   printf("%u command buffers of 4 MiB, then %d\n", count, result);
   NEED(result == VK_ERROR_OUT_OF_HOST_MEMORY);
   while (count > 0)
      vkFreeCommandBuffers(gpu.device, pool, 1, &giants[--count]);
   vkResetCommandPool(gpu.device, pool, VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT);
   work(10);
}

static void create_giant_pools(void)
{
   const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, UINT32_MAX},
                                         {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, UINT32_MAX}};
   const VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = UINT32_MAX,
                                            .poolSizeCount = 2,
                                            .pPoolSizes = sizes};
   VkDescriptorPool pools[16];
   unsigned count = 0;
   for (unsigned i = 0; i < 16; i++)
      count += vkCreateDescriptorPool(gpu.device, &info, NULL, &pools[count]) == VK_SUCCESS;
   printf("%u of 16 pools\n", count);
   work(11);
   while (count > 0)
      vkDestroyDescriptorPool(gpu.device, pools[--count], NULL);
}

/* --- threads, swapchains --- */

static void use_up_threads(void)
{
   static struct gpu others[256];
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
   unsigned count = 0;
   VkResult result = VK_SUCCESS;
   while (count < 256 && (result = vkCreateDevice(gpu.physical, &info, NULL, &others[count].device)) == VK_SUCCESS)
      count++;
   printf("%u devices, then %d\n", count, result);
   NEED(result == VK_ERROR_TOO_MANY_OBJECTS && count > 0);
   vkDestroyDevice(others[--count].device, NULL);
   OK(vkCreateDevice(gpu.physical, &info, NULL, &others[count++].device));
   work(12);
   while (count > 0)
      vkDestroyDevice(others[--count].device, NULL);
}

static void start_with_swapchains(void)
{
   static const char *const instance_extensions[] = {VK_KHR_SURFACE_EXTENSION_NAME,
                                                     VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME};
   static const char *const device_extensions[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .enabledExtensionCount = 2,
                                      .ppEnabledExtensionNames = instance_extensions};
   uint32_t count = 1;
   OK(vkCreateInstance(&info, NULL, &gpu.instance));
   NEED(vkEnumeratePhysicalDevices(gpu.instance, &count, &gpu.physical) >= 0 && count == 1);
   gpu_open_device(&gpu, NULL, device_extensions, 1);
}

static VkResult create_swapchain(VkSurfaceKHR *surface, VkSwapchainKHR *swapchain)
{
   const VkHeadlessSurfaceCreateInfoEXT headless = {.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
   const PFN_vkCreateHeadlessSurfaceEXT create =
      (PFN_vkCreateHeadlessSurfaceEXT)vkGetInstanceProcAddr(gpu.instance, "vkCreateHeadlessSurfaceEXT");
   OK(create(gpu.instance, &headless, NULL, surface));
   const VkSwapchainCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
                                          .surface = *surface,
                                          .minImageCount = 3,
                                          .imageFormat = VK_FORMAT_B8G8R8A8_UNORM,
                                          .imageExtent = {64, 64},
                                          .imageArrayLayers = 1,
                                          .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
                                          .preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
                                          .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                                          .presentMode = VK_PRESENT_MODE_FIFO_KHR};
   return vkCreateSwapchainKHR(gpu.device, &info, NULL, swapchain);
}

static void use_up_swapchains(unsigned most)
{
   VkSurfaceKHR surfaces[257];
   VkSwapchainKHR swapchains[257];
   unsigned count = 0;
   VkResult result = VK_SUCCESS;
   NEED(most <= 256);
   while (count <= most && (result = create_swapchain(&surfaces[count], &swapchains[count])) == VK_SUCCESS)
      count++;
   printf("%u swapchains, then %d\n", count, result);
   NEED(count == most && result == VK_ERROR_OUT_OF_HOST_MEMORY);
   vkDestroySurfaceKHR(gpu.instance, surfaces[count], NULL);
   vkDestroySwapchainKHR(gpu.device, swapchains[--count], NULL);
   vkDestroySurfaceKHR(gpu.instance, surfaces[count], NULL);
   OK(create_swapchain(&surfaces[count], &swapchains[count]));
   for (count++; count > 0; count--) {
      vkDestroySwapchainKHR(gpu.device, swapchains[count - 1], NULL);
      vkDestroySurfaceKHR(gpu.instance, surfaces[count - 1], NULL);
   }
}

/* --- bytes in a second --- */

static double now_ms(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void send(VkDeviceSize size)
{
   struct gpu_buffer large = gpu_map_buffer(&gpu, size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   uint64_t state = 1;
   work(13);
   const double start_ms = now_ms();
   for (VkDeviceSize i = 0; i < size / 8; i++) { /* nothing that could be packed */
      state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
      ((uint64_t *)large.data)[i] = state ^ state >> 29;
   }
   work(14);
   printf("%.0f ms\n", now_ms() - start_ms);
   gpu_free_buffer(&gpu, &large);
}

/* --- threads that wait --- */

static VkFence never;

static void *wait_long(void *unused)
{
   (void)unused;
   NEED(vkWaitForFences(gpu.device, 1, &never, VK_TRUE, UINT64_C(2000000000)) == VK_TIMEOUT);
   return NULL;
}

static void wait_in_threads(unsigned count)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   pthread_t *threads = calloc(count, sizeof(*threads));
   pthread_attr_t small;
   NEED(threads);
   pthread_attr_init(&small);
   pthread_attr_setstacksize(&small, (size_t)256 << 10);
   OK(vkCreateFence(gpu.device, &info, NULL, &never));
   for (unsigned i = 0; i < count; i++)
      NEED(pthread_create(&threads[i], &small, wait_long, NULL) == 0);
   work(15);
   printf("waiting\n");
   fflush(stdout);
   work(16);
   for (unsigned i = 0; i < count; i++)
      pthread_join(threads[i], NULL);
   vkDestroyFence(gpu.device, never, NULL);
   free(threads);
}

int main(int argc, char **argv)
{
   const char *mode = argc > 1 ? argv[1] : "";
   const unsigned number = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
   if (!strcmp(mode, "swapchains")) {
      start_with_swapchains();
      use_up_swapchains(number);
      gpu_close(&gpu);
      return 0;
   }
   start();
   if (!strcmp(mode, "memory"))
      use_up_memory(number);
   else if (!strcmp(mode, "hold"))
      hold_memory();
   else if (!strcmp(mode, "wait"))
      wait_for_memory(number);
   else if (!strcmp(mode, "tiny"))
      use_up_allocations();
   else if (!strcmp(mode, "objects"))
      use_up_objects(number, argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1);
   else if (!strcmp(mode, "host"))
      use_up_host_memory();
   else if (!strcmp(mode, "pool"))
      create_giant_pools();
   else if (!strcmp(mode, "threads"))
      use_up_threads();
   else if (!strcmp(mode, "send"))
      send(number * MIB);
   else if (!strcmp(mode, "waits"))
      wait_in_threads(number);
   stop();
   return 0;
}
