/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_WSI_CONVERTER_H
#define VP_SERVER_WSI_CONVERTER_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_converter;
struct vps_device;

/* Makes planes (common/picture/planes.h) of pictures in buffers, on the GPU. What it uses is its own. For one thread.
 */

/* Also where the CPU plays the GPU, which would have been quicker without. For tests. */
extern bool vps_converter_everywhere;

/* For so many buffers with pictures of one size. NULL when that is not possible, or is not faster here. */
struct vps_converter *vps_converter_create(const struct vps_device *device, uint32_t width, uint32_t height,
                                           uint32_t buffers);
void vps_converter_destroy(struct vps_converter *converter); /* NULL is fine */

/* How large a buffer must be, with VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, and where in it the planes will be. */
VkDeviceSize vps_converter_size(const struct vps_converter *converter);
VkDeviceSize vps_converter_offset(const struct vps_converter *converter);

/* Makes a buffer the one with that number. */
void vps_converter_use(struct vps_converter *converter, uint32_t number, VkBuffer buffer);

/* Whether queues of a family can do it. */
bool vps_converter_can(const struct vps_converter *converter, uint32_t family);

/* Records it, for a buffer with the picture at its start, written by a transfer before. What comes later must wait for
 * VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT. */
void vps_converter_record(const struct vps_converter *converter, VkCommandBuffer commands, uint32_t number);

#endif
