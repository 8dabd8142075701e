/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_COPY_H
#define VP_TESTS_E2E_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

/* The smallest program that uses a GPU: it copies from mapped memory to mapped memory. */

#define COPY_SIZE ((VkDeviceSize)64 << 10)

struct copier {
   struct gpu gpu;
   VkCommandPool pool;
   struct gpu_buffer buffers[2];
   uint8_t *from, *to; /* NULL: not mapped */
};

static inline void copier_create_device(struct copier *c)
{
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   gpu_open(&c->gpu, NULL);
   OK(vkCreateCommandPool(c->gpu.device, &pool, NULL, &c->pool));
}

static inline void copier_map(struct copier *c)
{
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
   for (unsigned i = 0; i < 2; i++)
      c->buffers[i] = gpu_map_buffer(&c->gpu, COPY_SIZE, usage);
   c->from = c->buffers[0].data;
   c->to = c->buffers[1].data;
}

static inline void copier_submit(struct copier *c, VkFence fence)
{
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = c->pool, .commandBufferCount = 1};
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
   const VkBufferCopy region = {.size = COPY_SIZE};
   VkCommandBuffer commands;
   OK(vkAllocateCommandBuffers(c->gpu.device, &allocation, &commands));
   gpu_begin(commands);
   vkCmdCopyBuffer(commands, c->buffers[0].handle, c->buffers[1].handle, 1, &region);
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL,
                        0, NULL);
   OK(vkEndCommandBuffer(commands));
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   OK(vkQueueSubmit(c->gpu.queue, 1, &submit, fence));
   OK(vkWaitForFences(c->gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
   vkFreeCommandBuffers(c->gpu.device, c->pool, 1, &commands);
}

/* Whether a copy of new data arrives. */
static inline bool copier_copies(struct copier *c, unsigned seed)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;
   OK(vkCreateFence(c->gpu.device, &info, NULL, &fence));
   for (VkDeviceSize i = 0; i < COPY_SIZE; i++)
      c->from[i] = (uint8_t)(seed + i * 13);
   memset(c->to, 0, COPY_SIZE / 2);
   copier_submit(c, fence);
   vkDestroyFence(c->gpu.device, fence, NULL);
   return memcmp(c->from, c->to, COPY_SIZE) == 0;
}

static inline void copier_unmap(struct copier *c)
{
   for (unsigned i = 0; i < 2; i++)
      gpu_free_buffer(&c->gpu, &c->buffers[i]);
   c->from = c->to = NULL;
}

static inline void copier_finish(struct copier *c)
{
   if (c->from)
      copier_unmap(c);
   vkDestroyCommandPool(c->gpu.device, c->pool, NULL);
   gpu_close(&c->gpu);
}

#endif
