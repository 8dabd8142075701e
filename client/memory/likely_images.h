/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_LIKELY_IMAGES_H
#define VP_CLIENT_MEMORY_LIKELY_IMAGES_H

#include <vulkan/vulkan.h>

#include "vp_commands.h"

struct vp_device;

/* Tiny images that programs make at their start, only to learn which memory
 * images of that sort can use: the answers are fetched with others before they
 * ask. */
#define VP_LIKELY_IMAGES 27
#define VP_LIKELY_PLAIN_IMAGES 18 /* the others are for sparse binding */

VkImageCreateInfo vp_likely_image(unsigned index);

/* How many of them a device that is created so can create. */
unsigned vp_likely_images_of(const VkDeviceCreateInfo *info);

/* Keeps the answers, of the first `count`, for when the application creates such images. */
void vp_likely_images_remember(struct vp_device *device, const VkImageRequirementsVP *requirements, unsigned count);

#endif
