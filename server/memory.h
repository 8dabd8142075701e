/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_H
#define VP_SERVER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

struct vp_context;
struct vps_device;
struct vps_object;

/* A MEMORY frame of the client. False when the session is over. */
bool vps_memory_receive(struct vp_context *ctx, uint64_t id, const uint8_t *data, size_t size);

/* Something is bound to a VkDeviceMemory: from now on the GPU may write to this part of it (size 0: to nothing). */
void vps_memory_expose(struct vps_object *object, VkDeviceSize offset, VkDeviceSize size);

/* Sends what the GPU has changed in all mapped memory of a device. False without memory, and then the client's
 * copy may be wrong. For any thread. */
bool vps_memory_send_changes(struct vps_device *device);

#endif
