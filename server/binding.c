/* SPDX-License-Identifier: MIT */
#include "server/context.h"
#include "server/device.h"
#include "server/memory.h"

/* Follows what is bound to which memory, to know what of it the GPU can write to. The handlers themselves are
 * generated; these functions are called when a command has succeeded. */

/* Buffers with no other usage are only read by the GPU. */
#define READING_USAGE                                                                                                  \
   (VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | \
    VK_BUFFER_USAGE_INDEX_BUFFER_BIT | VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT)

/* VkBufferUsageFlags2CreateInfo, which older headers do not have, replaces the usage. */
#define STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2 1000470006

static bool is_only_read(const VkBufferCreateInfo *info)
{
   for (const VkBaseInStructure *node = info->pNext; node; node = node->pNext) {
      if ((uint32_t)node->sType == STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2)
         return false;
   }
   return (info->usage & ~(VkBufferUsageFlags)READING_USAGE) == 0;
}

/* The state of a buffer is not NULL when it is only read. */
void vps_observe_vkCreateBuffer(struct vp_context *ctx, const struct vp_cmd_vkCreateBuffer *a)
{
   static char only_read;
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pBuffer);

   if (object && is_only_read(a->pCreateInfo))
      object->state = &only_read;
}

static void bind_buffer(const struct vps_object *buffer, struct vps_object *memory, VkDeviceSize offset)
{
   const struct vps_device *device = buffer->device;
   VkMemoryRequirements requirements;

   if (buffer->state) {
      vps_memory_expose(memory, offset, 0);
      return;
   }
   device->functions.GetBufferMemoryRequirements(device->handle, (VkBuffer)(uintptr_t)buffer->handle, &requirements);
   vps_memory_expose(memory, offset, requirements.size);
}

/* All memory that the command uses, wherever. */
static void expose_used(struct vp_context *ctx)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == VK_OBJECT_TYPE_DEVICE_MEMORY)
         vps_memory_expose(ctx->used[i], 0, VK_WHOLE_SIZE);
   }
}

void vps_observe_vkBindBufferMemory(struct vp_context *ctx, const struct vp_cmd_vkBindBufferMemory *a)
{
   if (ctx->used_count == 3)
      bind_buffer(ctx->used[1], ctx->used[2], a->memoryOffset);
}

void vps_observe_vkBindBufferMemory2(struct vp_context *ctx, const struct vp_cmd_vkBindBufferMemory2 *a)
{
   /* After the device, each binding has its buffer and its memory. */
   if (ctx->used_count != 1 + 2 * (uint64_t)a->bindInfoCount) {
      expose_used(ctx);
      return;
   }
   for (uint32_t i = 0; i < a->bindInfoCount; i++)
      bind_buffer(ctx->used[1 + 2 * i], ctx->used[2 + 2 * i], a->pBindInfos[i].memoryOffset);
}

/* The GPU writes to images even when they are only read, by changing their layout; and they are seldom visible. */
void vps_observe_vkBindImageMemory(struct vp_context *ctx, const struct vp_cmd_vkBindImageMemory *a)
{
   (void)a;
   expose_used(ctx);
}

void vps_observe_vkBindImageMemory2(struct vp_context *ctx, const struct vp_cmd_vkBindImageMemory2 *a)
{
   (void)a;
   expose_used(ctx);
}

void vps_observe_vkQueueBindSparse(struct vp_context *ctx, const struct vp_cmd_vkQueueBindSparse *a)
{
   (void)a;
   expose_used(ctx);
}
