/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_COPY_EXTENT_H
#define VP_SERVER_MEMORY_COPY_EXTENT_H

#include <vulkan/vulkan.h>

/* How many bytes of a buffer, from the offset of the region on, a copy of it from an image can write to: all between
 * the first and the last one. VK_WHOLE_SIZE when that cannot be told. */
VkDeviceSize vps_copy_extent(VkFormat format, const VkBufferImageCopy *region);

#endif
