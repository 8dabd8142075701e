/* SPDX-License-Identifier: MIT */
#include "client/wsi/surface_format.h"

#include "common/util/bytes.h"

#include <string.h>

/* Programs that take the first one get what they get from other drivers. */
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

/* 10 bits to the nearest of 8. */
static uint8_t shorten(uint32_t value)
{
   return (uint8_t)(((value & 1023) * 255 + 511) / 1023);
}

static void shorten_components(uint8_t *out, const uint8_t *pixels, size_t count)
{
   for (size_t i = 0; i < count; i++) {
      const uint32_t pixel = vp_bytes_load_u32(pixels + 4 * i);
      out[4 * i] = shorten(pixel >> 20);
      out[4 * i + 1] = shorten(pixel >> 10);
      out[4 * i + 2] = shorten(pixel);
      out[4 * i + 3] = (uint8_t)((pixel >> 30) * 85);
   }
}

void vp_surface_format_convert(VkFormat format, uint8_t *out, const uint8_t *pixels, size_t count)
{
   switch ((uint32_t)format) {
   case VK_FORMAT_R8G8B8A8_SRGB:
   case VK_FORMAT_R8G8B8A8_UNORM:
      swap_red_and_blue(out, pixels, count);
      break;
   case VK_FORMAT_A2B10G10R10_UNORM_PACK32:
      shorten_components(out, pixels, count);
      break;
   default:
      memcpy(out, pixels, count * 4);
   }
}
