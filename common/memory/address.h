/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_ADDRESS_H
#define VP_MEMORY_ADDRESS_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

/* Whether the server says the address of a memory that is allocated in this way, which both sides have to agree on.
 * It finds it with a buffer of its own, so no memory that may only be bound to one of the application's, or that is
 * somebody else's. */
static inline bool vp_address_is_told(const VkMemoryAllocateInfo *info)
{
   bool told = false;
   for (const VkBaseInStructure *node = info->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO)
         told = ((const VkMemoryAllocateFlagsInfo *)(const void *)node)->flags == VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
      else if (node->sType != VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT)
         return false;
   }
   return told;
}

#endif
