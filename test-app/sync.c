/* SPDX-License-Identifier: MIT */
/* What the phases wait for: fences and semaphores. */

#include "test-app/app.h"

VkFence app_fence_create(struct app_context *ctx, VkFenceCreateFlags flags)
{
   VkFence fence = VK_NULL_HANDLE;
   VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .flags = flags};
   VK_CHECK(ctx->test, vkCreateFence(ctx->device, &info, NULL, &fence));
   return fence;
}

bool app_fence_wait(struct app_context *ctx, VkFence fence)
{
   return VK_CHECK(ctx->test, vkWaitForFences(ctx->device, 1, &fence, VK_TRUE, APP_WAIT_NS)) &&
          VK_CHECK(ctx->test, vkResetFences(ctx->device, 1, &fence));
}

VkSemaphore app_semaphore_create(struct app_context *ctx, bool timeline, uint64_t value)
{
   VkSemaphore semaphore = VK_NULL_HANDLE;
   VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
      .initialValue = value,
   };
   VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = timeline ? &type : NULL,
   };
   VK_CHECK(ctx->test, vkCreateSemaphore(ctx->device, &info, NULL, &semaphore));
   return semaphore;
}
