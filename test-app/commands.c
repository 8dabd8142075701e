/* SPDX-License-Identifier: MIT */

/* Command buffers, most of which are run once, and barriers. */

#include "test-app/app.h"

VkCommandBuffer app_commands_begin_in(struct app_context *ctx, VkCommandPool pool, VkCommandBufferUsageFlags usage)
{
   VkCommandBuffer commands = VK_NULL_HANDLE;
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = pool,
      .commandBufferCount = 1,
   };
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = usage,
   };
   if (!VK_CHECK(ctx->test, vkAllocateCommandBuffers(ctx->device, &info, &commands)))
      return VK_NULL_HANDLE;
   if (VK_CHECK(ctx->test, vkBeginCommandBuffer(commands, &begin)))
      return commands;
   vkFreeCommandBuffers(ctx->device, pool, 1, &commands);
   return VK_NULL_HANDLE;
}

VkCommandBuffer app_commands_begin(struct app_context *ctx)
{
   return app_commands_begin_in(ctx, ctx->pool, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
}

bool app_commands_run(struct app_context *ctx, VkCommandBuffer commands)
{
   VkFence fence = VK_NULL_HANDLE;
   VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };
   if (!commands)
      return false;
   if (VK_CHECK(ctx->test, vkEndCommandBuffer(commands)))
      fence = app_fence_create(ctx, 0);
   bool good = fence && VK_CHECK(ctx->test, vkQueueSubmit(ctx->queues[0].handle, 1, &submit, fence)) &&
               VK_CHECK(ctx->test, vkWaitForFences(ctx->device, 1, &fence, VK_TRUE, APP_WAIT_NS));
   vkDestroyFence(ctx->device, fence, NULL);
   vkFreeCommandBuffers(ctx->device, ctx->pool, 1, &commands);
   return good;
}

void app_cmd_barrier(VkCommandBuffer commands)
{
   VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0,
                        NULL);
}

void app_cmd_image_layout(VkCommandBuffer commands, VkImage image, VkImageAspectFlags aspect, VkImageLayout from,
                          VkImageLayout to)
{
   VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {aspect, 0, VK_REMAINING_MIP_LEVELS, 0, VK_REMAINING_ARRAY_LAYERS},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0,
                        NULL, 1, &barrier);
}
