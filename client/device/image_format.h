/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_IMAGE_FORMAT_H
#define VP_CLIENT_DEVICE_IMAGE_FORMAT_H

#include "vp_commands.h"

struct vp_physical_device;
struct vp_image_formats;

/* What is known about the images that a GPU can have; NULL without memory. Thread-safe. */
struct vp_image_formats *vp_image_formats_create(void);
void vp_image_formats_destroy(struct vp_image_formats *formats);

/* Answers whether and how images can be, from memory where it was asked before. A program that goes through the
 * usages of a format gets the answers for all of them at once. */
VkResult vp_image_format_ask(struct vp_physical_device *gpu,
                             struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a);

#endif
