/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_QUERY_VALUES_H
#define VP_WIRE_QUERY_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/wire/chain.h"

/* How many values each query of such a pool has; both sides must agree. */
static inline uint32_t vp_query_values(const VkQueryPoolCreateInfo *info)
{
   switch ((uint32_t)info->queryType) {
   case VK_QUERY_TYPE_PIPELINE_STATISTICS:
      return (uint32_t)__builtin_popcount(info->pipelineStatistics);
   case VK_QUERY_TYPE_TRANSFORM_FEEDBACK_STREAM_EXT:
      return 2;
#ifdef VK_KHR_video_queue
   case VK_QUERY_TYPE_RESULT_STATUS_ONLY_KHR:
      return 0;
#endif
#ifdef VK_KHR_video_encode_queue
   case VK_QUERY_TYPE_VIDEO_ENCODE_FEEDBACK_KHR: {
      const VkQueryPoolVideoEncodeFeedbackCreateInfoKHR *feedback =
         vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_QUERY_POOL_VIDEO_ENCODE_FEEDBACK_CREATE_INFO_KHR);
      return feedback ? (uint32_t)__builtin_popcount(feedback->encodeFeedbackFlags) : 0;
   }
#endif
   default:
      return 1;
   }
}

/* What comes behind the values when it is asked for: whether there are any, or how what was asked for has ended. */
#ifdef VK_KHR_video_queue
#define VP_QUERY_RESULT_WITH_STATUS VK_QUERY_RESULT_WITH_STATUS_BIT_KHR
#else
#define VP_QUERY_RESULT_WITH_STATUS 0
#endif

/* The one of these that is known of the queries of such a pool. */
static inline VkQueryResultFlags vp_query_result_flag(const VkQueryPoolCreateInfo *info)
{
#ifdef VK_KHR_video_queue
   if (info->queryType == VK_QUERY_TYPE_RESULT_STATUS_ONLY_KHR)
      return VK_QUERY_RESULT_WITH_STATUS_BIT_KHR;
#endif
#ifdef VK_KHR_video_encode_queue
   if (info->queryType == VK_QUERY_TYPE_VIDEO_ENCODE_FEEDBACK_KHR)
      return VK_QUERY_RESULT_WITH_STATUS_BIT_KHR;
#endif
   (void)info;
   return VK_QUERY_RESULT_WITH_AVAILABILITY_BIT;
}

/* How this travels: not 0 when there is a result, with a status in the low half. Drivers may have a status that is not
 * 0 for a query without a result. */
#define VP_QUERY_UNREADY (UINT64_C(1) << 32)

static inline uint64_t vp_query_pack(uint64_t answer, bool ready)
{
   const uint64_t low = (uint32_t)answer;
   return low && !ready ? low | VP_QUERY_UNREADY : low;
}

static inline bool vp_query_is_ready(uint64_t packed)
{
   return (uint32_t)packed && !(packed & VP_QUERY_UNREADY);
}

/* As a driver writes it with 64 bits. */
static inline uint64_t vp_query_status(uint64_t packed)
{
   return (uint64_t)(int64_t)(int32_t)(uint32_t)packed;
}

#endif
