/* SPDX-License-Identifier: MIT */

/* Converts pixels to brightness and colours and back in 16-bit integers, row by row; odd last columns and rows count
 * twice. */

#include "common/picture/planes.h"

#include <string.h>

/* The factors are of 16 bits with their product, so that compilers use the processor's vectors. */

static void make_brightness(const uint8_t *restrict pixels, uint32_t width, uint8_t *restrict out)
{
   for (size_t x = 0; x < width; x++) {
      const uint16_t blue = pixels[4 * x], green = pixels[4 * x + 1], red = pixels[4 * x + 2];
      out[x] = (uint8_t)((uint16_t)(19 * blue + 183 * green + 54 * red + 128) >> 8);
   }
}

/* Of four pixels each: two of a row and two below. */
static void make_colour(const uint8_t *restrict upper, const uint8_t *restrict lower, uint32_t width,
                        uint8_t *restrict blues, uint8_t *restrict reds)
{
   for (uint32_t x = 0; x < width; x++) {
      const uint8_t *a = upper + (size_t)8 * x, *b = lower + (size_t)8 * x;
      const int16_t blue = (int16_t)((a[0] + a[4] + b[0] + b[4] + 2) >> 2);
      const int16_t green = (int16_t)((a[1] + a[5] + b[1] + b[5] + 2) >> 2);
      const int16_t red = (int16_t)((a[2] + a[6] + b[2] + b[6] + 2) >> 2);
      blues[x] = (uint8_t)(((int16_t)(128 * blue - 99 * green - 29 * red + 127) >> 8) + 128);
      reds[x] = (uint8_t)(((int16_t)(128 * red - 116 * green - 12 * blue + 127) >> 8) + 128);
   }
}

/* What lies at the right of the last whole pair: the last pixel of each row, repeated. */
static void make_edge(const uint8_t *upper, const uint8_t *lower, uint32_t width, uint32_t end, uint8_t *blues,
                      uint8_t *reds)
{
   uint8_t pixels[2][8];

   for (uint32_t x = width / 2; x < end; x++) {
      for (uint32_t i = 0; i < 2; i++) {
         const uint32_t from = 2 * x + i < width ? 2 * x + i : width - 1;
         memcpy(pixels[0] + (size_t)4 * i, upper + (size_t)4 * from, 4);
         memcpy(pixels[1] + (size_t)4 * i, lower + (size_t)4 * from, 4);
      }
      make_colour(pixels[0], pixels[1], 1, blues + x, reds + x);
   }
}

void vp_planes_make(const uint8_t *pixels, uint32_t width, uint32_t height, uint8_t *out)
{
   const struct vp_planes planes = vp_planes_of(width, height);
   const size_t row = (size_t)4 * width;

   for (uint32_t y = 0; y < planes.height; y += 2) {
      const uint8_t *upper = pixels + y * row, *lower = y + 1 < height ? upper + row : upper;
      uint8_t *first = out + (size_t)y * planes.stride, *second = first + planes.stride;
      uint8_t *blues = out + planes.colour[0] + (size_t)(y / 2) * (planes.stride / 2);
      uint8_t *reds = out + planes.colour[1] + (size_t)(y / 2) * (planes.stride / 2);
      make_brightness(upper, width, first);
      make_brightness(lower, width, second);
      memset(first + width, first[width - 1], planes.stride - width);
      memset(second + width, second[width - 1], planes.stride - width);
      make_colour(upper, lower, width / 2, blues, reds);
      make_edge(upper, lower, width, planes.stride / 2, blues, reds);
   }
}

static uint8_t clamp(int16_t value)
{
   return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void draw_pixel(int16_t brightness, int16_t blue, int16_t red, uint8_t *restrict out)
{
   out[0] = clamp((int16_t)(brightness + ((int16_t)(119 * blue + 32) >> 6)));
   out[1] = clamp((int16_t)(brightness - ((int16_t)(12 * blue + 30 * red + 32) >> 6)));
   out[2] = clamp((int16_t)(brightness + ((int16_t)(101 * red + 32) >> 6)));
   out[3] = 255;
}

static void draw_row(const uint8_t *restrict first, const uint8_t *restrict blues, const uint8_t *restrict reds,
                     uint32_t width, uint8_t *restrict out)
{
   for (size_t x = 0; x < width / 2; x++) {
      const int16_t blue = (int16_t)(blues[x] - 128), red = (int16_t)(reds[x] - 128);
      draw_pixel(first[2 * x], blue, red, out + 8 * x);
      draw_pixel(first[2 * x + 1], blue, red, out + 8 * x + 4);
   }
   if (width % 2)
      draw_pixel(first[width - 1], (int16_t)(blues[width / 2] - 128), (int16_t)(reds[width / 2] - 128),
                 out + (size_t)4 * (width - 1));
}

void vp_planes_draw(const uint8_t *const planes[3], const int strides[3], uint32_t width, uint32_t height,
                    uint8_t *pixels)
{
   for (uint32_t y = 0; y < height; y++)
      draw_row(planes[0] + (ptrdiff_t)y * strides[0], planes[1] + (ptrdiff_t)(y / 2) * strides[1],
               planes[2] + (ptrdiff_t)(y / 2) * strides[2], width, pixels + (size_t)y * width * 4);
}
