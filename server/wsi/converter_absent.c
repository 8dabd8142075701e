/* SPDX-License-Identifier: MIT */

/* Where no compiler of shaders was there to build with, there is no converter, and processors make the planes. */

#include <stddef.h>

#include "server/wsi/converter.h"

bool vps_converter_everywhere;

struct vps_converter *vps_converter_create(const struct vps_device *device, uint32_t width, uint32_t height,
                                           uint32_t buffers)
{
   (void)device;
   (void)width;
   (void)height;
   (void)buffers;
   return NULL;
}

void vps_converter_destroy(struct vps_converter *converter)
{
   (void)converter;
}

/* Nobody has one to call these with. */

VkDeviceSize vps_converter_size(const struct vps_converter *converter)
{
   (void)converter;
   return 0;
}

VkDeviceSize vps_converter_offset(const struct vps_converter *converter)
{
   (void)converter;
   return 0;
}

void vps_converter_use(struct vps_converter *converter, uint32_t number, VkBuffer buffer)
{
   (void)converter;
   (void)number;
   (void)buffer;
}

bool vps_converter_can(const struct vps_converter *converter, uint32_t family)
{
   (void)converter;
   (void)family;
   return false;
}

void vps_converter_record(const struct vps_converter *converter, VkCommandBuffer commands, uint32_t number)
{
   (void)converter;
   (void)commands;
   (void)number;
}
