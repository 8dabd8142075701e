/* SPDX-License-Identifier: MIT */

/* Ranges of buffers that are bound, views, bindings to memory and results of queries; and how checks in all these files
 * refuse a range or a slot. */

#include "server/check/check.h"

#include <inttypes.h>

#include "common/wire/query_values.h"
#include "server/core/device.h"
#include "server/memory/memory.h"
#include "server/sync/query_pool.h"
#include "server/vp_dispatch.h"

bool vps_refuse_range(struct vps_context *ctx, const char *name, VkDeviceSize offset, VkDeviceSize size,
                      VkDeviceSize whole)
{
   vps_fail(ctx, "%" PRIu64 " bytes from %" PRIu64 " on are not all in %s, which has %" PRIu64, size, offset, name,
            whole);
   return false;
}

bool vps_refuse_slots(struct vps_context *ctx, uint32_t first, uint32_t count, uint32_t limit, const char *name)
{
   vps_fail(ctx, "%u from %u on are more than %s, which is %u", count, first, name, limit);
   return false;
}

/* --- buffers that are bound while recording --- */

/* An empty piece at the end of a buffer is not refused: nothing is read there. */
static bool check_bound(struct vps_context *ctx, const struct vps_object *buffer, const char *name, VkDeviceSize offset,
                        VkDeviceSize size)
{
   const struct vps_buffer *state = buffer ? buffer->state : NULL;

   return !state || vps_part_fits(offset, size, state->size) || vps_refuse_range(ctx, name, offset, size, state->size);
}

/* Arrays of buffers, some of which may be null. */
static bool check_all_bound(struct vps_context *ctx, uint32_t count, const VkBuffer *buffers,
                            const VkDeviceSize *offsets, const VkDeviceSize *sizes)
{
   unsigned next = 1; /* behind the command buffer */

   for (uint32_t i = 0; i < count; i++) {
      if (buffers[i] && !check_bound(ctx, ctx->used[next++], "a buffer", offsets[i], sizes ? sizes[i] : VK_WHOLE_SIZE))
         return false;
   }
   return true;
}

bool vps_check_vkCmdBindIndexBuffer(struct vps_context *ctx, const struct vp_cmd_vkCmdBindIndexBuffer *a)
{
   return !a->buffer || check_bound(ctx, ctx->used[1], "buffer", a->offset, VK_WHOLE_SIZE);
}

bool vps_check_vkCmdBindVertexBuffers(struct vps_context *ctx, const struct vp_cmd_vkCmdBindVertexBuffers *a)
{
   return check_all_bound(ctx, a->bindingCount, a->pBuffers, a->pOffsets, NULL);
}

bool vps_check_vkCmdBindVertexBuffers2(struct vps_context *ctx, const struct vp_cmd_vkCmdBindVertexBuffers2 *a)
{
   return !a->pBuffers || check_all_bound(ctx, a->bindingCount, a->pBuffers, a->pOffsets, a->pSizes);
}

bool vps_check_vkCmdBindTransformFeedbackBuffersEXT(struct vps_context *ctx,
                                                    const struct vp_cmd_vkCmdBindTransformFeedbackBuffersEXT *a)
{
   return check_all_bound(ctx, a->bindingCount, a->pBuffers, a->pOffsets, a->pSizes);
}

#ifdef VK_KHR_maintenance5

bool vps_check_vkCmdBindIndexBuffer2(struct vps_context *ctx, const struct vp_cmd_vkCmdBindIndexBuffer2 *a)
{
   return !a->buffer || check_bound(ctx, ctx->used[1], "buffer", a->offset, a->size);
}

#endif

bool vps_check_vkCreateBufferView(struct vps_context *ctx, const struct vp_cmd_vkCreateBufferView *a)
{
   const VkBufferViewCreateInfo *info = a->pCreateInfo;
   return check_bound(ctx, vps_used(ctx, VK_OBJECT_TYPE_BUFFER), "buffer", info->offset, info->range);
}

/* --- memory --- */

/* An image may need more than `size`, which is 0: only its driver knows. The objects follow each other. */
static bool check_binding(struct vps_context *ctx, unsigned which, VkDeviceSize offset, VkDeviceSize size)
{
   const struct vps_memory *memory = ctx->used[which + 1]->state;

   return !memory || vps_fits(offset, size, memory->size) ||
          vps_refuse_range(ctx, "the memory", offset, size, memory->size);
}

bool vps_check_vkBindBufferMemory(struct vps_context *ctx, const struct vp_cmd_vkBindBufferMemory *a)
{
   return check_binding(ctx, 1, a->memoryOffset, vps_buffer_size(ctx, 1));
}

bool vps_check_vkBindImageMemory(struct vps_context *ctx, const struct vp_cmd_vkBindImageMemory *a)
{
   return check_binding(ctx, 1, a->memoryOffset, 0);
}

/* Whether each binding has its two objects, and nothing else has any. */
static bool has_pairs(struct vps_context *ctx, uint32_t count)
{
   if (ctx->used_count == 1 + 2 * (uint64_t)count)
      return true;
   vps_fail(ctx, "what is bound or its memory is missing");
   return false;
}

bool vps_check_vkBindBufferMemory2(struct vps_context *ctx, const struct vp_cmd_vkBindBufferMemory2 *a)
{
   bool ok = has_pairs(ctx, a->bindInfoCount);

   for (uint32_t i = 0; i < a->bindInfoCount && ok; i++)
      ok = check_binding(ctx, 1 + 2 * i, a->pBindInfos[i].memoryOffset, vps_buffer_size(ctx, 1 + 2 * i));
   return ok;
}

bool vps_check_vkBindImageMemory2(struct vps_context *ctx, const struct vp_cmd_vkBindImageMemory2 *a)
{
   bool ok = has_pairs(ctx, a->bindInfoCount);

   for (uint32_t i = 0; i < a->bindInfoCount && ok; i++)
      ok = check_binding(ctx, 1 + 2 * i, a->pBindInfos[i].memoryOffset, 0);
   return ok;
}

/* --- the rest --- */

bool vps_check_vkCmdCopyQueryPoolResults(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyQueryPoolResults *a)
{
   const struct vps_query_pool *pool = ctx->used[1]->state;
   const VkDeviceSize value = a->flags & VK_QUERY_RESULT_64_BIT ? 8 : 4;
   VkDeviceSize size =
      value *
      (pool->values + (a->flags & (VK_QUERY_RESULT_WITH_AVAILABILITY_BIT | VP_QUERY_RESULT_WITH_STATUS) ? 1 : 0));
   VkDeviceSize before;

   if (!vps_query_flags_fit(ctx, a->flags) || !vps_query_pool_has(ctx, pool, a->firstQuery, a->queryCount) ||
       a->queryCount == 0)
      return !ctx->failed;
   if (__builtin_mul_overflow((VkDeviceSize)a->queryCount - 1, a->stride, &before) ||
       __builtin_add_overflow(before, size, &size))
      size = VK_WHOLE_SIZE;
   return vps_check_range(ctx, 2, "dstBuffer", a->dstOffset, size);
}

bool vps_check_vkCmdSetVertexInputEXT(struct vps_context *ctx, const struct vp_cmd_vkCmdSetVertexInputEXT *a)
{
   const struct vps_limits *limits = &ctx->target->device->limits;
   bool ok = true;

   for (uint32_t i = 0; i < a->vertexBindingDescriptionCount && ok; i++)
      ok = vps_check_slots(ctx, a->pVertexBindingDescriptions[i].binding, 1, limits->maxVertexInputBindings,
                           "maxVertexInputBindings");
   for (uint32_t i = 0; i < a->vertexAttributeDescriptionCount && ok; i++) {
      const VkVertexInputAttributeDescription2EXT *attribute = &a->pVertexAttributeDescriptions[i];
      ok = vps_check_slots(ctx, attribute->location, 1, limits->maxVertexInputAttributes, "maxVertexInputAttributes") &&
           vps_check_slots(ctx, attribute->binding, 1, limits->maxVertexInputBindings, "maxVertexInputBindings");
   }
   return ok;
}
