/* SPDX-License-Identifier: MIT */

/* Compares a picture with the one before tile by tile, copies changed tiles (or the XOR with what was there) into a
 * buffer and into the picture, and the other way round on the other side. */

#include "common/picture/tiles.h"

#include <string.h>

/* Where a tile lies. */
struct tile {
   size_t offset; /* of its first pixel in the picture, in bytes */
   size_t stride; /* from row to row there */
   size_t width;  /* in bytes */
   uint32_t height;
};

static uint32_t tile_columns(const struct vp_picture *picture)
{
   return (picture->width + VP_TILE_WIDTH - 1) / VP_TILE_WIDTH;
}

/* The tile number `index` of the band that begins with row `first`. */
static struct tile find_tile(const struct vp_picture *picture, uint32_t first, size_t index)
{
   const uint32_t x = (uint32_t)(index % tile_columns(picture)) * VP_TILE_WIDTH;
   const uint32_t y = (first + (uint32_t)(index / tile_columns(picture))) * VP_TILE_HEIGHT;
   const uint32_t columns = picture->width - x, rows = picture->height - y;

   return (struct tile){
      .offset = ((size_t)y * picture->width + x) * VP_PIXEL_SIZE,
      .stride = picture->width * VP_PIXEL_SIZE,
      .width = (columns < VP_TILE_WIDTH ? columns : VP_TILE_WIDTH) * VP_PIXEL_SIZE,
      .height = rows < VP_TILE_HEIGHT ? rows : VP_TILE_HEIGHT,
   };
}

size_t vp_tiles_mask_size(const struct vp_picture *picture, uint32_t count)
{
   return ((size_t)tile_columns(picture) * count + 7) / 8;
}

size_t vp_tiles_max_size(const struct vp_picture *picture, uint32_t count)
{
   return picture->width * VP_PIXEL_SIZE * VP_TILE_HEIGHT * count;
}

static bool differs(const struct tile *tile, const uint8_t *a, const uint8_t *b)
{
   for (uint32_t row = 0; row < tile->height; row++) {
      const size_t offset = tile->offset + row * tile->stride;
      if (memcmp(a + offset, b + offset, tile->width) != 0)
         return true;
   }
   return false;
}

/* out = a ^ b; out may be a. */
static void combine(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t size)
{
   for (size_t i = 0; i < size; i++)
      out[i] = a[i] ^ b[i];
}

/* Makes a tile of the picture what it is now; what travels of it goes to `out`, if that is wanted. */
static void take_tile(const struct tile *tile, uint8_t *pixels, const uint8_t *now, bool xor, uint8_t *out)
{
   for (uint32_t row = 0; row < tile->height; row++) {
      const size_t offset = tile->offset + row * tile->stride;
      if (out && xor)
         combine(out + row * tile->width, now + offset, pixels + offset, tile->width);
      else if (out)
         memcpy(out + row * tile->width, now + offset, tile->width);
      memcpy(pixels + offset, now + offset, tile->width);
   }
}

size_t vp_tiles_collect(const struct vp_picture *picture, const uint8_t *now, uint32_t first, uint32_t count,
                        size_t *next, size_t limit, bool xor, uint8_t *mask, uint8_t *out)
{
   const size_t total = (size_t)tile_columns(picture) * count;
   size_t size = 0;

   memset(mask, 0, vp_tiles_mask_size(picture, count));
   for (; *next < total && size < limit; (*next)++) {
      const struct tile tile = find_tile(picture, first, *next);
      if (!differs(&tile, picture->pixels, now))
         continue;
      mask[*next / 8] |= (uint8_t)(1 << *next % 8);
      take_tile(&tile, picture->pixels, now, xor, out ? out + size : NULL);
      size += tile.width * tile.height;
   }
   return size;
}

static bool is_set(const uint8_t *mask, size_t i)
{
   return mask[i / 8] >> i % 8 & 1;
}

size_t vp_tiles_gather(const struct vp_picture *picture, uint32_t first, uint32_t count, const uint8_t *mask,
                       uint8_t *out)
{
   const size_t total = (size_t)tile_columns(picture) * count;
   uint8_t *end = out;

   for (size_t i = 0; i < total; i++) {
      const struct tile tile = find_tile(picture, first, i);
      for (uint32_t row = 0; is_set(mask, i) && row < tile.height; row++, end += tile.width)
         memcpy(end, picture->pixels + tile.offset + row * tile.stride, tile.width);
   }
   return (size_t)(end - out);
}

void vp_tiles_copy(const struct vp_picture *picture, uint32_t first, uint32_t count, const uint8_t *mask,
                   const uint8_t *band)
{
   const size_t total = (size_t)tile_columns(picture) * count, band_offset = vp_band_offset(picture, first);

   for (size_t i = 0; i < total; i++) {
      const struct tile tile = find_tile(picture, first, i);
      for (uint32_t row = 0; is_set(mask, i) && row < tile.height; row++) {
         const size_t offset = tile.offset + row * tile.stride;
         memcpy(picture->pixels + offset, band + offset - band_offset, tile.width);
      }
   }
}

static size_t masked_size(const struct vp_picture *picture, uint32_t first, size_t total, const uint8_t *mask)
{
   size_t size = 0;
   for (size_t i = 0; i < total; i++) {
      const struct tile tile = find_tile(picture, first, i);
      if (is_set(mask, i))
         size += tile.width * tile.height;
   }
   return size;
}

bool vp_tiles_apply(const struct vp_picture *picture, uint32_t first, uint32_t count, bool xor, const uint8_t *mask,
                    const uint8_t *data, size_t size)
{
   const size_t total = (size_t)tile_columns(picture) * count;

   if (masked_size(picture, first, total, mask) != size)
      return false;
   for (size_t i = 0; i < total; i++) {
      const struct tile tile = find_tile(picture, first, i);
      if (!is_set(mask, i))
         continue;
      for (uint32_t row = 0; row < tile.height; row++, data += tile.width) {
         uint8_t *pixels = picture->pixels + tile.offset + row * tile.stride;
         if (xor)
            combine(pixels, pixels, data, tile.width);
         else
            memcpy(pixels, data, tile.width);
      }
   }
   return true;
}

void vp_tiles_place_mask(const struct vp_picture *picture, uint32_t first, uint32_t count, const uint8_t *mask,
                         uint8_t *whole)
{
   const size_t total = (size_t)tile_columns(picture) * count, start = (size_t)tile_columns(picture) * first;

   for (size_t i = 0; i < total; i++) {
      if (is_set(mask, i))
         whole[(start + i) / 8] |= (uint8_t)(1 << (start + i) % 8);
   }
}
