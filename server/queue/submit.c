/* SPDX-License-Identifier: MIT */

/* Copies the arrays of a VkSubmitInfo, VkSubmitInfo2 or VkBindSparseInfo with room for one more, and adds the value and
 * the device index where the chain has these. */

#include "server/queue/submit.h"

#include <string.h>

#include "common/wire/chain.h"
#include "server/core/context.h"

/* A copy of count elements with room for up to wanted, the rest zero. */
static void *extend(struct vps_context *ctx, const void *elements, uint32_t count, uint64_t wanted, size_t size)
{
   void *copy = vps_alloc(ctx, wanted, size);
   if (copy && elements && count)
      memcpy(copy, elements, (count < wanted ? count : (size_t)wanted) * size);
   return copy;
}

VkDeviceGroupSubmitInfo *vps_submit_find_group(const VkSubmitInfo *info)
{
   return vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
}

/* Gives the signal number `index`, the last one, a value. */
static bool add_value(struct vps_context *ctx, const void **chain, uint32_t index, uint64_t value)
{
   VkTimelineSemaphoreSubmitInfo *values = vp_chain_find(*chain, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   if (!values) {
      values = vps_alloc(ctx, 1, sizeof(*values));
      if (!values)
         return false;
      values->sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
      values->pNext = *chain;
      *chain = values;
   }
   /* Binary semaphores may have been left out; their values do not matter. */
   uint64_t *all =
      extend(ctx, values->pSignalSemaphoreValues, values->signalSemaphoreValueCount, (uint64_t)index + 1, sizeof(*all));
   if (!all)
      return false;
   all[index] = value;
   values->pSignalSemaphoreValues = all;
   values->signalSemaphoreValueCount = index + 1;
   return true;
}

static VkSemaphore *add_semaphore(struct vps_context *ctx, const VkSemaphore *semaphores, uint32_t count,
                                  VkSemaphore semaphore)
{
   VkSemaphore *all = extend(ctx, semaphores, count, (uint64_t)count + 1, sizeof(*all));
   if (all)
      all[count] = semaphore;
   return all;
}

/* In a device group each signal has a device; ours is done by the first. */
static bool add_device_index(struct vps_context *ctx, const void *chain, uint32_t index)
{
   VkDeviceGroupSubmitInfo *group = vp_chain_find(chain, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
   if (!group)
      return true;
   uint32_t *all =
      extend(ctx, group->pSignalSemaphoreDeviceIndices, group->signalSemaphoreCount, (uint64_t)index + 1, sizeof(*all));
   if (!all)
      return false;
   group->pSignalSemaphoreDeviceIndices = all;
   group->signalSemaphoreCount = index + 1;
   return true;
}

bool vps_submit_add_signal(struct vps_context *ctx, VkSubmitInfo *info, VkSemaphore semaphore, uint64_t value)
{
   const uint32_t index = info->signalSemaphoreCount;
   VkSemaphore *all = add_semaphore(ctx, info->pSignalSemaphores, index, semaphore);

   if (!all || !add_value(ctx, &info->pNext, index, value) || !add_device_index(ctx, info->pNext, index))
      return false;
   info->pSignalSemaphores = all;
   info->signalSemaphoreCount = index + 1;
   return true;
}

bool vps_submit2_add_signal(struct vps_context *ctx, VkSubmitInfo2 *info, VkSemaphore semaphore, uint64_t value)
{
   const uint32_t index = info->signalSemaphoreInfoCount;
   VkSemaphoreSubmitInfo *all = extend(ctx, info->pSignalSemaphoreInfos, index, (uint64_t)index + 1, sizeof(*all));
   if (!all)
      return false;
   all[index] = (VkSemaphoreSubmitInfo){
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
      .semaphore = semaphore,
      .value = value,
      .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
   };
   info->pSignalSemaphoreInfos = all;
   info->signalSemaphoreInfoCount = index + 1;
   return true;
}

bool vps_bind_sparse_add_signal(struct vps_context *ctx, VkBindSparseInfo *info, VkSemaphore semaphore, uint64_t value)
{
   const uint32_t index = info->signalSemaphoreCount;
   VkSemaphore *all = add_semaphore(ctx, info->pSignalSemaphores, index, semaphore);

   if (!all || !add_value(ctx, &info->pNext, index, value))
      return false;
   info->pSignalSemaphores = all;
   info->signalSemaphoreCount = index + 1;
   return true;
}
