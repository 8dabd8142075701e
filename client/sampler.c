/* SPDX-License-Identifier: MIT */
#include "client/sampler.h"

#include "client/chain.h"
#include "client/connection.h"
#include "client/device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateSampler(VkDevice handle, const VkSamplerCreateInfo *pCreateInfo,
                                                  const VkAllocationCallbacks *pAllocator, VkSampler *pSampler)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_sampler *sampler = vp_object_create(device->conn, allocator, VK_OBJECT_TYPE_SAMPLER, sizeof(*sampler));
   if (!sampler)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   const VkSamplerYcbcrConversionInfo *conversion =
      vp_chain_find(pCreateInfo->pNext, VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO);
   sampler->has_conversion = conversion && conversion->conversion;
   *pSampler = VP_TO_HANDLE(VkSampler, sampler);
   struct vp_cmd_vkCreateSampler a = {.device = handle, .pCreateInfo = pCreateInfo, .pSampler = pSampler};
   const VkResult result = vp_try_vkCreateSampler(device, false, &a);
   if (result != VK_SUCCESS) {
      vp_object_destroy(device->conn, allocator, sampler);
      *pSampler = VK_NULL_HANDLE;
   }
   return result;
}
