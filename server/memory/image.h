/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_IMAGE_H
#define VP_SERVER_MEMORY_IMAGE_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vp_format_block;
struct vps_device;
struct vps_memory;
struct vps_object;

/* The state of a VkImage. */
struct vps_image {
   struct vps_device *device;
   VkImage handle;
   VkImageCreateFlags flags;
   VkImageType type;
   VkFormat format;
   const struct vp_format_block *block; /* NULL: not known */
   VkExtent3D extent;
   uint32_t levels, layers;
   VkSampleCountFlagBits samples;
   VkImageUsageFlags usage;
   struct vps_memory *memory; /* NULL: none is bound */
   VkDeviceSize offset;       /* in it */
};

/* What a VkImage was created with; VK_FORMAT_UNDEFINED when that is not known. */
VkFormat vps_image_format(const struct vps_object *image);

/* Memory was bound to a VkImage. */
void vps_image_bind(const struct vps_object *image, const struct vps_object *memory, VkDeviceSize offset);

/* Whether all of the image lies in memory, which has not been freed. */
bool vps_image_is_backed(const struct vps_image *image);

/* An image is about to end: so do the swapchains that it belongs to (server/wsi/swapchain.c), and are unusable from
 * then on. */
void vps_swapchains_lose(const struct vps_image *image);

#endif
