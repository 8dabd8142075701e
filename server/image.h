/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_IMAGE_H
#define VP_SERVER_IMAGE_H

#include <vulkan/vulkan.h>

struct vps_object;

/* What a VkImage was created with. */
VkFormat vps_image_format(const struct vps_object *image);

#endif
