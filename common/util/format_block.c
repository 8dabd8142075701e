/* SPDX-License-Identifier: MIT */

/* A binary search in the generated table, and the size of one aspect of a texel block: depth and stencil lie apart in
 * buffers. */

#include "common/util/format_block.h"

const struct vp_format_block *vp_format_block_find(VkFormat format)
{
   size_t first = 0, end = vp_format_block_count;

   while (first < end) {
      const size_t middle = first + (end - first) / 2;
      const struct vp_format_block *block = &vp_format_blocks[middle];
      if (block->format == (int32_t)format)
         return block;
      if (block->format < (int32_t)format)
         first = middle + 1;
      else
         end = middle;
   }
   return NULL;
}

unsigned vp_format_block_size(const struct vp_format_block *block, VkImageAspectFlags aspect)
{
   switch (aspect) {
   case VK_IMAGE_ASPECT_PLANE_0_BIT:
      return block->size[1];
   case VK_IMAGE_ASPECT_PLANE_1_BIT:
      return block->size[2];
   case VK_IMAGE_ASPECT_PLANE_2_BIT:
      return block->size[3];
   case VK_IMAGE_ASPECT_STENCIL_BIT:
      return 1;
   case VK_IMAGE_ASPECT_DEPTH_BIT: /* packed depth and stencil are apart in memory */
      return block->format == VK_FORMAT_D16_UNORM_S8_UINT || block->format == VK_FORMAT_D16_UNORM ? 2 : 4;
   default:
      return block->size[0];
   }
}
