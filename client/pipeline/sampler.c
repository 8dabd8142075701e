/* SPDX-License-Identifier: MIT */

/* Looks for a Y'CbCr conversion in the create-info; all else of a sampler is the server's. */

#include "client/pipeline/sampler.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

void *vp_make_vkCreateSampler(struct vp_device *device, const VkAllocationCallbacks *allocator,
                              const VkSamplerCreateInfo *info)
{
   const VkSamplerYcbcrConversionInfo *conversion =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO);
   struct vp_sampler *sampler =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_SAMPLER, sizeof(*sampler));
   if (sampler)
      sampler->has_conversion = conversion && conversion->conversion;
   return sampler;
}
