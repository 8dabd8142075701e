/* SPDX-License-Identifier: MIT */

/* Submissions: what a batch changes is noted, what could not be created is left out of it, one more semaphore tells
 * when it is complete, and the driver gets it. From there on it is the matter of the queue's thread (queue.c). */

#include <stdlib.h>

#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/core/reserve.h"
#include "server/queue/queue_state.h"
#include "server/queue/submit.h"
#include "server/record/bound.h"
#include "server/record/command_buffer.h"
#include "server/record/track.h"

/* The batches of one command. */
struct batch_list {
   struct vps_pending *first, **last; /* what they change: one entry for each command buffer that changes something */
   unsigned used;                     /* the place in ctx->used after the last command buffer */
   VkResult error;                    /* why something was left out of the current batch, or VK_SUCCESS */
   bool semaphores;                   /* some are used */
   bool draws;                        /* the current batch does */
   struct vps_deadlines deadlines;
};

/* Tells the client that a batch goes without something, before its progress. */
static void send_batch_error(const struct vps_queue *queue, uint64_t serial, VkResult error)
{
   uint8_t payload[8 + 4];

   vp_bytes_store_u64(payload, serial);
   vp_bytes_store_u32(payload + 8, (uint32_t)error);
   vps_frame_writer_send(queue->device->writer, VP_FRAME_BATCH_ERROR, queue->id, payload, sizeof(payload), NULL, 0);
}

/* A batch begins. Semaphores and swapchains that there are not are left out of it. What could not be kept of memory
 * that the application has written to is told with the next batch. */
static void begin_batch(const struct vps_context *ctx, struct vps_queue *queue, struct batch_list *list)
{
   list->error = queue->device->late_error;
   queue->device->late_error = VK_SUCCESS;
   list->draws = false;
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type != VK_OBJECT_TYPE_COMMAND_BUFFER && !list->error)
         list->error = ctx->used[i]->poison;
      list->semaphores = list->semaphores || ctx->used[i]->type == VK_OBJECT_TYPE_SEMAPHORE;
   }
}

static void end_batch(const struct vps_queue *queue, const struct batch_list *list, uint64_t serial)
{
   if (list->error)
      send_batch_error(queue, serial, list->error);
}

/* The next command buffer of the command; NULL when it is one that only the server knows. */
static const struct vps_object *next_command_buffer(const struct vps_context *ctx, struct batch_list *list,
                                                    VkCommandBuffer handle)
{
   while (list->used < ctx->used_count && ctx->used[list->used]->type != VK_OBJECT_TYPE_COMMAND_BUFFER)
      list->used++;
   if (list->used == ctx->used_count || ctx->used[list->used]->handle != (uint64_t)(uintptr_t)handle)
      return NULL;
   return ctx->used[list->used++];
}

/* Notes the next command buffer of the command as part of the batch with this serial. False when it is left out. */
static bool add_submitted_buffer(struct vps_context *ctx, struct batch_list *list, uint64_t serial,
                                 VkCommandBuffer handle)
{
   const struct vps_object *object = next_command_buffer(ctx, list, handle);
   if (object && object->poison)
      list->error = object->poison;
   if (!handle || (object && object->poison))
      return false;
   const struct vps_command_buffer *command_buffer = object ? object->state : NULL;
   list->draws = list->draws || (command_buffer && command_buffer->draws);
   if (!command_buffer || !command_buffer->track)
      return true;
   struct vps_pending *pending = malloc(sizeof(*pending));
   struct vps_track *track = pending ? vps_bound_resolve(command_buffer->track) : NULL;
   if (!track) {
      free(pending);
      vps_fail(ctx, "the server is out of memory");
      return false;
   }
   *pending = (struct vps_pending){.serial = serial, .track = track};
   *list->last = pending;
   list->last = &pending->next;
   return true;
}

static bool is_memory_error(VkResult result)
{
   return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* Hands what was submitted to the queue's thread, or reports that it could not be. The caller holds the handle's lock
 * since before the submission, so that the thread does not take the queue for idle in between. */
static void submitted(struct vps_context *ctx, struct vps_queue *queue, uint64_t serial, struct batch_list *list,
                      VkResult result)
{
   if (result < 0)
      vps_queue_lose_device(queue, "a submission failed", result);
   if (serial == queue->serial || ctx->failed) {
      vps_pending_free(list->first);
      vps_deadline_free(list->deadlines.first);
      return;
   }
   queue->serial = serial;
   queue->unsettled = queue->unsettled || list->semaphores;
   if (result >= 0)
      queue->accepted = serial;
   vps_queue_hand_over(queue, serial, list->first, list->last, &list->deadlines);
}

/* The queue, or NULL when it could not be created. */
static struct vps_queue *usable_queue(struct vps_context *ctx)
{
   static const uint8_t lost[12] = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, (uint8_t)VK_ERROR_DEVICE_LOST, 0xff, 0xff, 0xff,
   };
   if (!ctx->used[0]->state)
      vps_frame_writer_send(ctx->writer, VP_FRAME_PROGRESS, ctx->used[0]->id, lost, sizeof(lost), NULL, 0);
   return ctx->used[0]->state;
}

/* What the three ways to submit have of their own. A batch is a Vulkan struct in temporary memory, ours to change. */
struct submission {
   size_t size; /* of the struct */
   /* Notes what the batch with this serial changes, leaves out what could not be created, and lets it signal the
    * queue's timeline. */
   void (*add_batch)(struct vps_context *ctx, const struct vps_queue *queue, struct batch_list *list, uint64_t serial,
                     void *batch);
   uint32_t (*count_waits)(const void *batch);
   void (*add_waits)(const struct vps_context *ctx, const struct vps_queue *queue, struct vps_deadline *deadline,
                     const void *batch);
   void (*empty)(void *batch); /* leaves its semaphores alone */
   VkResult (*submit)(const struct vps_queue *queue, uint32_t count, const void *batches);
};

static void *batch_at(const struct submission *kind, void *batches, uint32_t i)
{
   return (uint8_t *)batches + i * kind->size;
}

/* What draws is waited for by somebody who looks at it; everything else may compute for hours. */
static void limit_batch(struct vps_context *ctx, const struct submission *kind, const struct vps_queue *queue,
                        struct batch_list *list, uint64_t serial, const void *batch)
{
   const struct vps_options *options = ctx->options;
   const unsigned seconds = list->draws ? options->graphics_timeout_s : options->compute_timeout_s;
   if (seconds == 0 || ctx->failed)
      return;
   struct vps_deadline *deadline =
      vps_deadlines_add(&list->deadlines, queue, serial, seconds, kind->count_waits(batch));
   if (deadline)
      kind->add_waits(ctx, queue, deadline, batch);
   else
      vps_fail(ctx, "the server is out of memory");
}

/* When the driver has no memory for a submission, semaphores and fences have to go on nevertheless: without the rest.
 */
static VkResult submit_batches(struct vps_context *ctx, const struct submission *kind, const struct vps_queue *queue,
                               uint32_t count, void *batches)
{
   VkResult result;

   do
      result = kind->submit(queue, count, batches);
   while (vps_try_again(ctx, result));
   if (!is_memory_error(result))
      return result;
   for (uint32_t i = 0; i < count; i++) {
      kind->empty(batch_at(kind, batches, i));
      send_batch_error(queue, queue->serial + i + 1, result);
   }
   return kind->submit(queue, count, batches);
}

static VkResult handle(struct vps_context *ctx, const struct submission *kind, uint32_t count, const void *data)
{
   struct batch_list list = {.last = &list.first, .deadlines.last = &list.deadlines.first};
   struct vps_queue *queue = usable_queue(ctx);
   VkResult result = !queue || atomic_load(&queue->device->lost) ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
   void *batches = (void *)(uintptr_t)data;

   if (!queue)
      return result;
   for (uint32_t i = 0; !result && !ctx->failed && i < count; i++) {
      const uint64_t serial = queue->serial + i + 1;
      begin_batch(ctx, queue, &list);
      kind->add_batch(ctx, queue, &list, serial, batch_at(kind, batches, i));
      limit_batch(ctx, kind, queue, &list, serial, batch_at(kind, batches, i));
      end_batch(queue, &list, serial);
   }
   pthread_mutex_lock(&queue->handle_lock);
   if (!result && !ctx->failed)
      result = submit_batches(ctx, kind, queue, count, batches);
   submitted(ctx, queue, queue->serial + count, &list, result);
   pthread_mutex_unlock(&queue->handle_lock);
   return result;
}

/* Of the older two, which have the values apart. */
static void add_old_waits(const struct vps_context *ctx, const struct vps_queue *queue, struct vps_deadline *deadline,
                          const void *chain, const VkSemaphore *semaphores, uint32_t count)
{
   const VkTimelineSemaphoreSubmitInfo *values = vp_chain_find(chain, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);

   for (uint32_t i = 0; semaphores && i < count; i++) {
      const bool has_value = values && i < values->waitSemaphoreValueCount && values->pWaitSemaphoreValues;
      vps_deadline_add_wait(ctx, deadline, queue, semaphores[i], has_value ? values->pWaitSemaphoreValues[i] : 0);
   }
}

/* --- vkQueueSubmit --- */

static void add_batch_1(struct vps_context *ctx, const struct vps_queue *queue, struct batch_list *list,
                        uint64_t serial, void *batch)
{
   VkSubmitInfo *info = batch;
   VkCommandBuffer *handles =
      (VkCommandBuffer *)(uintptr_t)info->pCommandBuffers; /* temporary memory, ours to change */
   VkDeviceGroupSubmitInfo *group = vps_submit_find_group(info);
   uint32_t *masks = group && group->commandBufferCount == info->commandBufferCount
                        ? (uint32_t *)(uintptr_t)group->pCommandBufferDeviceMasks
                        : NULL;
   uint32_t kept = 0;

   vps_submit_drop_semaphores(ctx, info);
   for (uint32_t i = 0; handles && i < info->commandBufferCount; i++) {
      if (!add_submitted_buffer(ctx, list, serial, handles[i]))
         continue;
      if (masks)
         masks[kept] = masks[i];
      handles[kept++] = handles[i];
   }
   info->commandBufferCount = kept;
   if (masks)
      group->commandBufferCount = kept;
   vps_submit_add_signal(ctx, info, queue->timeline, serial);
}

static uint32_t count_waits_1(const void *batch)
{
   const VkSubmitInfo *info = batch;

   return info->pWaitSemaphores ? info->waitSemaphoreCount : 0;
}

static void add_waits_1(const struct vps_context *ctx, const struct vps_queue *queue, struct vps_deadline *deadline,
                        const void *batch)
{
   const VkSubmitInfo *info = batch;

   add_old_waits(ctx, queue, deadline, info->pNext, info->pWaitSemaphores, info->waitSemaphoreCount);
}

static void empty_1(void *batch)
{
   VkSubmitInfo *info = batch;
   VkDeviceGroupSubmitInfo *group = vps_submit_find_group(info);

   info->commandBufferCount = 0;
   if (group)
      group->commandBufferCount = 0;
}

static VkResult submit_1(const struct vps_queue *queue, uint32_t count, const void *batches)
{
   return queue->device->functions.QueueSubmit(queue->handle, count, batches, VK_NULL_HANDLE);
}

void vps_handle_vkQueueSubmit(struct vps_context *ctx, struct vp_cmd_vkQueueSubmit *a)
{
   static const struct submission kind = {
      sizeof(VkSubmitInfo), add_batch_1, count_waits_1, add_waits_1, empty_1, submit_1,
   };

   a->ret = handle(ctx, &kind, a->submitCount, a->pSubmits);
}

/* --- vkQueueSubmit2 --- */

static void add_batch_2(struct vps_context *ctx, const struct vps_queue *queue, struct batch_list *list,
                        uint64_t serial, void *batch)
{
   VkSubmitInfo2 *info = batch;
   VkCommandBufferSubmitInfo *all = (VkCommandBufferSubmitInfo *)(uintptr_t)info->pCommandBufferInfos;
   uint32_t kept = 0;

   vps_submit2_drop_semaphores(ctx, info);
   for (uint32_t i = 0; all && i < info->commandBufferInfoCount; i++) {
      if (add_submitted_buffer(ctx, list, serial, all[i].commandBuffer))
         all[kept++] = all[i];
   }
   info->commandBufferInfoCount = kept;
   vps_submit2_add_signal(ctx, info, queue->timeline, serial);
}

static uint32_t count_waits_2(const void *batch)
{
   const VkSubmitInfo2 *info = batch;

   return info->pWaitSemaphoreInfos ? info->waitSemaphoreInfoCount : 0;
}

static void add_waits_2(const struct vps_context *ctx, const struct vps_queue *queue, struct vps_deadline *deadline,
                        const void *batch)
{
   const VkSubmitInfo2 *info = batch;

   for (uint32_t i = 0; info->pWaitSemaphoreInfos && i < info->waitSemaphoreInfoCount; i++)
      vps_deadline_add_wait(ctx, deadline, queue, info->pWaitSemaphoreInfos[i].semaphore,
                            info->pWaitSemaphoreInfos[i].value);
}

static void empty_2(void *batch)
{
   VkSubmitInfo2 *info = batch;

   info->commandBufferInfoCount = 0;
}

static VkResult submit_2(const struct vps_queue *queue, uint32_t count, const void *batches)
{
   return queue->device->functions.QueueSubmit2(queue->handle, count, batches, VK_NULL_HANDLE);
}

void vps_handle_vkQueueSubmit2(struct vps_context *ctx, struct vp_cmd_vkQueueSubmit2 *a)
{
   static const struct submission kind = {
      sizeof(VkSubmitInfo2), add_batch_2, count_waits_2, add_waits_2, empty_2, submit_2,
   };
   const struct vps_queue *queue = ctx->used[0]->state;

   if (queue && !queue->device->functions.QueueSubmit2)
      vps_missing_function(ctx);
   else
      a->ret = handle(ctx, &kind, a->submitCount, a->pSubmits);
}

/* --- vkQueueBindSparse --- */

static uint32_t count_waits_sparse(const void *batch)
{
   const VkBindSparseInfo *info = batch;

   return info->pWaitSemaphores ? info->waitSemaphoreCount : 0;
}

static void add_waits_sparse(const struct vps_context *ctx, const struct vps_queue *queue,
                             struct vps_deadline *deadline, const void *batch)
{
   const VkBindSparseInfo *info = batch;

   add_old_waits(ctx, queue, deadline, info->pNext, info->pWaitSemaphores, info->waitSemaphoreCount);
}

static void empty_sparse(void *batch)
{
   VkBindSparseInfo *info = batch;

   info->bufferBindCount = info->imageOpaqueBindCount = info->imageBindCount = 0;
}

static void add_batch_sparse(struct vps_context *ctx, const struct vps_queue *queue, struct batch_list *list,
                             uint64_t serial, void *batch)
{
   vps_bind_sparse_drop_semaphores(ctx, batch);
   if (ctx->poison) {
      list->error = ctx->poison;
      empty_sparse(batch);
   }
   vps_bind_sparse_add_signal(ctx, batch, queue->timeline, serial);
}

static VkResult submit_sparse(const struct vps_queue *queue, uint32_t count, const void *batches)
{
   return queue->device->functions.QueueBindSparse(queue->handle, count, batches, VK_NULL_HANDLE);
}

void vps_handle_vkQueueBindSparse(struct vps_context *ctx, struct vp_cmd_vkQueueBindSparse *a)
{
   static const struct submission kind = {
      sizeof(VkBindSparseInfo), add_batch_sparse, count_waits_sparse, add_waits_sparse, empty_sparse, submit_sparse,
   };

   a->ret = handle(ctx, &kind, a->bindInfoCount, a->pBindInfo);
}
