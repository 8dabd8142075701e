/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_FORMAT_BLOCK_H
#define VP_UTIL_FORMAT_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

/* The smallest piece of an image of a format. Generated from the registry, sorted by format. */
struct vp_format_block {
   int32_t format;
   uint8_t size[4];    /* in bytes: of the whole, of planes 0, 1 and 2 */
   uint8_t extent[3];  /* in texels */
   uint8_t divisor[2]; /* of width and height, in planes 1 and 2 */
};

extern const struct vp_format_block vp_format_blocks[];
extern const size_t vp_format_block_count;

/* NULL for a format that the registry does not know. */
const struct vp_format_block *vp_format_block_find(VkFormat format);

/* How many bytes a block takes in a buffer that one aspect is copied to or from. */
unsigned vp_format_block_size(const struct vp_format_block *block, VkImageAspectFlags aspect);

#endif
