/* SPDX-License-Identifier: MIT */

/* Gives the driver the bytes of the wire as VK_EXT_host_image_copy's host pointers, and tells the client what that has
 * changed in memory that it has mapped. */

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/instance.h"
#include "server/memory/readback.h"
#include "server/memory/writes.h"

/* Images can lie in memory that the client has a copy of. */
static void report_images(struct vps_context *ctx)
{
   static const struct vps_writes writes = {.classes = VPS_WRITES_IMAGE};
   struct vps_device *device = ctx->used[0]->device;

   pthread_mutex_lock(&device->report_lock);
   const bool ok = vps_readback_report(device, &writes, NULL);
   pthread_mutex_unlock(&device->report_lock);
   if (!ok)
      vps_fail(ctx, "the server is out of memory");
}

void vps_observe_vkCopyMemoryToImageMESA(struct vps_context *ctx, const struct vp_cmd_vkCopyMemoryToImageMESA *a)
{
   (void)a;
   report_images(ctx);
}

#ifdef VK_EXT_host_image_copy

void vps_observe_vkCopyImageToImage(struct vps_context *ctx, const struct vp_cmd_vkCopyImageToImage *a)
{
   (void)a;
   report_images(ctx);
}

void vps_observe_vkTransitionImageLayout(struct vps_context *ctx, const struct vp_cmd_vkTransitionImageLayout *a)
{
   (void)a;
   report_images(ctx);
}

/* The driver's function under its core name or that of its extension. */
static PFN_vkVoidFunction find_function(struct vps_context *ctx, const char *core, const char *extension)
{
   const VkDevice device = ctx->used[0]->device->handle;
   const PFN_vkGetDeviceProcAddr get = ctx->instance->functions.GetDeviceProcAddr;

   PFN_vkVoidFunction function = get(device, core);
   if (!function)
      function = get(device, extension);
   if (!function)
      vps_missing_function(ctx);
   return function;
}

void vps_handle_vkCopyImageToMemoryMESA(struct vps_context *ctx, struct vp_cmd_vkCopyImageToMemoryMESA *a)
{
   const VkCopyImageToMemoryInfoMESA *wanted = a->pCopyImageToMemoryInfo;
   const VkImageToMemoryCopyEXT region = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_TO_MEMORY_COPY_EXT,
      .pHostPointer = a->pData,
      .memoryRowLength = wanted->memoryRowLength,
      .memoryImageHeight = wanted->memoryImageHeight,
      .imageSubresource = wanted->imageSubresource,
      .imageOffset = wanted->imageOffset,
      .imageExtent = wanted->imageExtent,
   };
   const VkCopyImageToMemoryInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_EXT,
      .flags = wanted->flags,
      .srcImage = wanted->srcImage,
      .srcImageLayout = wanted->srcImageLayout,
      .regionCount = 1,
      .pRegions = &region,
   };
   const PFN_vkCopyImageToMemoryEXT copy =
      (PFN_vkCopyImageToMemoryEXT)find_function(ctx, "vkCopyImageToMemory", "vkCopyImageToMemoryEXT");
   if (copy)
      a->ret = copy(a->device, &info);
}

void vps_handle_vkCopyMemoryToImageMESA(struct vps_context *ctx, struct vp_cmd_vkCopyMemoryToImageMESA *a)
{
   const VkCopyMemoryToImageInfoMESA *wanted = a->pCopyMemoryToImageInfo;
   const PFN_vkCopyMemoryToImageEXT copy =
      (PFN_vkCopyMemoryToImageEXT)find_function(ctx, "vkCopyMemoryToImage", "vkCopyMemoryToImageEXT");
   VkMemoryToImageCopyEXT *regions = vps_alloc(ctx, wanted->regionCount, sizeof(*regions));
   if (!copy || !regions)
      return;

   for (uint32_t i = 0; i < wanted->regionCount; i++) {
      const VkMemoryToImageCopyMESA *region = &wanted->pRegions[i];
      regions[i] = (VkMemoryToImageCopyEXT){
         .sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_EXT,
         .pHostPointer = region->pData,
         .memoryRowLength = region->memoryRowLength,
         .memoryImageHeight = region->memoryImageHeight,
         .imageSubresource = region->imageSubresource,
         .imageOffset = region->imageOffset,
         .imageExtent = region->imageExtent,
      };
   }
   const VkCopyMemoryToImageInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_EXT,
      .flags = wanted->flags,
      .dstImage = wanted->dstImage,
      .dstImageLayout = wanted->dstImageLayout,
      .regionCount = wanted->regionCount,
      .pRegions = regions,
   };
   a->ret = copy(a->device, &info);
   if (a->ret < 0 && !ctx->reply)
      vps_not_done(ctx, a->ret);
}

#else

/* Built with a registry that does not have the extension, so it was never offered. */

void vps_handle_vkCopyImageToMemoryMESA(struct vps_context *ctx, struct vp_cmd_vkCopyImageToMemoryMESA *a)
{
   (void)a;
   vps_missing_function(ctx);
}

void vps_handle_vkCopyMemoryToImageMESA(struct vps_context *ctx, struct vp_cmd_vkCopyMemoryToImageMESA *a)
{
   (void)a;
   vps_missing_function(ctx);
}

#endif
