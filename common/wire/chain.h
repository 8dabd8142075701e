/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_CHAIN_H
#define VP_WIRE_CHAIN_H

#include <stdint.h>
#include <vulkan/vulkan.h>

/* The struct of that type in a chain, or NULL. Whether it may be changed is known by whose chain it is. */
static inline void *vp_chain_find(const void *chain, VkStructureType type)
{
   const VkBaseInStructure *node = chain;
   while (node && node->sType != type)
      node = node->pNext;
   return (void *)(uintptr_t)node;
}

#endif
