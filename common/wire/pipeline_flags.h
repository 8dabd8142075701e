/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_PIPELINE_FLAGS_H
#define VP_WIRE_PIPELINE_FLAGS_H

#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/wire/chain.h"

/* VkPipelineCreateFlags2 where an application uses them, else the old flags. */
static inline uint64_t vp_pipeline_flags(VkPipelineCreateFlags flags, const void *chain)
{
#ifdef VK_KHR_maintenance5
   const VkPipelineCreateFlags2CreateInfoKHR *wide =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2_CREATE_INFO_KHR);
   if (wide)
      return wide->flags;
#else
   (void)chain;
#endif
   return flags;
}

#endif
