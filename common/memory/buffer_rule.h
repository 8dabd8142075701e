/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_BUFFER_RULE_H
#define VP_MEMORY_BUFFER_RULE_H

#include "vp_commands.h"

/* The rule of a buffer with no usage, to which those of its usages are added. */
#define VP_BUFFER_RULE_NONE                                   \
   (VkBufferRuleVP)                                           \
   {                                                          \
      VK_TRUE, UINT32_MAX, 1, 1, VK_WHOLE_SIZE, VK_WHOLE_SIZE \
   }

/* A buffer with several usages needs what each of them needs. */
static inline void vp_buffer_rule_add(VkBufferRuleVP *rule, const VkBufferRuleVP *usage)
{
   rule->valid = rule->valid && usage->valid;
   rule->memoryTypeBits &= usage->memoryTypeBits;
   if (rule->alignment < usage->alignment)
      rule->alignment = usage->alignment;
   if (rule->granularity < usage->granularity)
      rule->granularity = usage->granularity;
   if (rule->prefersDedicatedFrom > usage->prefersDedicatedFrom)
      rule->prefersDedicatedFrom = usage->prefersDedicatedFrom;
   if (rule->requiresDedicatedFrom > usage->requiresDedicatedFrom)
      rule->requiresDedicatedFrom = usage->requiresDedicatedFrom;
}

#endif
