/* SPDX-License-Identifier: MIT */

/* Allocates and frees command buffers as children of their pool's object, and clears all of them when it is reset. */

#include "server/record/command_pool.h"

#include <stdlib.h>

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/host_memory.h"
#include "server/record/command_buffer.h"

void vps_command_pool_add(struct vps_command_pool *pool, uint64_t bytes)
{
   pool->recorded += bytes;
   if (pool->recorded > pool->kept) {
      vps_host_memory_note_recorded((int64_t)(pool->recorded - pool->kept));
      pool->kept = pool->recorded;
   }
}

/* After its command buffers were cleared: all memory was given back. */
static void empty_command_pool(struct vps_command_pool *pool)
{
   vps_host_memory_note_recorded(-(int64_t)pool->kept);
   pool->kept = 0;
}

static void release_command_pool(void *state)
{
   empty_command_pool(state);
   free(state);
}

/* NULL without memory. */
static struct vps_command_pool *command_pool_of(struct vps_object *object)
{
   if (!object->state) {
      object->state = calloc(1, sizeof(struct vps_command_pool));
      object->release = object->state ? release_command_pool : NULL;
   }
   return object->state;
}

void vps_handle_vkResetCommandPool(struct vps_context *ctx, struct vp_cmd_vkResetCommandPool *a)
{
   struct vps_object *pool = vps_find(ctx, VK_OBJECT_TYPE_COMMAND_POOL, (uint64_t)(uintptr_t)a->commandPool);
   if (!pool)
      return;
   if (pool->poison) {
      a->ret = pool->poison;
      return;
   }
   a->ret =
      pool->device->functions.ResetCommandPool(pool->device->handle, (VkCommandPool)(uintptr_t)pool->handle, a->flags);
   for (struct vps_object *child = pool->children; child; child = child->next)
      vps_command_buffer_clear(child);
   if (pool->state && (a->flags & VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT))
      empty_command_pool(pool->state);
   vps_host_memory_note_freed();
   if (a->ret < 0 && !ctx->reply)
      vps_object_failed(ctx, pool, a->ret);
}

static bool add_command_buffer(struct vps_context *ctx, uint64_t id, VkCommandBuffer handle, VkResult result,
                               struct vps_object *pool)
{
   struct vps_object *object = vps_created_child(ctx, VK_OBJECT_TYPE_COMMAND_BUFFER, id,
                                                 result < 0 ? 0 : (uint64_t)(uintptr_t)handle, result, pool);
   if (object && !vps_command_buffer_init(object, pool->state))
      vps_fail(ctx, "the server is out of memory");
   return !ctx->failed;
}

void vps_handle_vkAllocateCommandBuffers(struct vps_context *ctx, struct vp_cmd_vkAllocateCommandBuffers *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   struct vps_object *pool = vps_used(ctx, VK_OBJECT_TYPE_COMMAND_POOL);
   const uint32_t count = a->pAllocateInfo->commandBufferCount;
   VkCommandBuffer *handles = vps_alloc(ctx, count, sizeof(*handles));

   if (!pool || !command_pool_of(pool))
      vps_fail(ctx, pool ? "the server is out of memory" : "the pool is missing");
   if (!pool || ctx->failed)
      return;
   do
      a->ret = device->functions.AllocateCommandBuffers(device->handle, a->pAllocateInfo, handles);
   while (vps_try_again(ctx, a->ret));
   for (uint32_t i = 0; i < count; i++) {
      if (!add_command_buffer(ctx, (uint64_t)(uintptr_t)a->pCommandBuffers[i], handles[i], a->ret, pool))
         return;
   }
}

void vps_handle_vkFreeCommandBuffers(struct vps_context *ctx, struct vp_cmd_vkFreeCommandBuffers *a)
{
   const struct vps_object *pool = vps_used(ctx, VK_OBJECT_TYPE_COMMAND_POOL);
   VkCommandBuffer *handles = vps_alloc(ctx, a->commandBufferCount, sizeof(*handles));
   uint32_t count = 0;

   for (uint32_t i = 0; handles && i < a->commandBufferCount; i++) {
      const uint64_t id = (uint64_t)(uintptr_t)a->pCommandBuffers[i];
      struct vps_object *object = id ? vps_find(ctx, VK_OBJECT_TYPE_COMMAND_BUFFER, id) : NULL;
      if (object && object->parent != pool)
         vps_fail(ctx, "a command buffer is not of this pool");
      if (ctx->failed)
         return;
      if (object && object->handle)
         handles[count++] = (VkCommandBuffer)(uintptr_t)object->handle;
      if (object)
         vps_object_drop(object);
   }
   if (handles && count)
      pool->device->functions.FreeCommandBuffers(pool->device->handle, (VkCommandPool)(uintptr_t)pool->handle, count,
                                                 handles);
   vps_host_memory_note_freed();
}
