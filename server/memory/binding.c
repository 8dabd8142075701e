/* SPDX-License-Identifier: MIT */

/* Follows what is bound to which memory, to know what of it the GPU can write to. The handlers themselves are
 * generated; these functions are called when a command has succeeded. */

#include <stdlib.h>

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/memory/buffer.h"
#include "server/memory/buffer_usage.h"
#include "server/memory/image.h"
#include "server/memory/memory.h"
#include "server/memory/writes.h"

#define COPY_USAGE (VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT)

/* The GPU does not write to buffers with no other usage. */
#define READING_USAGE                                                                                                  \
   (VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | \
    VK_BUFFER_USAGE_INDEX_BUFFER_BIT | VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |       \
    VK_BUFFER_USAGE_SAMPLER_DESCRIPTOR_BUFFER_BIT_EXT | VK_BUFFER_USAGE_RESOURCE_DESCRIPTOR_BUFFER_BIT_EXT)

/* Only commands that say where write to buffers with one of these. */
#define EXACT_USAGE                                                                        \
   (VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_BUFFER_BIT_EXT | \
    VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_COUNTER_BUFFER_BIT_EXT)

/* Shaders write to buffers with more than these by their addresses only. */
#define ADDRESS_USAGE VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT

static unsigned find_classes(uint64_t usage)
{
   unsigned classes = usage & ~(uint64_t)READING_USAGE ? VPS_WRITES_OTHER : 0;
   if (usage & ADDRESS_USAGE)
      classes |= VPS_WRITES_ADDRESS;
   if (usage & ~(uint64_t)(READING_USAGE | EXACT_USAGE | ADDRESS_USAGE))
      classes |= VPS_WRITES_STORAGE;
   return classes;
}

static void release_buffer(void *state)
{
   struct vps_buffer *buffer = state;

   vps_memory_unref(buffer->memory);
   free(buffer);
}

void vps_observe_vkCreateBuffer(struct vps_context *ctx, const struct vp_cmd_vkCreateBuffer *a)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pBuffer);
   if (!object || object->poison)
      return;
   struct vps_buffer *buffer = calloc(1, sizeof(*buffer));
   if (!buffer) {
      vps_fail(ctx, "the server is out of memory");
      return;
   }
   const uint64_t usage = vps_buffer_usage(a->pCreateInfo->pNext, a->pCreateInfo->usage);
   buffer->size = a->pCreateInfo->size;
   buffer->classes = find_classes(usage);
   /* With VK_NV_device_generated_commands, drivers prepare commands in such buffers. */
   if ((usage & VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT) && ctx->used[0]->device->functions.CmdExecuteGeneratedCommandsNV)
      buffer->classes |= VPS_WRITES_OTHER;
   buffer->copies = !(usage & ~(uint64_t)COPY_USAGE);
   object->state = buffer;
   object->release = release_buffer;
}

/* Validation layers and lavapipe know only addresses that were asked for, and clients are not told each buffer's:
 * lavapipe ends the process when commands or parameters lie at another one. */
static void ask_address(const struct vps_object *object)
{
   const struct vps_device *device = object->device;
   const VkBufferDeviceAddressInfo question = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
      .buffer = (VkBuffer)(uintptr_t)object->handle,
   };
   if (device->functions.GetBufferDeviceAddress)
      device->functions.GetBufferDeviceAddress(device->handle, &question);
}

static void bind_buffer(const struct vps_object *object, struct vps_object *memory, VkDeviceSize offset)
{
   const struct vps_device *device = object->device;
   struct vps_buffer *buffer = object->state;
   VkMemoryRequirements requirements;

   device->functions.GetBufferMemoryRequirements(device->handle, (VkBuffer)(uintptr_t)object->handle, &requirements);
   vps_memory_bind(memory, offset, requirements.size, buffer->classes, buffer->copies);
   vps_memory_unref(buffer->memory);
   buffer->memory = vps_memory_ref(memory->state);
   buffer->offset = offset;
   if (buffer->classes & VPS_WRITES_ADDRESS)
      ask_address(object);
}

/* All memory that the command uses, wherever. */
static void bind_used(const struct vps_context *ctx, unsigned classes)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == VK_OBJECT_TYPE_DEVICE_MEMORY)
         vps_memory_bind(ctx->used[i], 0, VK_WHOLE_SIZE, classes, false);
   }
}

void vps_observe_vkBindBufferMemory(struct vps_context *ctx, const struct vp_cmd_vkBindBufferMemory *a)
{
   if (ctx->used_count == 3)
      bind_buffer(ctx->used[1], ctx->used[2], a->memoryOffset);
}

void vps_observe_vkBindBufferMemory2(struct vps_context *ctx, const struct vp_cmd_vkBindBufferMemory2 *a)
{
   /* After the device, each binding has its buffer and its memory. */
   if (ctx->used_count != 1 + 2 * (uint64_t)a->bindInfoCount) {
      bind_used(ctx, VPS_WRITES_ALL);
      return;
   }
   for (uint32_t i = 0; i < a->bindInfoCount; i++)
      bind_buffer(ctx->used[1 + 2 * i], ctx->used[2 + 2 * i], a->pBindInfos[i].memoryOffset);
}

/* The GPU writes to images even when they are only read, by changing their layout; and they are seldom visible. */
void vps_observe_vkBindImageMemory(struct vps_context *ctx, const struct vp_cmd_vkBindImageMemory *a)
{
   bind_used(ctx, VPS_WRITES_IMAGE | VPS_WRITES_OTHER);
   if (ctx->used_count == 3)
      vps_image_bind(ctx->used[1], ctx->used[2], a->memoryOffset);
}

void vps_observe_vkBindImageMemory2(struct vps_context *ctx, const struct vp_cmd_vkBindImageMemory2 *a)
{
   bind_used(ctx, VPS_WRITES_IMAGE | VPS_WRITES_OTHER);
   if (ctx->used_count != 1 + 2 * (uint64_t)a->bindInfoCount)
      return;
   for (uint32_t i = 0; i < a->bindInfoCount; i++)
      vps_image_bind(ctx->used[1 + 2 * i], ctx->used[2 + 2 * i], a->pBindInfos[i].memoryOffset);
}

void vps_observe_vkQueueBindSparse(struct vps_context *ctx, const struct vp_cmd_vkQueueBindSparse *a)
{
   (void)a;
   bind_used(ctx, VPS_WRITES_ALL);
}
