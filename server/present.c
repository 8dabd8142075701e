/* SPDX-License-Identifier: MIT */

/* vkQueuePresentKHR, as the client says it: a batch that waits for the application's semaphores and copies the images.
 */

#include "common/util/clock.h"
#include "server/context.h"
#include "server/device.h"
#include "server/queue.h"
#include "server/swapchain.h"

/* Microseconds of the client's clock: more would overflow in nanoseconds. */
#define MAX_TIME ((UINT64_C(1) << 50) - 1)

static struct vps_swapchain *swapchain_of(const VkPresentVP *present)
{
   return (struct vps_swapchain *)(uintptr_t)present->swapchain;
}

/* Whether the client says something that makes sense. Unusable objects have no swapchain. */
static bool check_presents(struct vp_context *ctx, const struct vp_cmd_vkQueuePresentVP *a)
{
   for (uint32_t i = 0; i < a->presentCount && !ctx->poison; i++) {
      const struct vps_swapchain *swapchain = swapchain_of(&a->pPresents[i]);
      if (!swapchain || a->pPresents[i].imageIndex >= swapchain->image_count) {
         vps_fail(ctx, "there is no image %u in the swapchain", a->pPresents[i].imageIndex);
         return false;
      }
      for (uint32_t j = 0; j < i; j++) {
         if (swapchain_of(&a->pPresents[j]) == swapchain) {
            vps_fail(ctx, "a swapchain is presented twice at once");
            return false;
         }
      }
   }
   return true;
}

/* The batch, in temporary memory. NULL ends the session. */
static VkSubmitInfo *make_batch(struct vp_context *ctx, const struct vp_cmd_vkQueuePresentVP *a,
                                const struct vps_present *presents, uint32_t count)
{
   VkSubmitInfo *info = vps_alloc(ctx, 1, sizeof(*info));
   VkTimelineSemaphoreSubmitInfo *timeline = vps_alloc(ctx, 1, sizeof(*timeline));
   VkPipelineStageFlags *stages = vps_alloc(ctx, (uint64_t)a->waitSemaphoreCount + 1, sizeof(*stages));
   VkSemaphore *signals = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*signals));
   uint64_t *values = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*values));
   VkCommandBuffer *commands = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*commands));

   if (!info || !timeline || !stages || !signals || !values || !commands)
      return NULL;
   *timeline = (VkTimelineSemaphoreSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .signalSemaphoreValueCount = count,
      .pSignalSemaphoreValues = values,
   };
   *info = (VkSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = timeline,
      .waitSemaphoreCount = a->waitSemaphoreCount,
      .pWaitSemaphores = a->pWaitSemaphores,
      .pWaitDstStageMask = stages,
      .pCommandBuffers = commands,
      .signalSemaphoreCount = count,
      .pSignalSemaphores = signals,
   };
   for (uint32_t i = 0; i < a->waitSemaphoreCount; i++)
      stages[i] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   for (uint32_t i = 0; i < count; i++) {
      signals[i] = presents[i].swapchain->timeline;
      values[i] = presents[i].value;
      if (presents[i].commands)
         commands[info->commandBufferCount++] = presents[i].commands;
   }
   return info;
}

static void submit(struct vp_context *ctx, struct vp_cmd_vkQueuePresentVP *a, const struct vps_present *presents,
                   uint32_t count)
{
   struct vp_cmd_vkQueueSubmit batch = {.queue = a->queue, .submitCount = 1};

   batch.pSubmits = make_batch(ctx, a, presents, count);
   if (batch.pSubmits)
      vp_handle_vkQueueSubmit(ctx, &batch);
   a->ret = batch.ret;
}

void vp_handle_vkQueuePresentVP(struct vp_context *ctx, struct vp_cmd_vkQueuePresentVP *a)
{
   const struct vps_queue *queue = ctx->used[0]->state;
   const uint32_t count = ctx->poison || !queue ? 0 : a->presentCount; /* else it is only counted */

   struct vps_present *presents = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*presents));
   if (!presents || !check_presents(ctx, a))
      return;
   for (uint32_t i = 0; i < count; i++) {
      const VkPresentVP *present = &a->pPresents[i];
      presents[i] = vps_swapchain_prepare(swapchain_of(present), vps_queue_family(queue), present->imageIndex,
                                          present->frame, present->replaces);
   }
   submit(ctx, a, presents, count);
   for (uint32_t i = 0; i < count; i++) {
      if (a->ret >= 0 && !ctx->failed)
         vps_swapchain_queue(&presents[i]);
      else
         vps_swapchain_cancel(&presents[i]);
   }
}

void vp_handle_vkAckPresentVP(struct vp_context *ctx, struct vp_cmd_vkAckPresentVP *a)
{
   struct vps_swapchain *swapchain = (struct vps_swapchain *)(uintptr_t)a->swapchain;

   if (ctx->poison || !swapchain)
      return;
   const struct vps_acknowledgement acknowledgement = {
      .now_ns = vp_clock_ns(),
      .decode_ns = (int64_t)a->decodeTime * 1000,
      .arrival_ns = (int64_t)(a->arrivalTime & MAX_TIME) * 1000,
   };
   pthread_mutex_lock(&swapchain->lock);
   const bool ok = vps_link_acknowledge(&swapchain->link, a->frames, &acknowledgement);
   pthread_cond_signal(&swapchain->changed);
   pthread_mutex_unlock(&swapchain->lock);
   if (!ok)
      vps_fail(ctx, "more frames are acknowledged than were sent");
}
