/* SPDX-License-Identifier: MIT */
#include "server/image.h"

#include "server/context.h"
#include "server/device.h"
#include "server/instance.h"

/* The state of an image is its format, kept in the pointer. */

void vps_observe_vkCreateImage(struct vp_context *ctx, const struct vp_cmd_vkCreateImage *a)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pImage);

   if (object)
      object->state = (void *)(uintptr_t)a->pCreateInfo->format;
}

VkFormat vps_image_format(const struct vps_object *image)
{
   return (VkFormat)(uintptr_t)image->state;
}

/* Asks first whether it is supported: to create an image that is not is not allowed. */
static VkImageRequirementsVP find_requirements(const struct vps_instance *instance, const struct vps_object *object,
                                               const VkImageCreateInfo *info)
{
   const struct vps_device *device = object->device;
   VkPhysicalDevice gpu = (VkPhysicalDevice)(uintptr_t)object->parent->handle;
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 requirements = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   VkImageRequirementsVP out = {0};
   VkImageFormatProperties properties;
   VkImage image;

   out.result = instance->functions.GetPhysicalDeviceImageFormatProperties(
      gpu, info->format, info->imageType, info->tiling, info->usage, info->flags, &properties);
   if (out.result == VK_SUCCESS)
      out.result = device->functions.CreateImage(device->handle, info, NULL, &image);
   if (out.result != VK_SUCCESS)
      return out;
   const VkImageMemoryRequirementsInfo2 about = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
      .image = image,
   };
   device->functions.GetImageMemoryRequirements2(device->handle, &about, &requirements);
   device->functions.DestroyImage(device->handle, image, NULL);
   out.requirements = requirements.memoryRequirements;
   out.prefersDedicated = dedicated.prefersDedicatedAllocation;
   out.requiresDedicated = dedicated.requiresDedicatedAllocation;
   return out;
}

void vp_handle_vkGetImageRequirementsVP(struct vp_context *ctx, struct vp_cmd_vkGetImageRequirementsVP *a)
{
   for (uint32_t i = 0; i < a->imageCount; i++)
      a->pRequirements[i] = find_requirements(ctx->instance, ctx->used[0], &a->pCreateInfos[i]);
   a->ret = VK_SUCCESS;
}
