/* SPDX-License-Identifier: MIT */

/* Keeps of an image's create-info and binding what later checks need; vkGetImageRequirementsVP creates an image only to
 * see what it requires. */

#include "server/memory/image.h"

#include <stdlib.h>

#include "common/util/format_block.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/instance.h"
#include "server/memory/memory.h"

static void release_image(void *state)
{
   struct vps_image *image = state;

   vps_swapchains_lose(image);
   vps_memory_unref(image->memory);
   free(image);
}

void vps_observe_vkCreateImage(struct vps_context *ctx, const struct vp_cmd_vkCreateImage *a)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pImage);

   if (!object || object->poison)
      return;
   struct vps_image *image = malloc(sizeof(*image));
   if (!image) {
      vps_fail(ctx, "the server is out of memory");
      return;
   }
   *image = (struct vps_image){
      .device = object->device,
      .handle = (VkImage)(uintptr_t)object->handle,
      .flags = a->pCreateInfo->flags,
      .type = a->pCreateInfo->imageType,
      .format = a->pCreateInfo->format,
      .block = vp_format_block_find(a->pCreateInfo->format),
      .extent = a->pCreateInfo->extent,
      .levels = a->pCreateInfo->mipLevels,
      .layers = a->pCreateInfo->arrayLayers,
      .samples = a->pCreateInfo->samples,
      .usage = a->pCreateInfo->usage,
   };
   object->state = image;
   object->release = release_image;
}

VkFormat vps_image_format(const struct vps_object *image)
{
   const struct vps_image *state = image->state;
   return state ? state->format : VK_FORMAT_UNDEFINED;
}

void vps_image_bind(const struct vps_object *image, const struct vps_object *memory, VkDeviceSize offset)
{
   struct vps_image *state = image->state;

   vps_memory_unref(state->memory);
   state->memory = vps_memory_ref(memory->state);
   state->offset = offset;
}

bool vps_image_is_backed(const struct vps_image *image)
{
   const struct vps_device *device = image->device;
   const struct vps_memory *memory = image->memory;
   VkMemoryRequirements requirements;

   if (!memory || !memory->handle)
      return false;
   device->functions.GetImageMemoryRequirements(device->handle, image->handle, &requirements);
   return image->offset <= memory->size && requirements.size <= memory->size - image->offset;
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

void vps_handle_vkGetImageRequirementsVP(struct vps_context *ctx, struct vp_cmd_vkGetImageRequirementsVP *a)
{
   for (uint32_t i = 0; i < a->imageCount; i++)
      a->pRequirements[i] = find_requirements(ctx->instance, ctx->used[0], &a->pCreateInfos[i]);
   a->ret = VK_SUCCESS;
}
