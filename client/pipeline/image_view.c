/* SPDX-License-Identifier: MIT */

/* A new image view is followed by the question what its descriptors look like, where the device has descriptor buffers.
 */

#include "client/core/chain.h"
#include "client/core/descriptor_questions.h"
#include "client/core/device.h"
#include "client/memory/resource.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

static VkImageUsageFlags usage_of(const VkImageViewCreateInfo *info)
{
   const VkImageViewUsageCreateInfo *less = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_IMAGE_VIEW_USAGE_CREATE_INFO);
   return less ? less->usage : VP_FROM_HANDLE(struct vp_image, info->image)->usage;
}

static void ask_about_view(struct vp_device *device, VkImageView view, VkDescriptorType type, VkImageLayout layout,
                           size_t size)
{
   const VkDescriptorImageInfo image = {.imageView = view, .imageLayout = layout};
   const VkDescriptorGetInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT, .type = type, .data.pSampledImage = &image};
   vp_descriptor_questions_ask(device, &info, size);
}

/* Only what Vulkan lets be asked: not of views with a conversion, or of several aspects. */
static void ask_about_descriptors(struct vp_device *device, const VkImageViewCreateInfo *info, VkImageView view)
{
   const VkPhysicalDeviceDescriptorBufferPropertiesEXT *sizes = vp_descriptor_sizes(device);
   const VkImageAspectFlags aspects = info->subresourceRange.aspectMask;
   if (!sizes || (aspects & (aspects - 1)) ||
       vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO))
      return;
   if (usage_of(info) & VK_IMAGE_USAGE_SAMPLED_BIT)
      ask_about_view(device, view, VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                     sizes->sampledImageDescriptorSize);
   if (usage_of(info) & VK_IMAGE_USAGE_STORAGE_BIT)
      ask_about_view(device, view, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, VK_IMAGE_LAYOUT_GENERAL,
                     sizes->storageImageDescriptorSize);
}

VkResult vp_say_vkCreateImageView(struct vp_device *device, void *object, struct vp_cmd_vkCreateImageView *a)
{
   const VkResult result = vp_try_vkCreateImageView(device, false, a);
   (void)object;
   if (result == VK_SUCCESS)
      ask_about_descriptors(device, a->pCreateInfo, *a->pView);
   return result;
}
