/* SPDX-License-Identifier: MIT */

/* Binary semaphores that the client signals. An image that is acquired is ready when the client says so, and no
 * submission is needed to signal its semaphore: the server remembers that it counts as signalled and leaves it out of
 * the batch that waits for it. */

#include "server/context.h"
#include "server/submit.h"

void vp_handle_vkSignalBinarySemaphoreVP(struct vp_context *ctx, struct vp_cmd_vkSignalBinarySemaphoreVP *a)
{
   static char signalled; /* the state of such a semaphore; others have none */

   (void)a;
   ctx->used[1]->state = &signalled;
}

/* Whether a semaphore of the current command is signalled by the client. That is over once it was waited for. */
static bool take_signal(struct vp_context *ctx, VkSemaphore semaphore)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      struct vps_object *object = ctx->used[i];
      if (object->type != VK_OBJECT_TYPE_SEMAPHORE || !object->state ||
          object->handle != (uint64_t)(uintptr_t)semaphore)
         continue;
      object->state = NULL;
      return true;
   }
   return false;
}

static void *find_node(const void *chain, VkStructureType type)
{
   for (VkBaseOutStructure *node = (VkBaseOutStructure *)(uintptr_t)chain; node; node = node->pNext) {
      if (node->sType == type)
         return node;
   }
   return NULL;
}

/* Arrays with an element for each wait; NULL where there is none. All are in temporary memory and ours to change. */
struct waits {
   VkSemaphore *semaphores;
   VkPipelineStageFlags *stages;
   uint64_t *values;
   uint32_t *device_indices;
};

/* Returns how many waits are left. */
static uint32_t drop(struct vp_context *ctx, const struct waits *waits, uint32_t count)
{
   uint32_t kept = 0;

   for (uint32_t i = 0; i < count; i++) {
      if (take_signal(ctx, waits->semaphores[i]))
         continue;
      waits->semaphores[kept] = waits->semaphores[i];
      if (waits->stages)
         waits->stages[kept] = waits->stages[i];
      if (waits->values)
         waits->values[kept] = waits->values[i];
      if (waits->device_indices)
         waits->device_indices[kept] = waits->device_indices[i];
      kept++;
   }
   return kept;
}

/* What the chain of a batch has for its waits. Returns how many waits there are after the drop. */
static uint32_t drop_waits(struct vp_context *ctx, const void *chain, const VkSemaphore *semaphores,
                           const VkPipelineStageFlags *stages, uint32_t count)
{
   VkTimelineSemaphoreSubmitInfo *values = find_node(chain, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   VkDeviceGroupSubmitInfo *group = find_node(chain, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
   struct waits waits = {(VkSemaphore *)(uintptr_t)semaphores, (VkPipelineStageFlags *)(uintptr_t)stages, NULL, NULL};
   const bool has_values = values && values->pWaitSemaphoreValues && values->waitSemaphoreValueCount == count;
   const bool has_group = group && group->pWaitSemaphoreDeviceIndices && group->waitSemaphoreCount == count;

   if (!semaphores)
      return count;
   if (has_values)
      waits.values = (uint64_t *)(uintptr_t)values->pWaitSemaphoreValues;
   if (has_group)
      waits.device_indices = (uint32_t *)(uintptr_t)group->pWaitSemaphoreDeviceIndices;
   const uint32_t kept = drop(ctx, &waits, count);
   if (has_values)
      values->waitSemaphoreValueCount = kept;
   if (has_group)
      group->waitSemaphoreCount = kept;
   return kept;
}

void vps_submit_drop_waits(struct vp_context *ctx, VkSubmitInfo *info)
{
   info->waitSemaphoreCount =
      drop_waits(ctx, info->pNext, info->pWaitSemaphores, info->pWaitDstStageMask, info->waitSemaphoreCount);
}

void vps_bind_sparse_drop_waits(struct vp_context *ctx, VkBindSparseInfo *info)
{
   info->waitSemaphoreCount = drop_waits(ctx, info->pNext, info->pWaitSemaphores, NULL, info->waitSemaphoreCount);
}

void vps_submit2_drop_waits(struct vp_context *ctx, VkSubmitInfo2 *info)
{
   VkSemaphoreSubmitInfo *waits = (VkSemaphoreSubmitInfo *)(uintptr_t)info->pWaitSemaphoreInfos;
   uint32_t kept = 0;

   for (uint32_t i = 0; waits && i < info->waitSemaphoreInfoCount; i++) {
      if (!take_signal(ctx, waits[i].semaphore))
         waits[kept++] = waits[i];
   }
   if (waits)
      info->waitSemaphoreInfoCount = kept;
}
