/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_LIKELY_IMAGES_H
#define VP_CLIENT_MEMORY_LIKELY_IMAGES_H

#include <vulkan/vulkan.h>

#include "vp_commands.h"

struct vp_device;

/* Tiny images that programs make at their start, only to learn which memory
 * images of that sort can use: the answers are fetched with others before they
 * ask. */
#define VP_LIKELY_IMAGES 18

VkImageCreateInfo vp_likely_image(unsigned index);

/* Keeps the answers for when the application creates such images. */
void vp_likely_images_remember(struct vp_device *device, const VkImageRequirementsVP requirements[VP_LIKELY_IMAGES]);

#endif
