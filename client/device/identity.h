/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_IDENTITY_H
#define VP_CLIENT_DEVICE_IDENTITY_H

#include <vulkan/vulkan.h>

struct vp_physical_device;

/* Rewrites who the GPU and its driver say they are, in the struct and its
 * chain: ours, with the host's name kept. The device is the one it was asked of. */
void vp_identity_apply(const struct vp_physical_device *gpu, VkPhysicalDeviceProperties2 *properties);

#endif
