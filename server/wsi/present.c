/* SPDX-License-Identifier: MIT */

/* vkQueuePresentKHR, as the client says it: a batch that waits for the application's semaphores and copies the images.
 */

#include "common/util/clock.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/memory/image.h"
#include "server/queue/queue.h"
#include "server/wsi/swapchain.h"

/* Microseconds of the client's clock: more would overflow in nanoseconds. */
#define MAX_TIME ((UINT64_C(1) << 50) - 1)

static struct vps_swapchain *swapchain_of(const VkPresentVP *present)
{
   return (struct vps_swapchain *)(uintptr_t)present->swapchain;
}

/* Whether all swapchains that are presented to could be created; their creation waits, so that a client knows. */
static bool are_usable(const struct vps_context *ctx)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == VK_OBJECT_TYPE_SWAPCHAIN_KHR && ctx->used[i]->poison)
         return false;
   }
   return true;
}

/* Whether the client says something that makes sense. */
static bool check_presents(struct vps_context *ctx, const struct vp_cmd_vkQueuePresentVP *a)
{
   for (uint32_t i = 0; i < a->presentCount; i++) {
      const struct vps_swapchain *swapchain = swapchain_of(&a->pPresents[i]);
      if (!swapchain || a->pPresents[i].imageIndex >= swapchain->image_count) {
         vps_fail(ctx, "there is no image %u in the swapchain", a->pPresents[i].imageIndex);
         return false;
      }
      if (!vps_image_is_backed(swapchain->images[a->pPresents[i].imageIndex])) {
         vps_fail(ctx, "the memory of image %u of the swapchain was freed", a->pPresents[i].imageIndex);
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

/* What the batch waits for: the application's semaphores, and what another queue has yet to give to a timeline, whose
 * values must not go back. False ends the session. */
static bool add_waits(struct vps_context *ctx, const struct vp_cmd_vkQueuePresentVP *a,
                      const struct vps_present *presents, uint32_t count, VkSubmitInfo *info,
                      VkTimelineSemaphoreSubmitInfo *timeline)
{
   const uint64_t most = (uint64_t)a->waitSemaphoreCount + count + 1;
   VkSemaphore *waits = vps_alloc(ctx, most, sizeof(*waits));
   uint64_t *values = vps_alloc(ctx, most, sizeof(*values));
   VkPipelineStageFlags *stages = vps_alloc(ctx, most, sizeof(*stages));
   uint32_t number = 0;

   if (!waits || !values || !stages)
      return false;
   while (number < a->waitSemaphoreCount) {
      waits[number] = a->pWaitSemaphores[number];
      stages[number++] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   }
   for (uint32_t i = 0; i < count; i++) {
      if (!presents[i].waits)
         continue;
      waits[number] = presents[i].swapchain->timeline;
      values[number] = presents[i].value - 1;
      stages[number++] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   }
   info->waitSemaphoreCount = timeline->waitSemaphoreValueCount = number;
   info->pWaitSemaphores = waits;
   info->pWaitDstStageMask = stages;
   timeline->pWaitSemaphoreValues = values;
   return true;
}

/* The batch, in temporary memory. NULL ends the session. */
static VkSubmitInfo *make_batch(struct vps_context *ctx, const struct vp_cmd_vkQueuePresentVP *a,
                                const struct vps_present *presents, uint32_t count)
{
   VkSubmitInfo *info = vps_alloc(ctx, 1, sizeof(*info));
   VkTimelineSemaphoreSubmitInfo *timeline = vps_alloc(ctx, 1, sizeof(*timeline));
   VkSemaphore *signals = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*signals));
   uint64_t *values = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*values));
   VkCommandBuffer *commands = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*commands));

   if (!info || !timeline || !signals || !values || !commands)
      return NULL;
   *timeline = (VkTimelineSemaphoreSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .signalSemaphoreValueCount = count,
      .pSignalSemaphoreValues = values,
   };
   *info = (VkSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = timeline,
      .pCommandBuffers = commands,
      .signalSemaphoreCount = count,
      .pSignalSemaphores = signals,
   };
   for (uint32_t i = 0; i < count; i++) {
      signals[i] = presents[i].swapchain->timeline;
      values[i] = presents[i].value;
      if (presents[i].commands)
         commands[info->commandBufferCount++] = presents[i].commands;
   }
   return add_waits(ctx, a, presents, count, info, timeline) ? info : NULL;
}

static void submit_copy(struct vps_context *ctx, struct vp_cmd_vkQueuePresentVP *a, const struct vps_present *presents,
                        uint32_t count)
{
   struct vp_cmd_vkQueueSubmit batch = {.queue = a->queue, .submitCount = 1};

   batch.pSubmits = make_batch(ctx, a, presents, count);
   if (batch.pSubmits)
      vps_handle_vkQueueSubmit(ctx, &batch);
   a->ret = batch.ret;
}

void vps_handle_vkQueuePresentVP(struct vps_context *ctx, struct vp_cmd_vkQueuePresentVP *a)
{
   const struct vps_queue *queue = ctx->used[0]->state;
   const uint32_t count = queue && are_usable(ctx) ? a->presentCount : 0; /* else it is only counted */

   struct vps_present *presents = vps_alloc(ctx, (uint64_t)count + 1, sizeof(*presents));
   if (!presents || (count && !check_presents(ctx, a)))
      return;
   for (uint32_t i = 0; i < count; i++) {
      const VkPresentVP *present = &a->pPresents[i];
      presents[i] =
         vps_swapchain_prepare(swapchain_of(present), queue, present->imageIndex, present->frame, present->replaces);
   }
   submit_copy(ctx, a, presents, count);
   for (uint32_t i = 0; i < count; i++) {
      if (a->ret >= 0 && !ctx->failed)
         vps_swapchain_queue(&presents[i]);
      else
         vps_swapchain_cancel(&presents[i]);
   }
}

void vps_handle_vkAckPresentVP(struct vps_context *ctx, struct vp_cmd_vkAckPresentVP *a)
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
   const bool ok = vps_codec_chooser_acknowledge(&swapchain->chooser, a->frames, &acknowledgement);
   pthread_cond_signal(&swapchain->changed);
   pthread_mutex_unlock(&swapchain->lock);
   if (!ok)
      vps_fail(ctx, "more frames are acknowledged than were sent");
}
