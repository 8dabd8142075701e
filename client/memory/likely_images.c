/* SPDX-License-Identifier: MIT */

/* Create-infos of 8x8 texels: colour, depth and stencil formats as attachments, transient ones too, and linear images
 * that are copied from; then, for sparse binding, each format as if it were one of colour, which is how it is asked. */

#include "client/memory/likely_images.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/memory/resource.h"
#include "client/vp_client_send.h"

#define COLOUR VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT
#define DEPTH VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT
#define SPARSE VK_IMAGE_CREATE_SPARSE_BINDING_BIT
#define TRANSIENT VK_IMAGE_USAGE_TRANSIENT_ATTACHMENT_BIT

static const struct {
   VkFormat format;
   VkImageUsageFlags usage;
   VkImageTiling tiling;
   VkImageCreateFlags flags;
} images[VP_LIKELY_IMAGES] = {
   {VK_FORMAT_R8G8B8A8_UNORM, COLOUR, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_R8G8B8A8_UNORM, COLOUR | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D16_UNORM, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D16_UNORM, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_X8_D24_UNORM_PACK32, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_X8_D24_UNORM_PACK32, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D32_SFLOAT, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D32_SFLOAT, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_S8_UINT, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_S8_UINT, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D16_UNORM_S8_UINT, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D16_UNORM_S8_UINT, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D24_UNORM_S8_UINT, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D24_UNORM_S8_UINT, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D32_SFLOAT_S8_UINT, DEPTH, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_D32_SFLOAT_S8_UINT, DEPTH | TRANSIENT, VK_IMAGE_TILING_OPTIMAL, 0},
   {VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_USAGE_TRANSFER_SRC_BIT, VK_IMAGE_TILING_LINEAR, 0},
   {VK_FORMAT_R8G8B8A8_UNORM, COLOUR | TRANSIENT, VK_IMAGE_TILING_LINEAR, 0},
   {VK_FORMAT_R8G8B8A8_UNORM, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_D16_UNORM, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_X8_D24_UNORM_PACK32, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_D32_SFLOAT, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_S8_UINT, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_D16_UNORM_S8_UINT, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_D24_UNORM_S8_UINT, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_D32_SFLOAT_S8_UINT, COLOUR, VK_IMAGE_TILING_OPTIMAL, SPARSE},
   {VK_FORMAT_R8G8B8A8_UNORM, COLOUR, VK_IMAGE_TILING_LINEAR, SPARSE},
};

VkImageCreateInfo vp_likely_image(unsigned index)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = images[index].flags,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = images[index].format,
      .extent = {8, 8, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = images[index].tiling,
      .usage = images[index].usage,
      .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
      .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
   };
}

unsigned vp_likely_images_of(const VkDeviceCreateInfo *info)
{
   const VkPhysicalDeviceFeatures2 *features = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
   const VkPhysicalDeviceFeatures *enabled = features ? &features->features : info->pEnabledFeatures;
   return enabled && enabled->sparseBinding ? VP_LIKELY_IMAGES : VP_LIKELY_PLAIN_IMAGES;
}

void vp_likely_images_remember(struct vp_device *device, const VkImageRequirementsVP *requirements, unsigned count)
{
   for (unsigned i = 0; i < count; i++) {
      const VkImageCreateInfo info = vp_likely_image(i);
      struct vp_resource image = {.kind = vp_image_kind(device, &info)};
      const VkMemoryDedicatedRequirements dedicated = {
         .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS,
         .prefersDedicatedAllocation = requirements[i].prefersDedicated,
         .requiresDedicatedAllocation = requirements[i].requiresDedicated,
      };
      if (image.kind && requirements[i].result == VK_SUCCESS)
         vp_resource_remember(&device->kinds, &image, 0, &requirements[i].requirements, &dedicated);
   }
}
