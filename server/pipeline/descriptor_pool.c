/* SPDX-License-Identifier: MIT */

/* Sets are children of their pool's object, so to reset the pool drops them all. Sets that could not be had are entered
 * as well, with the error. */

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/pipeline/descriptor_set.h"

void vps_handle_vkResetDescriptorPool(struct vps_context *ctx, struct vp_cmd_vkResetDescriptorPool *a)
{
   struct vps_object *pool = vps_find(ctx, VK_OBJECT_TYPE_DESCRIPTOR_POOL, (uint64_t)(uintptr_t)a->descriptorPool);
   if (!pool)
      return;
   while (pool->children)
      vps_object_drop(pool->children);
   a->ret = pool->poison;
   if (pool->poison)
      return;
   a->ret = pool->device->functions.ResetDescriptorPool(pool->device->handle, (VkDescriptorPool)(uintptr_t)pool->handle,
                                                        a->flags);
   if (a->ret < 0 && !ctx->reply)
      vps_object_failed(ctx, pool, a->ret);
}

void vps_handle_vkAllocateDescriptorSets(struct vps_context *ctx, struct vp_cmd_vkAllocateDescriptorSets *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   struct vps_object *pool = vps_used(ctx, VK_OBJECT_TYPE_DESCRIPTOR_POOL);
   const uint32_t count = a->pAllocateInfo->descriptorSetCount;
   VkDescriptorSet *handles = vps_alloc(ctx, count, sizeof(*handles));
   unsigned at = 0;

   if (!pool)
      vps_fail(ctx, "the pool is missing");
   if (ctx->failed)
      return;
   do
      a->ret = device->functions.AllocateDescriptorSets(device->handle, a->pAllocateInfo, handles);
   while (vps_try_again(ctx, a->ret));
   for (uint32_t i = 0; i < count && !ctx->failed; i++) {
      struct vps_object *set =
         vps_created_child(ctx, VK_OBJECT_TYPE_DESCRIPTOR_SET, (uint64_t)(uintptr_t)a->pDescriptorSets[i],
                           a->ret < 0 ? 0 : (uint64_t)(uintptr_t)handles[i], a->ret, pool);
      const struct vps_object *layout = vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT);
      if (set)
         vps_descriptor_set_init(set, layout);
   }
}

void vps_handle_vkFreeDescriptorSets(struct vps_context *ctx, struct vp_cmd_vkFreeDescriptorSets *a)
{
   const struct vps_object *pool = vps_used(ctx, VK_OBJECT_TYPE_DESCRIPTOR_POOL);
   VkDescriptorSet *handles = vps_alloc(ctx, a->descriptorSetCount, sizeof(*handles));
   uint32_t count = 0;

   for (uint32_t i = 0; handles && i < a->descriptorSetCount; i++) {
      const uint64_t id = (uint64_t)(uintptr_t)a->pDescriptorSets[i];
      struct vps_object *object = id ? vps_find(ctx, VK_OBJECT_TYPE_DESCRIPTOR_SET, id) : NULL;
      if (object && object->parent != pool)
         vps_fail(ctx, "a descriptor set is not of this pool");
      if (ctx->failed)
         return;
      if (object && object->handle)
         handles[count++] = (VkDescriptorSet)(uintptr_t)object->handle;
      if (object)
         vps_object_drop(object);
   }
   if (handles && count)
      a->ret = pool->device->functions.FreeDescriptorSets(pool->device->handle,
                                                          (VkDescriptorPool)(uintptr_t)pool->handle, count, handles);
}
