/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_BUFFER_USAGE_H
#define VP_SERVER_MEMORY_BUFFER_USAGE_H

#include <stdint.h>
#include <vulkan/vulkan.h>

#include "common/wire/chain.h"

/* What a buffer is for, with the bits of newer headers: those in its chain replace the others. */
static inline uint64_t vps_buffer_usage(const void *chain, VkBufferUsageFlags usage)
{
#ifdef VK_KHR_maintenance5
   const VkBufferUsageFlags2CreateInfoKHR *more =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR);
   if (more)
      return more->usage;
#endif
   (void)chain;
   return usage;
}

#endif
