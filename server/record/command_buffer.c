/* SPDX-License-Identifier: MIT */

/* Begins and ends recordings, collects in a track what their commands change on the GPU, adds that of secondary command
 * buffers, and remembers an error of anything that was used. */

#include "server/record/command_buffer.h"

#include <stdlib.h>

#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/host_memory.h"
#include "server/pipeline/render_pass.h"
#include "server/record/command_pool.h"
#include "server/record/track.h"

static void release_command_buffer(void *state)
{
   struct vps_command_buffer *command_buffer = state;

   vps_bound_clear(&command_buffer->bound);
   vps_track_unref(command_buffer->track);
   command_buffer->pool->recorded -= command_buffer->recorded;
   free(command_buffer);
}

bool vps_command_buffer_init(struct vps_object *object, struct vps_command_pool *pool)
{
   struct vps_command_buffer *command_buffer = calloc(1, sizeof(*command_buffer));
   if (!command_buffer)
      return false;
   command_buffer->views = 1;
   command_buffer->pool = pool;
   object->state = command_buffer;
   object->release = release_command_buffer;
   return true;
}

void vps_command_buffer_clear(struct vps_object *object)
{
   struct vps_command_buffer *command_buffer = object->state;

   if (!command_buffer)
      return; /* its allocation failed */
   vps_track_unref(command_buffer->track);
   command_buffer->track = NULL;
   vps_bound_clear(&command_buffer->bound);
   command_buffer->views = 1;
   command_buffer->subpasses_left = 0;
   command_buffer->draws = false;
   command_buffer->video_session = command_buffer->video_parameters = (struct vps_video_ref){0};
   command_buffer->pool->recorded -= command_buffer->recorded;
   command_buffer->recorded = 0;
   object->poison = VK_SUCCESS;
}

void vps_command_buffer_note_recorded(struct vps_object *object, size_t bytes)
{
   struct vps_command_buffer *command_buffer = object->type == VK_OBJECT_TYPE_COMMAND_BUFFER ? object->state : NULL;

   if (!command_buffer)
      return;
   command_buffer->recorded += bytes;
   vps_command_pool_add(command_buffer->pool, bytes);
}

bool vps_command_buffer_can_record(struct vps_context *ctx)
{
   if (ctx->poison)
      ctx->used[0]->poison = ctx->poison;
   return !ctx->poison && !ctx->failed;
}

static bool noted(struct vps_context *ctx, bool ok)
{
   if (!ok)
      vps_fail(ctx, "the server is out of memory");
   return ok;
}

bool vps_command_buffer_note_event(struct vps_context *ctx, struct vps_event *event)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   return noted(ctx, vps_track_add_event(&command_buffer->track, event));
}

bool vps_command_buffer_note_queries(struct vps_context *ctx, struct vps_query_pool *pool, uint32_t first,
                                     uint32_t count)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   return count == 0 || noted(ctx, vps_track_add_queries(&command_buffer->track, pool, first, count));
}

bool vps_command_buffer_note_writes(struct vps_context *ctx, unsigned classes)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   return noted(ctx, vps_track_add_classes(&command_buffer->track, classes));
}

bool vps_command_buffer_note_range(struct vps_context *ctx, struct vps_memory *memory, VkDeviceSize start,
                                   VkDeviceSize end)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   return noted(ctx, vps_track_add_write(&command_buffer->track, memory, start, end));
}

uint32_t vps_object_recording(const struct vps_object *object)
{
   const struct vps_command_buffer *recorded = object->type == VK_OBJECT_TYPE_COMMAND_BUFFER ? object->state : NULL;
   return recorded ? recorded->recording : 0;
}

/* The poison of what the command uses beside its command buffer. */
static VkResult poison_of_others(const struct vps_context *ctx)
{
   for (unsigned i = 1; i < ctx->used_count; i++) {
      if (ctx->used[i]->poison)
         return ctx->used[i]->poison;
   }
   return VK_SUCCESS;
}

/* How many views the render pass that a secondary command buffer continues has. */
static uint32_t inherited_views(const struct vps_context *ctx, const VkCommandBufferBeginInfo *info)
{
   if (!info->pInheritanceInfo || !(info->flags & VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT))
      return 1;
   const struct vps_object *render_pass = vps_used(ctx, VK_OBJECT_TYPE_RENDER_PASS);
   if (render_pass)
      return vps_render_pass_views(render_pass);
   const VkCommandBufferInheritanceRenderingInfo *rendering =
      vp_chain_find(info->pInheritanceInfo->pNext, VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_RENDERING_INFO);
   return rendering ? vps_view_mask_count(rendering->viewMask) : 1;
}

/* Whether the render pass that a secondary command buffer continues has its subpass; if not, the session ends. */
static bool inherits(struct vps_context *ctx, const VkCommandBufferBeginInfo *info)
{
   const bool continues = info->pInheritanceInfo && info->pInheritanceInfo->renderPass &&
                          (info->flags & VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT);

   return !continues ||
          vps_render_pass_has_subpass(ctx, vps_used(ctx, VK_OBJECT_TYPE_RENDER_PASS), info->pInheritanceInfo->subpass);
}

void vps_handle_vkBeginCommandBuffer(struct vps_context *ctx, struct vp_cmd_vkBeginCommandBuffer *a)
{
   struct vps_object *object = ctx->used[0];

   if (!object->handle) {
      a->ret = object->poison;
      return;
   }
   const struct vps_device_functions *functions = &object->device->functions;
   /* A recording that was given up was not ended either. */
   if (object->poison)
      functions->ResetCommandBuffer(a->commandBuffer, 0);
   vps_command_buffer_clear(object);
   struct vps_command_buffer *command_buffer = object->state;
   command_buffer->recording++;

   a->ret = poison_of_others(ctx);
   if (a->ret) {
      object->poison = a->ret;
      return;
   }
   if (!inherits(ctx, a->pBeginInfo))
      return;
   command_buffer->views = inherited_views(ctx, a->pBeginInfo);
   do
      a->ret = functions->BeginCommandBuffer(a->commandBuffer, a->pBeginInfo);
   while (vps_try_again(ctx, a->ret));
   if (a->ret < 0 && !ctx->reply)
      vps_object_failed(ctx, object, a->ret);
}

void vps_handle_vkEndCommandBuffer(struct vps_context *ctx, struct vp_cmd_vkEndCommandBuffer *a)
{
   struct vps_object *object = ctx->used[0];

   a->ret = object->poison ? object->poison : object->device->functions.EndCommandBuffer(a->commandBuffer);
   if (a->ret >= 0)
      return;
   object->poison = a->ret;
   if (object->handle && !ctx->reply) /* also when it used something that could not be had */
      vps_object_failed(ctx, object, a->ret);
}

void vps_handle_vkResetCommandBuffer(struct vps_context *ctx, struct vp_cmd_vkResetCommandBuffer *a)
{
   struct vps_object *object = ctx->used[0];

   if (!object->handle) {
      a->ret = object->poison;
      return;
   }
   a->ret = object->device->functions.ResetCommandBuffer(a->commandBuffer, a->flags);
   vps_command_buffer_clear(object);
   vps_host_memory_note_freed();
   if (a->ret < 0 && !ctx->reply)
      vps_object_failed(ctx, object, a->ret);
}

/* What the secondary command buffer does, the first object of the command does too. */
static bool merge(struct vps_context *ctx, const struct vps_object *secondary)
{
   struct vps_command_buffer *primary = ctx->used[0]->state;
   const struct vps_command_buffer *state = secondary->state;

   primary->draws = primary->draws || state->draws;
   return !state->track || noted(ctx, vps_track_merge(&primary->track, state->track));
}

void vps_handle_vkCmdExecuteCommands(struct vps_context *ctx, struct vp_cmd_vkCmdExecuteCommands *a)
{
   VkCommandBuffer *handles = vps_alloc(ctx, a->commandBufferCount, sizeof(*handles));

   /* Then it is not known what is bound where something is drawn, neither in the secondary ones nor after them. */
   if (ctx->used[0]->device->inherits && !vps_command_buffer_note_writes(ctx, VPS_WRITES_ALL))
      return;
   for (uint32_t i = 0; handles && i < a->commandBufferCount; i++) {
      struct vps_object *secondary =
         vps_use(ctx, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)a->pCommandBuffers[i]);
      if (!secondary || !vps_command_buffer_can_record(ctx) || !merge(ctx, secondary))
         return;
      handles[i] = (VkCommandBuffer)(uintptr_t)secondary->handle;
   }
   if (handles)
      ctx->used[0]->device->functions.CmdExecuteCommands(a->commandBuffer, a->commandBufferCount, handles);
}
