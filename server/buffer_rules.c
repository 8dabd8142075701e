/* SPDX-License-Identifier: MIT */
#include "server/context.h"
#include "server/device.h"

/* Drivers round the sizes of buffers up to some power of two and treat all sizes alike. Whether this one does is tried
 * with sizes around those where something could begin: cache lines, pages, huge pages, memory of their own. */
static const VkDeviceSize tried_sizes[] = {
   16,
   17,
   255,
   257,
   4096,
   4097,
   65535,
   65537,
   (1 << 20) + 1,
   (2 << 20) + 1,
   (16 << 20) + 1,
   (256 << 20) + 1,
   (1 << 30) + 1,
};

/* What a buffer of this size needs; false when it cannot be made. */
static bool get_requirements(const struct vps_device *device, VkBufferUsageFlags usage, VkDeviceSize size,
                             VkMemoryRequirements *requirements, VkMemoryDedicatedRequirements *dedicated)
{
   const struct vps_device_functions *functions = &device->functions;
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = usage,
   };
   VkBufferMemoryRequirementsInfo2 question = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = dedicated};

   if (functions->CreateBuffer(device->handle, &info, NULL, &question.buffer) < 0)
      return false;
   *dedicated = (VkMemoryDedicatedRequirements){.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   functions->GetBufferMemoryRequirements2(device->handle, &question, &answer);
   functions->DestroyBuffer(device->handle, question.buffer, NULL);
   *requirements = answer.memoryRequirements;
   return true;
}

static bool follows(const struct vps_device *device, VkBufferUsageFlags usage, VkDeviceSize size,
                    const VkBufferRuleVP *rule)
{
   VkMemoryRequirements requirements;
   VkMemoryDedicatedRequirements dedicated;

   return get_requirements(device, usage, size, &requirements, &dedicated) &&
          requirements.size == (size + rule->granularity - 1) / rule->granularity * rule->granularity &&
          requirements.alignment == rule->alignment && requirements.memoryTypeBits == rule->memoryTypeBits &&
          dedicated.prefersDedicatedAllocation == rule->prefersDedicated &&
          dedicated.requiresDedicatedAllocation == rule->requiresDedicated;
}

static void find_rule(const struct vps_device *device, VkBufferUsageFlags usage, VkBufferRuleVP *rule)
{
   VkMemoryRequirements requirements;
   VkMemoryDedicatedRequirements dedicated;

   if (!get_requirements(device, usage, 1, &requirements, &dedicated) || requirements.size == 0)
      return;
   *rule = (VkBufferRuleVP){
      .valid = VK_TRUE,
      .memoryTypeBits = requirements.memoryTypeBits,
      .alignment = requirements.alignment,
      .granularity = requirements.size,
      .prefersDedicated = dedicated.prefersDedicatedAllocation,
      .requiresDedicated = dedicated.requiresDedicatedAllocation,
   };
   for (size_t i = 0; i < sizeof(tried_sizes) / sizeof(tried_sizes[0]) && rule->valid; i++)
      rule->valid = follows(device, usage, tried_sizes[i], rule);
}

void vp_handle_vkGetBufferRulesVP(struct vp_context *ctx, struct vp_cmd_vkGetBufferRulesVP *a)
{
   const struct vps_device *device = ctx->used[0]->device;

   if (!device->functions.GetBufferMemoryRequirements2) {
      a->ret = VK_ERROR_FEATURE_NOT_PRESENT;
      return;
   }
   for (uint32_t i = 0; i < a->usageCount; i++) {
      a->pRules[i] = (VkBufferRuleVP){0};
      find_rule(device, a->pUsages[i], &a->pRules[i]);
   }
}
