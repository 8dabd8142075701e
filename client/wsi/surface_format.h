/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_SURFACE_FORMAT_H
#define VP_CLIENT_WSI_SURFACE_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

/* The formats of surfaces, all of 32 bits. Window systems get pictures in the first ones only. */
#define VP_SURFACE_FORMATS 5
#define VP_WINDOW_FORMATS 4
extern const VkFormat vp_surface_formats[VP_SURFACE_FORMATS];

/* Makes pixels of one of these into what window systems take: 8 bits each of blue, green, red, alpha. */
void vp_surface_format_convert(VkFormat format, uint8_t *out, const uint8_t *pixels, size_t count);

#endif
