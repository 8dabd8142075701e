/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_VIDEO_PROFILE_H
#define VP_WIRE_VIDEO_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/wire/chain.h"

#ifdef VK_KHR_video_decode_h264

/* The struct that a video's profile needs in its chain, in which drivers look without asking whether it is there; 0:
 * that is not known. */
static inline uint32_t vp_video_profile_type(VkVideoCodecOperationFlagsKHR operation)
{
   switch (operation) {
   case VK_VIDEO_CODEC_OPERATION_DECODE_H264_BIT_KHR:
      return VK_STRUCTURE_TYPE_VIDEO_DECODE_H264_PROFILE_INFO_KHR;
   case VK_VIDEO_CODEC_OPERATION_DECODE_H265_BIT_KHR:
      return VK_STRUCTURE_TYPE_VIDEO_DECODE_H265_PROFILE_INFO_KHR;
#ifdef VK_KHR_video_decode_av1
   case VK_VIDEO_CODEC_OPERATION_DECODE_AV1_BIT_KHR:
      return VK_STRUCTURE_TYPE_VIDEO_DECODE_AV1_PROFILE_INFO_KHR;
#endif
#ifdef VK_KHR_video_encode_h264
   case VK_VIDEO_CODEC_OPERATION_ENCODE_H264_BIT_KHR:
      return VK_STRUCTURE_TYPE_VIDEO_ENCODE_H264_PROFILE_INFO_KHR;
   case VK_VIDEO_CODEC_OPERATION_ENCODE_H265_BIT_KHR:
      return VK_STRUCTURE_TYPE_VIDEO_ENCODE_H265_PROFILE_INFO_KHR;
#endif
   default:
      return 0;
   }
}

/* Which codecs both sides have the structs of. */
static inline VkVideoCodecOperationFlagsKHR vp_video_codecs(void)
{
   VkVideoCodecOperationFlagsKHR known = 0;
   for (unsigned i = 0; i < 32; i++)
      known |= vp_video_profile_type(UINT32_C(1) << i) ? UINT32_C(1) << i : 0;
   return known;
}

/* Whether a profile has that struct. */
static inline bool vp_video_profile_is_whole(const VkVideoProfileInfoKHR *profile)
{
   const uint32_t type = vp_video_profile_type((VkVideoCodecOperationFlagsKHR)profile->videoCodecOperation);
   return type && vp_chain_find(profile->pNext, (VkStructureType)type);
}

#endif
#endif
