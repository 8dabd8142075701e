/* SPDX-License-Identifier: MIT */

/* Looks for a Y'CbCr conversion in the create-info; all else of a sampler is the server's. A new one is followed by the
 * question what its descriptor looks like, where the device has descriptor buffers. */

#include "client/pipeline/sampler.h"

#include "client/core/chain.h"
#include "client/core/descriptor_questions.h"
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

VkResult vp_say_vkCreateSampler(struct vp_device *device, void *object, struct vp_cmd_vkCreateSampler *a)
{
   const struct vp_sampler *sampler = object;
   const VkResult result = vp_try_vkCreateSampler(device, false, a);
   const VkPhysicalDeviceDescriptorBufferPropertiesEXT *sizes = vp_descriptor_sizes(device);
   const VkDescriptorGetInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
                                        .type = VK_DESCRIPTOR_TYPE_SAMPLER,
                                        .data.pSampler = a->pSampler};
   if (result == VK_SUCCESS && sizes && !sampler->has_conversion)
      vp_descriptor_questions_ask(device, &info, sizes->samplerDescriptorSize);
   return result;
}
