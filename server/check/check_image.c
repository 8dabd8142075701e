/* SPDX-License-Identifier: MIT */

/* Which parts of images commands name: levels and layers that an image has, and texels inside them. */

#include "common/util/format_block.h"
#include "server/check/check.h"
#include "server/memory/copy_extent.h"
#include "server/memory/image.h"
#include "server/vp_dispatch.h"

/* A part of an image, as a copy names it. */
struct piece {
   VkImageSubresourceLayers layers;
   VkOffset3D offset;
   VkExtent3D extent;
};

static const struct vps_image *image_of(const struct vps_context *ctx, unsigned which)
{
   return ctx->used[which]->state;
}

static uint32_t size_at(uint32_t size, uint32_t level)
{
   const uint32_t shifted = level < 32 ? size >> level : 0;
   return shifted ? shifted : 1;
}

static uint32_t divide_up(uint32_t a, uint32_t b)
{
   return a / b + (a % b != 0);
}

static bool is_within(uint32_t first, uint32_t count, uint32_t remaining, uint32_t all)
{
   return count == remaining ? first < all : vps_fits(first, count, all);
}

static bool refuse_image(struct vps_context *ctx, const struct vps_image *image, const char *what)
{
   vps_fail(ctx, "%s not in the image of %ux%ux%u with %u levels and %u layers", what, image->extent.width,
            image->extent.height, image->extent.depth, image->levels, image->layers);
   return false;
}

static bool check_layers(struct vps_context *ctx, const struct vps_image *image, const VkImageSubresourceLayers *layers)
{
   return (layers->mipLevel < image->levels &&
           is_within(layers->baseArrayLayer, layers->layerCount, VK_REMAINING_ARRAY_LAYERS, image->layers)) ||
          refuse_image(ctx, image, "a level or a layer is");
}

static uint32_t count_layers(const struct vps_image *image, const VkImageSubresourceLayers *layers)
{
   return layers->layerCount == VK_REMAINING_ARRAY_LAYERS ? image->layers - layers->baseArrayLayer : layers->layerCount;
}

/* The size of a level, or of one plane of it. */
static VkExtent3D level_of(const struct vps_image *image, const VkImageSubresourceLayers *layers)
{
   const bool divided = layers->aspectMask & (VK_IMAGE_ASPECT_PLANE_1_BIT | VK_IMAGE_ASPECT_PLANE_2_BIT);
   const uint32_t x = divided && image->block ? image->block->divisor[0] : 1;
   const uint32_t y = divided && image->block ? image->block->divisor[1] : 1;

   return (VkExtent3D){divide_up(size_at(image->extent.width, layers->mipLevel), x),
                       divide_up(size_at(image->extent.height, layers->mipLevel), y),
                       size_at(image->extent.depth, layers->mipLevel)};
}

/* Whether a stretch ends in a block that there is. */
static bool covers(uint32_t all, unsigned block, int32_t offset, uint64_t size)
{
   return offset >= 0 && (uint32_t)offset + size <= (uint64_t)divide_up(all, block) * block;
}

/* Where the size of the format's blocks is not known, only levels and layers are looked at. */
static bool check_piece(struct vps_context *ctx, const struct vps_image *image, const struct piece *piece)
{
   if (!check_layers(ctx, image, &piece->layers))
      return false;
   const VkExtent3D level = level_of(image, &piece->layers);
   const struct vp_format_block *block = image->block;
   const bool volume = image->type == VK_IMAGE_TYPE_3D;

   if (!block || (covers(level.width, block->extent[0], piece->offset.x, piece->extent.width) &&
                  covers(level.height, block->extent[1], piece->offset.y, piece->extent.height) &&
                  (volume ? covers(level.depth, block->extent[2], piece->offset.z, piece->extent.depth)
                          : piece->offset.z == 0 && piece->extent.depth <= count_layers(image, &piece->layers))))
      return true;
   return refuse_image(ctx, image, "texels are");
}

/* --- from image to image --- */

static uint32_t convert(uint32_t size, unsigned from, unsigned to)
{
   return from == to ? size : divide_up(size, from) * to;
}

/* The extent counts texels of the source; a block of one image becomes a block of the other. */
static bool check_image_copy(struct vps_context *ctx, const VkImageCopy *region)
{
   const struct vps_image *from = image_of(ctx, 1), *to = image_of(ctx, 2);
   struct piece piece = {region->srcSubresource, region->srcOffset, region->extent};

   if (!check_piece(ctx, from, &piece))
      return false;
   piece = (struct piece){region->dstSubresource, region->dstOffset, region->extent};
   if (from->block && to->block) {
      piece.extent.width = convert(piece.extent.width, from->block->extent[0], to->block->extent[0]);
      piece.extent.height = convert(piece.extent.height, from->block->extent[1], to->block->extent[1]);
      piece.extent.depth = convert(piece.extent.depth, from->block->extent[2], to->block->extent[2]);
   }
   return check_piece(ctx, to, &piece);
}

bool vps_check_vkCmdCopyImage(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyImage *a)
{
   for (uint32_t i = 0; i < a->regionCount; i++) {
      if (!check_image_copy(ctx, &a->pRegions[i]))
         return false;
   }
   return true;
}

bool vps_check_vkCmdCopyImage2(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyImage2 *a)
{
   for (uint32_t i = 0; i < a->pCopyImageInfo->regionCount; i++) {
      const VkImageCopy2 *region = &a->pCopyImageInfo->pRegions[i];
      if (!check_image_copy(ctx, &(VkImageCopy){region->srcSubresource, region->srcOffset, region->dstSubresource,
                                                region->dstOffset, region->extent}))
         return false;
   }
   return true;
}

static bool check_resolve(struct vps_context *ctx, const VkImageResolve *region)
{
   return check_piece(ctx, image_of(ctx, 1),
                      &(struct piece){region->srcSubresource, region->srcOffset, region->extent}) &&
          check_piece(ctx, image_of(ctx, 2),
                      &(struct piece){region->dstSubresource, region->dstOffset, region->extent});
}

bool vps_check_vkCmdResolveImage(struct vps_context *ctx, const struct vp_cmd_vkCmdResolveImage *a)
{
   for (uint32_t i = 0; i < a->regionCount; i++) {
      if (!check_resolve(ctx, &a->pRegions[i]))
         return false;
   }
   return true;
}

bool vps_check_vkCmdResolveImage2(struct vps_context *ctx, const struct vp_cmd_vkCmdResolveImage2 *a)
{
   for (uint32_t i = 0; i < a->pResolveImageInfo->regionCount; i++) {
      const VkImageResolve2 *region = &a->pResolveImageInfo->pRegions[i];
      if (!check_resolve(ctx, &(VkImageResolve){region->srcSubresource, region->srcOffset, region->dstSubresource,
                                                region->dstOffset, region->extent}))
         return false;
   }
   return true;
}

static bool is_corner(int32_t at, uint32_t size)
{
   return at >= 0 && (uint32_t)at <= size;
}

/* A blit names two corners, in any order. */
static bool check_corners(struct vps_context *ctx, const struct vps_image *image,
                          const VkImageSubresourceLayers *layers, const VkOffset3D *corners)
{
   if (!check_layers(ctx, image, layers))
      return false;
   const VkExtent3D level = level_of(image, layers);
   bool ok = true;

   for (unsigned i = 0; i < 2; i++)
      ok = ok && is_corner(corners[i].x, level.width) && is_corner(corners[i].y, level.height) &&
           is_corner(corners[i].z, level.depth);
   return ok || refuse_image(ctx, image, "texels are");
}

static bool check_blit(struct vps_context *ctx, const VkImageBlit *region)
{
   return check_corners(ctx, image_of(ctx, 1), &region->srcSubresource, region->srcOffsets) &&
          check_corners(ctx, image_of(ctx, 2), &region->dstSubresource, region->dstOffsets);
}

bool vps_check_vkCmdBlitImage(struct vps_context *ctx, const struct vp_cmd_vkCmdBlitImage *a)
{
   for (uint32_t i = 0; i < a->regionCount; i++) {
      if (!check_blit(ctx, &a->pRegions[i]))
         return false;
   }
   return true;
}

bool vps_check_vkCmdBlitImage2(struct vps_context *ctx, const struct vp_cmd_vkCmdBlitImage2 *a)
{
   for (uint32_t i = 0; i < a->pBlitImageInfo->regionCount; i++) {
      const VkImageBlit2 *region = &a->pBlitImageInfo->pRegions[i];
      if (!check_corners(ctx, image_of(ctx, 1), &region->srcSubresource, region->srcOffsets) ||
          !check_corners(ctx, image_of(ctx, 2), &region->dstSubresource, region->dstOffsets))
         return false;
   }
   return true;
}

/* --- between images and buffers or memory --- */

/* How many bytes a copy takes there; 0: not known. */
static VkDeviceSize bytes_of(const struct vps_image *image, VkBufferImageCopy region)
{
   region.imageSubresource.layerCount = count_layers(image, &region.imageSubresource);
   const VkDeviceSize size = vps_copy_extent(image->format, &region);
   return size == VK_WHOLE_SIZE && !image->block ? 0 : size;
}

static bool check_buffer_copy(struct vps_context *ctx, unsigned image, unsigned buffer, const VkBufferImageCopy *region)
{
   const struct piece piece = {region->imageSubresource, region->imageOffset, region->imageExtent};

   return check_piece(ctx, image_of(ctx, image), &piece) &&
          vps_check_range(ctx, buffer, "the buffer", region->bufferOffset, bytes_of(image_of(ctx, image), *region));
}

static VkBufferImageCopy without_chain(const VkBufferImageCopy2 *region)
{
   return (VkBufferImageCopy){region->bufferOffset,     region->bufferRowLength, region->bufferImageHeight,
                              region->imageSubresource, region->imageOffset,     region->imageExtent};
}

bool vps_check_vkCmdCopyBufferToImage(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyBufferToImage *a)
{
   for (uint32_t i = 0; i < a->regionCount; i++) {
      if (!check_buffer_copy(ctx, 2, 1, &a->pRegions[i]))
         return false;
   }
   return true;
}

bool vps_check_vkCmdCopyBufferToImage2(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyBufferToImage2 *a)
{
   for (uint32_t i = 0; i < a->pCopyBufferToImageInfo->regionCount; i++) {
      const VkBufferImageCopy region = without_chain(&a->pCopyBufferToImageInfo->pRegions[i]);
      if (!check_buffer_copy(ctx, 2, 1, &region))
         return false;
   }
   return true;
}

bool vps_check_vkCmdCopyImageToBuffer(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyImageToBuffer *a)
{
   for (uint32_t i = 0; i < a->regionCount; i++) {
      if (!check_buffer_copy(ctx, 1, 2, &a->pRegions[i]))
         return false;
   }
   return true;
}

bool vps_check_vkCmdCopyImageToBuffer2(struct vps_context *ctx, const struct vp_cmd_vkCmdCopyImageToBuffer2 *a)
{
   for (uint32_t i = 0; i < a->pCopyImageToBufferInfo->regionCount; i++) {
      const VkBufferImageCopy region = without_chain(&a->pCopyImageToBufferInfo->pRegions[i]);
      if (!check_buffer_copy(ctx, 1, 2, &region))
         return false;
   }
   return true;
}

static bool check_memory_copy(struct vps_context *ctx, const VkBufferImageCopy *region, size_t room)
{
   const struct piece piece = {region->imageSubresource, region->imageOffset, region->imageExtent};
   const struct vps_image *image = image_of(ctx, 1);

   if (!check_piece(ctx, image, &piece))
      return false;
   const VkDeviceSize size = bytes_of(image, *region);
   return size <= room || vps_refuse_range(ctx, "the memory", 0, size, room);
}

bool vps_check_vkCopyImageToMemoryMESA(struct vps_context *ctx, const struct vp_cmd_vkCopyImageToMemoryMESA *a)
{
   const VkCopyImageToMemoryInfoMESA *info = a->pCopyImageToMemoryInfo;

   return check_memory_copy(ctx,
                            &(VkBufferImageCopy){0, info->memoryRowLength, info->memoryImageHeight,
                                                 info->imageSubresource, info->imageOffset, info->imageExtent},
                            a->dataSize);
}

bool vps_check_vkCopyMemoryToImageMESA(struct vps_context *ctx, const struct vp_cmd_vkCopyMemoryToImageMESA *a)
{
   for (uint32_t i = 0; i < a->pCopyMemoryToImageInfo->regionCount; i++) {
      const VkMemoryToImageCopyMESA *region = &a->pCopyMemoryToImageInfo->pRegions[i];
      if (!check_memory_copy(ctx,
                             &(VkBufferImageCopy){0, region->memoryRowLength, region->memoryImageHeight,
                                                  region->imageSubresource, region->imageOffset, region->imageExtent},
                             region->dataSize))
         return false;
   }
   return true;
}

#ifdef VK_EXT_host_image_copy

bool vps_check_vkCopyImageToImage(struct vps_context *ctx, const struct vp_cmd_vkCopyImageToImage *a)
{
   for (uint32_t i = 0; i < a->pCopyImageToImageInfo->regionCount; i++) {
      const VkImageCopy2 *region = &a->pCopyImageToImageInfo->pRegions[i];
      if (!check_image_copy(ctx, &(VkImageCopy){region->srcSubresource, region->srcOffset, region->dstSubresource,
                                                region->dstOffset, region->extent}))
         return false;
   }
   return true;
}

#endif

/* --- whole levels and layers --- */

/* `layers` are those that the image has, or its slices. */
static bool check_range(struct vps_context *ctx, const struct vps_image *image, const VkImageSubresourceRange *range,
                        uint32_t layers)
{
   return (is_within(range->baseMipLevel, range->levelCount, VK_REMAINING_MIP_LEVELS, image->levels) &&
           is_within(range->baseArrayLayer, range->layerCount, VK_REMAINING_ARRAY_LAYERS, layers)) ||
          refuse_image(ctx, image, "a level or a layer is");
}

static bool check_ranges(struct vps_context *ctx, uint32_t count, const VkImageSubresourceRange *ranges)
{
   const struct vps_image *image = image_of(ctx, 1);

   for (uint32_t i = 0; i < count; i++) {
      if (!check_range(ctx, image, &ranges[i], image->layers))
         return false;
   }
   return true;
}

bool vps_check_vkCmdClearColorImage(struct vps_context *ctx, const struct vp_cmd_vkCmdClearColorImage *a)
{
   return check_ranges(ctx, a->rangeCount, a->pRanges);
}

bool vps_check_vkCmdClearDepthStencilImage(struct vps_context *ctx, const struct vp_cmd_vkCmdClearDepthStencilImage *a)
{
   return check_ranges(ctx, a->rangeCount, a->pRanges);
}

/* The slices of a volume can be seen as layers. */
bool vps_check_vkCreateImageView(struct vps_context *ctx, const struct vp_cmd_vkCreateImageView *a)
{
   const VkImageSubresourceRange *range = &a->pCreateInfo->subresourceRange;
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_IMAGE);

   if (!object) {
      vps_fail(ctx, "image is missing");
      return false;
   }
   const struct vps_image *image = object->state;
   const uint32_t slices = size_at(image->extent.depth, range->baseMipLevel);
   return check_range(ctx, image, range, image->type == VK_IMAGE_TYPE_3D ? slices : image->layers);
}

static uint32_t count_levels(uint32_t size)
{
   return size ? 32 - (uint32_t)__builtin_clz(size) : 0;
}

bool vps_check_vkCreateImage(struct vps_context *ctx, const struct vp_cmd_vkCreateImage *a)
{
   const VkImageCreateInfo *info = a->pCreateInfo;
   const VkExtent3D *extent = &info->extent;
   const uint32_t levels = count_levels(extent->width | extent->height | extent->depth);

   if (extent->width && extent->height && extent->depth && info->mipLevels && info->mipLevels <= levels &&
       info->arrayLayers && info->samples && !(info->samples & (info->samples - 1)) &&
       (extent->height == 1 || info->imageType != VK_IMAGE_TYPE_1D) &&
       (extent->depth == 1 || info->imageType == VK_IMAGE_TYPE_3D) &&
       (info->arrayLayers == 1 || info->imageType != VK_IMAGE_TYPE_3D))
      return true;
   vps_fail(ctx, "there is no image of %ux%ux%u with %u levels, %u layers and %#x samples", extent->width,
            extent->height, extent->depth, info->mipLevels, info->arrayLayers, (unsigned)info->samples);
   return false;
}

bool vps_check_vkBindOpticalFlowSessionImageNV(struct vps_context *ctx,
                                               const struct vp_cmd_vkBindOpticalFlowSessionImageNV *a)
{
   return vps_check_slots(ctx, (uint32_t)a->bindingPoint, 1, VK_OPTICAL_FLOW_SESSION_BINDING_POINT_GLOBAL_FLOW_NV + 1,
                          "the places for images of optical flow");
}
