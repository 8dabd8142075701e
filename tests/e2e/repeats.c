/* SPDX-License-Identifier: MIT */
/* repeats TIMES: records thousands of commands anew each time, nearly the same ones, submits them and waits; then looks
 * at what they have done. Exit status: 0 when that is right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

#define WORDS 2000u

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

static VkBuffer create_buffer(volatile uint32_t **words)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = (VkDeviceSize)WORDS * 4,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
   VkMemoryRequirements requirements;
   VkDeviceMemory memory;
   VkBuffer buffer;
   void *mapped;
   OK(vkCreateBuffer(device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(device, buffer, &requirements);
   allocation.allocationSize = requirements.size;
   allocation.memoryTypeIndex = find_type(requirements.memoryTypeBits);
   OK(vkAllocateMemory(device, &allocation, NULL, &memory));
   OK(vkBindBufferMemory(device, buffer, memory, 0));
   OK(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &mapped));
   *words = mapped;
   return buffer;
}

static uint32_t value_of(uint32_t word, uint32_t time)
{
   return word % 50 ? word : word + time;
}

static void run(VkCommandBuffer cmd, VkBuffer buffer, uint32_t time)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &cmd};
   OK(vkBeginCommandBuffer(cmd, &begin));
   for (uint32_t i = 0; i < WORDS; i++)
      vkCmdFillBuffer(cmd, buffer, (VkDeviceSize)i * 4, 4, value_of(i, time));
   OK(vkEndCommandBuffer(cmd));
   OK(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(queue));
}

int main(int argc, char **argv)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   volatile uint32_t *words;
   VkCommandBuffer cmd;
   NEED(argc == 2);
   const uint32_t times = (uint32_t)strtoul(argv[1], NULL, 10);
   create_device();
   const VkBuffer buffer = create_buffer(&words);
   OK(vkCreateCommandPool(device, &pool_info, NULL, &info.commandPool));
   OK(vkAllocateCommandBuffers(device, &info, &cmd));
   for (uint32_t time = 0; time < times; time++) {
      run(cmd, buffer, time);
      for (uint32_t i = 0; i < WORDS; i++)
         NEED(words[i] == value_of(i, time));
   }
   return EXIT_SUCCESS;
}
