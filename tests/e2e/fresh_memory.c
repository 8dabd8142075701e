/* SPDX-License-Identifier: MIT */

/* Looks for what others have left in memory that is new: memory of each type that the GPU copies from, an image with
 * memory of its own, memory that is mapped at once, and memory that is mapped when the GPU may have written to it.
 * Prints a line for each with the number of bytes that are not zero; ends with 1 when there are any.
 *
 *    fresh_memory [MIB]       so much of each type (default 1)
 *    fresh_memory fill MIB    leaves that much behind instead, filled, of each type that is the GPU's own */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/gpu.h"

#define MIB ((VkDeviceSize)1 << 20)
#define SIDE 256

static struct gpu gpu;
static VkPhysicalDeviceMemoryProperties memory;
static VkCommandPool pool;
static VkCommandBuffer commands;
static struct gpu_buffer result; /* what was copied */
static uint64_t found;

static void report(const char *what, uint32_t type, const uint8_t *bytes, VkDeviceSize size)
{
   uint64_t count = 0;

   for (VkDeviceSize i = 0; i < size; i++)
      count += bytes[i] != 0;
   printf("%s, type %u: %" PRIu64 " bytes of %" PRIu64 "\n", what, type, count, (uint64_t)size);
   found += count;
}

static bool has(uint32_t type, VkMemoryPropertyFlags flags)
{
   return (memory.memoryTypes[type].propertyFlags & flags) == flags;
}

static VkDeviceMemory allocate(VkDeviceSize size, uint32_t type, const void *next)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = next, .allocationSize = size, .memoryTypeIndex = type};
   VkDeviceMemory made = VK_NULL_HANDLE;

   OK(vkAllocateMemory(gpu.device, &info, NULL, &made));
   return made;
}

static VkBuffer make_buffer(VkDeviceSize size, VkMemoryRequirements *needs)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = size,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkBuffer buffer;

   OK(vkCreateBuffer(gpu.device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(gpu.device, buffer, needs);
   return buffer;
}

/* --- looking --- */

static void look_by_copy(uint32_t type, VkDeviceSize size)
{
   VkMemoryRequirements needs;
   VkBuffer buffer = make_buffer(size, &needs);

   if (needs.memoryTypeBits >> type & 1) {
      VkDeviceMemory made = allocate(needs.size, type, NULL);
      const VkBufferCopy region = {.size = size};
      OK(vkBindBufferMemory(gpu.device, buffer, made, 0));
      gpu_begin(commands);
      vkCmdCopyBuffer(commands, buffer, result.handle, 1, &region);
      gpu_run(&gpu, commands);
      report("copied", type, result.data, size);
      vkFreeMemory(gpu.device, made, NULL);
   }
   vkDestroyBuffer(gpu.device, buffer, NULL);
}

static void look_at_image(void)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {SIDE, SIDE, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT};
   VkMemoryDedicatedAllocateInfo dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO};
   VkMemoryRequirements needs;
   uint32_t type = 0;

   OK(vkCreateImage(gpu.device, &info, NULL, &dedicated.image));
   vkGetImageMemoryRequirements(gpu.device, dedicated.image, &needs);
   while (!(needs.memoryTypeBits >> type & 1))
      type++;
   VkDeviceMemory made = allocate(needs.size, type, &dedicated);
   OK(vkBindImageMemory(gpu.device, dedicated.image, made, 0));
   const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
   const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                         .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
                                         .newLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                                         .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                         .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                         .image = dedicated.image,
                                         .subresourceRange = all};
   const VkBufferImageCopy region = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                     .imageExtent = {SIDE, SIDE, 1}};
   gpu_begin(commands);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
   vkCmdCopyImageToBuffer(commands, dedicated.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, result.handle, 1, &region);
   gpu_run(&gpu, commands);
   report("image", type, result.data, (VkDeviceSize)SIDE * SIDE * 4);
   vkDestroyImage(gpu.device, dedicated.image, NULL);
   vkFreeMemory(gpu.device, made, NULL);
}

/* `late`: something is bound to it and the GPU was set going before. */
static void look_by_map(uint32_t type, VkDeviceSize size, bool late)
{
   VkMemoryRequirements needs;
   VkBuffer buffer = make_buffer(size, &needs);
   void *data;

   if (needs.memoryTypeBits >> type & 1) {
      VkDeviceMemory made = allocate(needs.size, type, NULL);
      if (late) {
         OK(vkBindBufferMemory(gpu.device, buffer, made, 0));
         gpu_begin(commands);
         vkCmdFillBuffer(commands, buffer, 0, 4, 0);
         gpu_run(&gpu, commands);
      }
      OK(vkMapMemory(gpu.device, made, 0, VK_WHOLE_SIZE, 0, &data));
      report(late ? "mapped late" : "mapped", type, data, size);
      vkFreeMemory(gpu.device, made, NULL);
   }
   vkDestroyBuffer(gpu.device, buffer, NULL);
}

/* --- leaving something behind --- */

static void fill(uint32_t type, VkDeviceSize size)
{
   VkMemoryRequirements needs;
   VkBuffer buffer = make_buffer(size, &needs);

   if (!(needs.memoryTypeBits >> type & 1) || !has(type, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT))
      return;
   OK(vkBindBufferMemory(gpu.device, buffer, allocate(needs.size, type, NULL), 0));
   gpu_begin(commands);
   vkCmdFillBuffer(commands, buffer, 0, VK_WHOLE_SIZE, 0xa5a5a5a5);
   gpu_run(&gpu, commands);
   printf("filled, type %u: %" PRIu64 " bytes\n", type, (uint64_t)size);
}

int main(int argc, char **argv)
{
   const bool fills = argc > 2 && strcmp(argv[1], "fill") == 0;
   const VkDeviceSize size = argc > 1 ? strtoull(argv[argc - 1], NULL, 10) * MIB : MIB;

   gpu_open(&gpu, NULL);
   vkGetPhysicalDeviceMemoryProperties(gpu.physical, &memory);
   commands = gpu_create_commands(&gpu, &pool);
   if (!fills)
      result = gpu_map_buffer(&gpu, size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   for (uint32_t type = 0; type < memory.memoryTypeCount; type++) {
      if (has(type, VK_MEMORY_PROPERTY_PROTECTED_BIT) || has(type, VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT))
         continue;
      if (fills) {
         fill(type, size);
         continue;
      }
      look_by_copy(type, size);
      if (has(type, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)) {
         look_by_map(type, size, false);
         look_by_map(type, size, true);
      }
   }
   if (!fills) {
      look_at_image();
      gpu_free_buffer(&gpu, &result);
      vkDestroyCommandPool(gpu.device, pool, NULL);
      gpu_close(&gpu);
   }
   return found ? 1 : 0; /* what is filled is left to the end of the process */
}
