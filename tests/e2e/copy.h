/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_COPY_H
#define VP_TESTS_E2E_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

/* The smallest program that uses a GPU: it copies from mapped memory to mapped memory. */

#define COPY_SIZE ((VkDeviceSize)64 << 10)

struct copier {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkBuffer buffers[2];
   VkDeviceMemory memory[2];
   uint8_t *from, *to; /* NULL: not mapped */
};

static inline void copier_create_device(struct copier *c)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_1};
   const VkInstanceCreateInfo instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                          .pApplicationInfo = &application};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo device = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   uint32_t count = 1;
   OK(vkCreateInstance(&instance, NULL, &c->instance));
   NEED(vkEnumeratePhysicalDevices(c->instance, &count, &c->gpu) >= 0 && count == 1);
   OK(vkCreateDevice(c->gpu, &device, NULL, &c->device));
   vkGetDeviceQueue(c->device, 0, 0, &c->queue);
   OK(vkCreateCommandPool(c->device, &pool, NULL, &c->pool));
}

static inline uint32_t copier_memory_type(const struct copier *c, uint32_t allowed)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties properties;
   vkGetPhysicalDeviceMemoryProperties(c->gpu, &properties);
   for (uint32_t i = 0; i < properties.memoryTypeCount; i++) {
      if (allowed >> i & 1 && (properties.memoryTypes[i].propertyFlags & wanted) == wanted)
         return i;
   }
   NEED(!"memory that can be mapped");
   return 0;
}

static inline uint8_t *copier_map_buffer(struct copier *c, unsigned i)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = COPY_SIZE,
                                    .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements;
   void *data;
   OK(vkCreateBuffer(c->device, &info, NULL, &c->buffers[i]));
   vkGetBufferMemoryRequirements(c->device, c->buffers[i], &requirements);
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .allocationSize = requirements.size,
                                            .memoryTypeIndex = copier_memory_type(c, requirements.memoryTypeBits)};
   OK(vkAllocateMemory(c->device, &allocation, NULL, &c->memory[i]));
   OK(vkBindBufferMemory(c->device, c->buffers[i], c->memory[i], 0));
   OK(vkMapMemory(c->device, c->memory[i], 0, VK_WHOLE_SIZE, 0, &data));
   return data;
}

static inline void copier_map(struct copier *c)
{
   c->from = copier_map_buffer(c, 0);
   c->to = copier_map_buffer(c, 1);
}

static inline void copier_submit(struct copier *c, VkFence fence)
{
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = c->pool, .commandBufferCount = 1};
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
   const VkBufferCopy region = {.size = COPY_SIZE};
   VkCommandBuffer commands;
   OK(vkAllocateCommandBuffers(c->device, &allocation, &commands));
   OK(vkBeginCommandBuffer(commands, &begin));
   vkCmdCopyBuffer(commands, c->buffers[0], c->buffers[1], 1, &region);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL,
                        0, NULL);
   OK(vkEndCommandBuffer(commands));
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   OK(vkQueueSubmit(c->queue, 1, &submit, fence));
   OK(vkWaitForFences(c->device, 1, &fence, VK_TRUE, UINT64_MAX));
   vkFreeCommandBuffers(c->device, c->pool, 1, &commands);
}

/* Whether a copy of new data arrives. */
static inline bool copier_copies(struct copier *c, unsigned seed)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;
   OK(vkCreateFence(c->device, &info, NULL, &fence));
   for (VkDeviceSize i = 0; i < COPY_SIZE; i++)
      c->from[i] = (uint8_t)(seed + i * 13);
   memset(c->to, 0, COPY_SIZE / 2);
   copier_submit(c, fence);
   vkDestroyFence(c->device, fence, NULL);
   return memcmp(c->from, c->to, COPY_SIZE) == 0;
}

static inline void copier_unmap(struct copier *c)
{
   for (unsigned i = 0; i < 2; i++) {
      vkDestroyBuffer(c->device, c->buffers[i], NULL);
      vkFreeMemory(c->device, c->memory[i], NULL);
   }
   c->from = c->to = NULL;
}

static inline void copier_finish(struct copier *c)
{
   if (c->from)
      copier_unmap(c);
   vkDestroyCommandPool(c->device, c->pool, NULL);
   vkDestroyDevice(c->device, NULL);
   vkDestroyInstance(c->instance, NULL);
}

#endif
