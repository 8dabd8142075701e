/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_LAYERS_LAYER_H
#define VP_TESTS_E2E_LAYERS_LAYER_H

#include <stdint.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

/* What all layers of tests begin with: an instance and a device of what is below them, be it a driver or another layer.
 */

/* What the loader has put into the chain of a create-info: where the layer goes on. Both kinds of links are alike in
 * what is looked at. */
static inline void *layer_find_link(const void *chain, VkStructureType type)
{
   for (const VkLayerInstanceCreateInfo *node = chain; node; node = node->pNext) {
      if (node->sType == type && node->function == VK_LAYER_LINK_INFO)
         return (void *)(uintptr_t)node;
   }
   return NULL;
}

/* `next` finds the functions below. */
static inline VkResult layer_create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                                             VkInstance *instance, PFN_vkGetInstanceProcAddr *next)
{
   VkLayerInstanceCreateInfo *link = layer_find_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
   if (!link)
      return VK_ERROR_INITIALIZATION_FAILED;
   *next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
   link->u.pLayerInfo = link->u.pLayerInfo->pNext;
   const PFN_vkCreateInstance create = (PFN_vkCreateInstance)(*next)(NULL, "vkCreateInstance");
   return create ? create(info, allocator, instance) : VK_ERROR_INITIALIZATION_FAILED;
}

static inline VkResult layer_create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                           const VkAllocationCallbacks *allocator, VkDevice *device,
                                           PFN_vkGetDeviceProcAddr *next)
{
   VkLayerDeviceCreateInfo *link = layer_find_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
   if (!link)
      return VK_ERROR_INITIALIZATION_FAILED;
   const PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
   *next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
   link->u.pLayerInfo = link->u.pLayerInfo->pNext;
   const PFN_vkCreateDevice create = (PFN_vkCreateDevice)get(NULL, "vkCreateDevice");
   return create ? create(gpu, info, allocator, device) : VK_ERROR_INITIALIZATION_FAILED;
}

#endif
