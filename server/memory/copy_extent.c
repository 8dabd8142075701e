/* SPDX-License-Identifier: MIT */

/* Counts the format's texel blocks in rows, slices and layers, with the pitches of the region; what overflows cannot be
 * told. */

#include "server/memory/copy_extent.h"

#include <stdbool.h>

#include "common/util/format_block.h"

/* Number of blocks that n texels take. */
static uint64_t count_blocks(uint32_t n, uint8_t extent)
{
   return ((uint64_t)n + extent - 1) / extent;
}

/* *sum += a * b * c, unless that is too large. */
static bool add_product(uint64_t *sum, uint64_t a, uint64_t b, uint64_t c)
{
   uint64_t product;

   return !__builtin_mul_overflow(a, b, &product) && !__builtin_mul_overflow(product, c, &product) &&
          !__builtin_add_overflow(*sum, product, sum);
}

VkDeviceSize vps_copy_extent(VkFormat format, const VkBufferImageCopy *region)
{
   const struct vp_format_block *block = vp_format_block_find(format);
   const VkExtent3D *extent = &region->imageExtent;
   const uint32_t layers = region->imageSubresource.layerCount;

   if (!block || layers == VK_REMAINING_ARRAY_LAYERS)
      return VK_WHOLE_SIZE;
   const unsigned size = vp_format_block_size(block, region->imageSubresource.aspectMask);
   const uint64_t columns = count_blocks(extent->width, block->extent[0]);
   const uint64_t rows = count_blocks(extent->height, block->extent[1]);
   const uint64_t slices = count_blocks(extent->depth, block->extent[2]) * layers;
   const uint64_t pitch = region->bufferRowLength ? count_blocks(region->bufferRowLength, block->extent[0]) : columns;
   const uint64_t slice_rows =
      region->bufferImageHeight ? count_blocks(region->bufferImageHeight, block->extent[1]) : rows;
   uint64_t blocks = columns, bytes = 0;

   if (size == 0)
      return VK_WHOLE_SIZE;
   if (columns == 0 || rows == 0 || slices == 0)
      return 0;
   if (!add_product(&blocks, slices - 1, slice_rows, pitch) || !add_product(&blocks, rows - 1, pitch, 1) ||
       !add_product(&bytes, blocks, size, 1))
      return VK_WHOLE_SIZE;
   return bytes;
}
