/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_DEVICE_MEMORY_H
#define VP_SERVER_CORE_DEVICE_MEMORY_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vps_device;

/* vkAllocateMemory and vkFreeMemory for whatever the server does with a device, on the account of its client. */

/* VK_ERROR_OUT_OF_DEVICE_MEMORY also when the quota is used up; then, or when anything else fails, *memory is null. */
VkResult vps_device_memory_allocate(const struct vps_device *device, const VkMemoryAllocateInfo *info,
                                    VkDeviceMemory *memory);

/* The client hears of it: if it was because of a quota, the log does, too. */
void vps_device_memory_report(VkDeviceSize size);

/* Null is fine. */
void vps_device_memory_free(const struct vps_device *device, VkDeviceMemory memory, VkDeviceSize size);

/* So much of what the driver was asked for does not count, since the client has not asked for it. */
void vps_device_memory_trim(const struct vps_device *device, VkDeviceSize excess);

/* Where the driver is told to free it elsewhere. */
void vps_device_memory_forget(const struct vps_device *device, VkDeviceSize size);

/* The account of an allocation that is there when its device has gone. */
struct vps_memory_account {
   VkDeviceSize size;
   unsigned tally_gpu;
   bool is_processor;
};

struct vps_memory_account vps_memory_account_of(const struct vps_device *device, VkDeviceSize size);

/* What vps_device_memory_forget() does. */
void vps_memory_account_give(const struct vps_memory_account *account);

#endif
