/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_CLEAR_H
#define VP_SERVER_MEMORY_CLEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_clear;
struct vps_context;
struct vps_device;

/* VkMemoryAllocateFlagBits that older headers do not have. */
#define VPS_MEMORY_ALLOCATE_ZERO_INITIALIZE 8u

/* Chooses the way, and adds to what a device is created with what that needs. Temporary memory of the command. False
 * without memory. */
bool vps_clear_choose(struct vps_context *ctx, VkPhysicalDevice gpu, VkDeviceCreateInfo *info, struct vps_clear *clear);

/* Makes mapped memory of the driver's zeros. */
void vps_clear_mapping(const struct vps_device *device, void *memory, size_t size);

/* vkAllocateMemory for what a client can come to read: it is zeros, unless VPS_CLEAR_KERNEL. What cannot be cleared
 * cannot be had. May wait for the GPU, for ten seconds at most. For the executing thread. */
VkResult vps_clear_allocate(struct vps_device *device, const VkMemoryAllocateInfo *info, VkDeviceMemory *memory);

/* Before the device is destroyed: waits for what the GPU has not done yet, up to a time of vp_clock_ms(). False when it
 * takes longer. */
bool vps_clear_stop(const struct vps_device *device, int64_t deadline_ms);

/* Destroys all of it. */
void vps_clear_finish(struct vps_device *device);

#endif
