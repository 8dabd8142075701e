/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_DESCRIPTOR_RULES_H
#define VP_SERVER_MEMORY_DESCRIPTOR_RULES_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vps_device;

/* What the buffers with which memory is looked at are for, so that the device's rules can be tried with them. */
VkBufferUsageFlags vps_descriptor_rules_usage(const struct vps_device *device);

/* Whether the device's rules are right for a part of such a buffer. */
bool vps_descriptor_rules_hold(const struct vps_device *device, VkDeviceAddress address, VkDeviceSize size);

#endif
