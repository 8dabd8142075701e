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

#include "tests/e2e/gpu.h"

#ifndef VK_EXT_map_memory_placed

int main(void)
{
   puts("the Vulkan headers do not know VK_EXT_map_memory_placed");
   return 77;
}

#else

#define SIZE ((VkDeviceSize)(1 << 20))
struct world {
   struct gpu gpu;
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
   VkPhysicalDeviceMapMemoryPlacedFeaturesEXT placed = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAP_MEMORY_PLACED_FEATURES_EXT};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &placed};
   gpu_open_instance(&w->gpu);
   vkGetPhysicalDeviceFeatures2(w->gpu.physical, &features);
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
   gpu_open_device(&w->gpu, &placed, extensions, 2);
   w->commands = gpu_create_commands(&w->gpu, &w->pool);
   w->map = (PFN_vkMapMemory2KHR)vkGetDeviceProcAddr(w->gpu.device, "vkMapMemory2KHR");
   w->unmap = (PFN_vkUnmapMemory2KHR)vkGetDeviceProcAddr(w->gpu.device, "vkUnmapMemory2KHR");
}

static void create_buffer(struct world *w)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = SIZE,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(w->gpu.device, &info, NULL, &w->buffer));
   vkGetBufferMemoryRequirements(w->gpu.device, w->buffer, &requirements);
   const VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                          .allocationSize = requirements.size,
                                          .memoryTypeIndex = gpu_memory_type(&w->gpu, requirements.memoryTypeBits)};
   OK(vkAllocateMemory(w->gpu.device, &allocate, NULL, &w->memory));
   OK(vkBindBufferMemory(w->gpu.device, w->buffer, w->memory, 0));
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
   OK(vkQueueSubmit(w->gpu.queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(w->gpu.queue));
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
   OK(w->map(w->gpu.device, &info, &data));
   bool ok = data == place && place[0] == before;
   for (unsigned round = 0; round < 5; round++)
      ok = ok && gpu_sees(w, data);
   OK(w->unmap(w->gpu.device, &unmap));
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
   vkDestroyBuffer(w.gpu.device, w.buffer, NULL);
   vkFreeMemory(w.gpu.device, w.memory, NULL);
   vkDestroyCommandPool(w.gpu.device, w.pool, NULL);
   gpu_close(&w.gpu);
   return ok ? 0 : 1;
}

#endif
