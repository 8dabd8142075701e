/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_ADDRESS_H
#define VP_SERVER_MEMORY_ADDRESS_H

#include <vulkan/vulkan.h>

struct vps_device;

/* Tells the client the address of new memory, where it expects to hear it (common/memory/address.h). */
void vps_address_tell(struct vps_device *device, uint64_t id, VkDeviceMemory memory, const VkMemoryAllocateInfo *info);

#endif
