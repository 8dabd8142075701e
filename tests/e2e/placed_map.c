/* SPDX-License-Identifier: MIT */
/* Maps memory where it wants to have it (VK_EXT_map_memory_placed), lets the GPU read from and write to it, and
 * compares. Exit status: 0 when all is right, 77 when the headers or the GPU do not know that, 1 otherwise. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

#ifndef VK_EXT_map_memory_placed

int main(void)
{
   puts("the Vulkan headers do not know VK_EXT_map_memory_placed");
   return 77;
}

#else

#define SIZE ((VkDeviceSize)(1 << 20))
struct world {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkBuffer buffer;
   VkDeviceMemory memory;
   PFN_vkMapMemory2KHR map;
   PFN_vkUnmapMemory2KHR unmap;
};

static void skip(const char *why)
{
   puts(why);
   exit(77);
}

static void choose_gpu(struct world *w)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_1};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .pApplicationInfo = &application};
   VkPhysicalDeviceMapMemoryPlacedFeaturesEXT placed = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAP_MEMORY_PLACED_FEATURES_EXT};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &placed};
   uint32_t count = 1;
   OK(vkCreateInstance(&info, NULL, &w->instance));
   if (vkEnumeratePhysicalDevices(w->instance, &count, &w->gpu) < 0 || !count)
      skip("no GPU");
   vkGetPhysicalDeviceFeatures2(w->gpu, &features);
   if (!placed.memoryMapPlaced || !placed.memoryUnmapReserve)
      skip("the GPU does not map memory where one wants to have it");
}

static void create_device(struct world *w)
{
   static const char *const extensions[] = {VK_KHR_MAP_MEMORY_2_EXTENSION_NAME,
                                            VK_EXT_MAP_MEMORY_PLACED_EXTENSION_NAME};
   VkPhysicalDeviceMapMemoryPlacedFeaturesEXT placed = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAP_MEMORY_PLACED_FEATURES_EXT,
      .memoryMapPlaced = VK_TRUE,
      .memoryUnmapReserve = VK_TRUE,
   };
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                    .pNext = &placed,
                                    .queueCreateInfoCount = 1,
                                    .pQueueCreateInfos = &queue_info,
                                    .enabledExtensionCount = 2,
                                    .ppEnabledExtensionNames = extensions};
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   VkCommandBufferAllocateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .commandBufferCount = 1};
   OK(vkCreateDevice(w->gpu, &info, NULL, &w->device));
   vkGetDeviceQueue(w->device, 0, 0, &w->queue);
   OK(vkCreateCommandPool(w->device, &pool_info, NULL, &w->pool));
   commands.commandPool = w->pool;
   OK(vkAllocateCommandBuffers(w->device, &commands, &w->commands));
   w->map = (PFN_vkMapMemory2KHR)vkGetDeviceProcAddr(w->device, "vkMapMemory2KHR");
   w->unmap = (PFN_vkUnmapMemory2KHR)vkGetDeviceProcAddr(w->device, "vkUnmapMemory2KHR");
}

static uint32_t find_memory_type(const struct world *w, uint32_t allowed)
{
   const VkMemoryPropertyFlags needed = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties memory;
   vkGetPhysicalDeviceMemoryProperties(w->gpu, &memory);
   for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
      if (allowed >> i & 1 && (memory.memoryTypes[i].propertyFlags & needed) == needed)
         return i;
   }
   skip("no memory for it");
   return 0;
}

static void create_buffer(struct world *w)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = SIZE,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(w->device, &info, NULL, &w->buffer));
   vkGetBufferMemoryRequirements(w->device, w->buffer, &requirements);
   const VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                          .allocationSize = requirements.size,
                                          .memoryTypeIndex = find_memory_type(w, requirements.memoryTypeBits)};
   OK(vkAllocateMemory(w->device, &allocate, NULL, &w->memory));
   OK(vkBindBufferMemory(w->device, w->buffer, w->memory, 0));
}

/* The second half becomes a copy of the first. */
static bool gpu_sees(const struct world *w, uint8_t *data)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &w->commands};
   const VkBufferCopy half = {0, SIZE / 2, SIZE / 2};
   for (size_t i = 0; i < SIZE / 2; i += 1000)
      data[i]++;
   OK(vkBeginCommandBuffer(w->commands, &begin));
   vkCmdCopyBuffer(w->commands, w->buffer, w->buffer, 1, &half);
   OK(vkEndCommandBuffer(w->commands));
   OK(vkQueueSubmit(w->queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(w->queue));
   return memcmp(data, data + SIZE / 2, SIZE / 2) == 0;
}

static bool test_at(const struct world *w, uint8_t *place, uint8_t before)
{
   const VkMemoryMapPlacedInfoEXT placed = {.sType = VK_STRUCTURE_TYPE_MEMORY_MAP_PLACED_INFO_EXT,
                                            .pPlacedAddress = place};
   const VkMemoryMapInfoKHR info = {.sType = VK_STRUCTURE_TYPE_MEMORY_MAP_INFO_KHR,
                                    .pNext = &placed,
                                    .flags = VK_MEMORY_MAP_PLACED_BIT_EXT,
                                    .memory = w->memory,
                                    .size = VK_WHOLE_SIZE};
   const VkMemoryUnmapInfoKHR unmap = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_UNMAP_INFO_KHR, .flags = VK_MEMORY_UNMAP_RESERVE_BIT_EXT, .memory = w->memory};
   void *data;
   OK(w->map(w->device, &info, &data));
   bool ok = data == place && place[0] == before;
   for (unsigned round = 0; round < 5; round++)
      ok = ok && gpu_sees(w, data);
   OK(w->unmap(w->device, &unmap));
   /* Reserved: somebody who asks for this place without force gets another one. */
   void *other = mmap(place, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
   return ok && other == MAP_FAILED;
}

int main(void)
{
   struct world w = {0};
   choose_gpu(&w);
   create_device(&w);
   create_buffer(&w);
   uint8_t *area = mmap(NULL, 4 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   const bool ok =
      area != MAP_FAILED && test_at(&w, area, 0) && test_at(&w, area + 2 * SIZE, 5) && test_at(&w, area, 10);
   if (!ok)
      fprintf(stderr, "placed_map: wrong bytes, or at the wrong place\n");
   vkDestroyBuffer(w.device, w.buffer, NULL);
   vkFreeMemory(w.device, w.memory, NULL);
   vkDestroyCommandPool(w.device, w.pool, NULL);
   vkDestroyDevice(w.device, NULL);
   vkDestroyInstance(w.instance, NULL);
   return ok ? 0 : 1;
}

#endif
