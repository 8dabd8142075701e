/* SPDX-License-Identifier: MIT */
#include "client/wsi/surface_format.h"

#include <string.h>

/* Programs that take the first one get what they get from other drivers. Those that look for the one with the most bits
 * must not find one that the display cannot show, so the last is for surfaces without pictures. */
const VkFormat vp_surface_formats[VP_SURFACE_FORMATS] = {
   VK_FORMAT_B8G8R8A8_SRGB,  VK_FORMAT_B8G8R8A8_UNORM,           VK_FORMAT_R8G8B8A8_SRGB,
   VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_A2B10G10R10_UNORM_PACK32,
};

static void swap_red_and_blue(uint8_t *out, const uint8_t *pixels, size_t count)
{
   for (size_t i = 0; i < count; i++) {
      out[4 * i] = pixels[4 * i + 2];
      out[4 * i + 1] = pixels[4 * i + 1];
      out[4 * i + 2] = pixels[4 * i];
      out[4 * i + 3] = pixels[4 * i + 3];
   }
}

void vp_surface_format_convert(VkFormat format, uint8_t *out, const uint8_t *pixels, size_t count)
{
   switch ((uint32_t)format) {
   case VK_FORMAT_R8G8B8A8_SRGB:
   case VK_FORMAT_R8G8B8A8_UNORM:
      swap_red_and_blue(out, pixels, count);
      break;
   default:
      memcpy(out, pixels, count * 4);
   }
}
