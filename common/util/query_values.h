/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_QUERY_VALUES_H
#define VP_UTIL_QUERY_VALUES_H

#include <stdint.h>
#include <vulkan/vulkan.h>

/* How many values each query of such a pool has; both sides must agree. */
static inline uint32_t vp_query_values(const VkQueryPoolCreateInfo *info)
{
   switch ((uint32_t)info->queryType) {
   case VK_QUERY_TYPE_PIPELINE_STATISTICS:
      return (uint32_t)__builtin_popcount(info->pipelineStatistics);
   case VK_QUERY_TYPE_TRANSFORM_FEEDBACK_STREAM_EXT:
      return 2;
   default:
      return 1;
   }
}

#endif
