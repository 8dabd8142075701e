/* SPDX-License-Identifier: MIT */

/* What the recorded commands write to of which protocol/commands.table says writes=observed. The handlers themselves
 * are generated or elsewhere; these functions are called when a command was recorded. */

#include "server/core/context.h"
#include "server/memory/buffer.h"
#include "server/memory/copy_extent.h"
#include "server/memory/image.h"
#include "server/memory/memory.h"
#include "server/memory/writes.h"
#include "server/record/command_buffer.h"
#include "server/record/recorded.h"
#include "server/sync/query_pool.h"

void vps_note_write(struct vps_context *ctx, const struct vps_object *object, VkDeviceSize offset, VkDeviceSize size)
{
   const struct vps_buffer *buffer = object ? object->state : NULL;

   if (!buffer || !buffer->memory) {
      vps_command_buffer_note_writes(ctx, VPS_WRITES_ALL);
      return;
   }
   if (offset >= buffer->size || !atomic_load(&buffer->memory->classes))
      return;
   const VkDeviceSize end = size < buffer->size - offset ? offset + size : buffer->size;
   vps_command_buffer_note_range(ctx, buffer->memory, buffer->offset + offset, buffer->offset + end);
}

/* The last buffer of a command: what it writes to comes after what it reads. */
static const struct vps_object *destination(const struct vps_context *ctx)
{
   for (unsigned i = ctx->used_count; i > 0; i--) {
      if (ctx->used[i - 1]->type == VK_OBJECT_TYPE_BUFFER)
         return ctx->used[i - 1];
   }
   return NULL;
}

void vps_note_buffer_write(struct vps_context *ctx, VkDeviceSize offset, VkDeviceSize size)
{
   vps_note_write(ctx, destination(ctx), offset, size);
}

static void note_image_copy(struct vps_context *ctx, const VkBufferImageCopy *region)
{
   const struct vps_object *image = vps_used(ctx, VK_OBJECT_TYPE_IMAGE);
   const VkDeviceSize size = image ? vps_copy_extent(vps_image_format(image), region) : VK_WHOLE_SIZE;

   vps_note_buffer_write(ctx, region->bufferOffset, size);
}

void vps_observe_vkCmdCopyImageToBuffer(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyImageToBuffer *a)
{
   for (uint32_t i = 0; i < a->regionCount && !ctx->failed; i++)
      note_image_copy(ctx, &a->pRegions[i]);
}

void vps_observe_vkCmdCopyImageToBuffer2(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyImageToBuffer2 *a)
{
   const VkCopyImageToBufferInfo2 *info = a->pCopyImageToBufferInfo;

   for (uint32_t i = 0; i < info->regionCount && !ctx->failed; i++) {
      const VkBufferImageCopy2 *region = &info->pRegions[i];
      note_image_copy(ctx, &(VkBufferImageCopy){
                              .bufferOffset = region->bufferOffset,
                              .bufferRowLength = region->bufferRowLength,
                              .bufferImageHeight = region->bufferImageHeight,
                              .imageSubresource = region->imageSubresource,
                              .imageExtent = region->imageExtent,
                           });
   }
}

/* All strides, and one more result with all its values in 64 bits: the stride can be smaller than that. */
void vps_observe_vkCmdCopyQueryPoolResults(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyQueryPoolResults *a)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_QUERY_POOL);
   const struct vps_query_pool *pool = object ? object->state : NULL;
   VkDeviceSize size;

   if (!pool || __builtin_mul_overflow(a->queryCount, a->stride, &size) ||
       __builtin_add_overflow(size, ((VkDeviceSize)pool->values + 1) * 8, &size))
      size = VK_WHOLE_SIZE;
   vps_note_buffer_write(ctx, a->dstOffset, size);
}

void vps_observe_vkCmdBindTransformFeedbackBuffersEXT(struct vps_context *ctx,
                                                      const struct vp_cmd_vkCmdBindTransformFeedbackBuffersEXT *a)
{
   for (uint32_t i = 0; i < a->bindingCount && !ctx->failed; i++) {
      /* The buffers follow the command buffer. */
      const struct vps_object *buffer = 1 + (uint64_t)i < ctx->used_count ? ctx->used[1 + i] : NULL;
      vps_note_write(ctx, buffer, a->pOffsets[i], a->pSizes ? a->pSizes[i] : VK_WHOLE_SIZE);
   }
}

/* The counters that transform feedback ends with; those that it begins with are only read. */
void vps_observe_vkCmdEndTransformFeedbackEXT(struct vps_context *ctx,
                                              const struct vp_cmd_vkCmdEndTransformFeedbackEXT *a)
{
   unsigned next = 1;

   for (uint32_t i = 0; a->pCounterBuffers && i < a->counterBufferCount && !ctx->failed; i++) {
      if (!a->pCounterBuffers[i])
         continue;
      const struct vps_object *buffer = next < ctx->used_count ? ctx->used[next++] : NULL;
      vps_note_write(ctx, buffer, a->pCounterBufferOffsets ? a->pCounterBufferOffsets[i] : 0, 4);
   }
}
