/* SPDX-License-Identifier: MIT */
/* Flushes overlapping parts of one large memory very many times, a write before each. Then the GPU copies what was
 * written. Exit status: 0 when the copy is right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

#define SIZE ((VkDeviceSize)32 << 20)
#define FLUSHES 100000u

static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;

static void create_device(void)
{
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   VkInstance instance;
   uint32_t count = 1;
   OK(vkCreateInstance(&instance_info, NULL, &instance));
   NEED(vkEnumeratePhysicalDevices(instance, &count, &gpu) >= 0 && count);
   OK(vkCreateDevice(gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
}

static uint32_t find_type(uint32_t allowed)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties properties;
   vkGetPhysicalDeviceMemoryProperties(gpu, &properties);
   for (uint32_t i = 0; i < properties.memoryTypeCount; i++) {
      if ((allowed >> i & 1) && (properties.memoryTypes[i].propertyFlags & wanted) == wanted)
         return i;
   }
   NEED(!"memory that can be mapped");
   return 0;
}

static VkBuffer create_buffer(VkDeviceMemory *memory, uint8_t **pointer)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = SIZE,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
   VkMemoryRequirements requirements;
   VkBuffer buffer;
   void *mapped;
   OK(vkCreateBuffer(device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(device, buffer, &requirements);
   allocation.allocationSize = requirements.size;
   allocation.memoryTypeIndex = find_type(requirements.memoryTypeBits);
   OK(vkAllocateMemory(device, &allocation, NULL, memory));
   OK(vkBindBufferMemory(device, buffer, *memory, 0));
   OK(vkMapMemory(device, *memory, 0, VK_WHOLE_SIZE, 0, &mapped));
   *pointer = mapped;
   return buffer;
}

static void copy(VkBuffer from, VkBuffer to)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VkCommandBuffer cmd;
   OK(vkCreateCommandPool(device, &pool_info, NULL, &info.commandPool));
   OK(vkAllocateCommandBuffers(device, &info, &cmd));
   OK(vkBeginCommandBuffer(cmd, &begin));
   vkCmdCopyBuffer(cmd, from, to, 1, &(VkBufferCopy){.size = SIZE});
   OK(vkEndCommandBuffer(cmd));
   OK(vkQueueSubmit(
      queue, 1,
      &(VkSubmitInfo){.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &cmd},
      VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(queue));
}

int main(void)
{
   VkDeviceMemory from_memory, to_memory;
   uint8_t *from, *to;
   create_device();
   const VkBuffer source = create_buffer(&from_memory, &from), target = create_buffer(&to_memory, &to);
   memset(from, 1, SIZE);
   for (uint32_t i = 0; i < FLUSHES; i++) {
      from[(uint64_t)i * 40503 * 64 % SIZE] = (uint8_t)i;
      const VkMappedMemoryRange range = {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
                                         .memory = from_memory,
                                         .offset = i % 8 * (SIZE / 16),
                                         .size = SIZE / 2};
      OK(vkFlushMappedMemoryRanges(device, 1, &range));
   }
   copy(source, target);
   NEED(memcmp(from, to, SIZE) == 0);
   return EXIT_SUCCESS;
}
