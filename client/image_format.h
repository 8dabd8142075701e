/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_IMAGE_FORMAT_H
#define VP_CLIENT_IMAGE_FORMAT_H

#include "vp_commands.h"

struct vp_physical_device;

/* Answers whether and how images can be, from the cache where it was asked before. A program that goes through the
 * usages of a format gets the answers for all of them at once. */
VkResult vp_image_format_ask(struct vp_physical_device *gpu,
                             struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 *a);

#endif
