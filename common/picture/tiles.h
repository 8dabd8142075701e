/* SPDX-License-Identifier: MIT */
#ifndef VP_PICTURE_TILES_H
#define VP_PICTURE_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A picture of 32-bit pixels travels in tiles: only those that changed. Tiles at the right and lower edge are
 * smaller. */
#define VP_TILE_WIDTH 64u
#define VP_TILE_HEIGHT 16u

/* Pixels without gaps between the rows. */
struct vp_picture {
   uint32_t width, height;
   uint8_t *pixels;
};

#define VP_PIXEL_SIZE ((size_t)4)

/* No picture is wider or higher, so that no size overflows. */
#define VP_PICTURE_MAX 16384u

static inline size_t vp_picture_size(const struct vp_picture *picture)
{
   return (size_t)picture->width * picture->height * VP_PIXEL_SIZE;
}

static inline uint32_t vp_picture_tile_rows(const struct vp_picture *picture)
{
   return (picture->height + VP_TILE_HEIGHT - 1) / VP_TILE_HEIGHT;
}

/* A band: `count` rows of tiles from row `first` on, which must be in the picture. */

/* Bytes of the bit mask that says which tiles of a band are there: row by row, least significant bit first. */
size_t vp_tiles_mask_size(const struct vp_picture *picture, uint32_t count);

/* The most bytes that the tiles of a band take. */
size_t vp_tiles_max_size(const struct vp_picture *picture, uint32_t count);

/* Collects the tiles of a band in which `now` differs from the picture, and makes the picture equal to it. Tiles are
 * written to `out` one after another (NULL: not at all), as they are or (`xor`) combined with what was there. Begins
 * with the tile number *next, and ends when that is the last one or when `limit` bytes were collected; *next is then
 * the next one. Sets the mask (all of it) and returns the bytes collected. */
size_t vp_tiles_collect(const struct vp_picture *picture, const uint8_t *now, uint32_t first, uint32_t count,
                        size_t *next, size_t limit, bool xor, uint8_t *mask, uint8_t *out);

/* Puts such tiles into the picture. False, and nothing done, when `size` is not what the mask says. */
bool vp_tiles_apply(const struct vp_picture *picture, uint32_t first, uint32_t count, bool xor, const uint8_t *mask,
                    const uint8_t *data, size_t size);

/* Writes the tiles of a band that the mask names to `out`; returns the bytes written. */
size_t vp_tiles_gather(const struct vp_picture *picture, uint32_t first, uint32_t count, const uint8_t *mask,
                       uint8_t *out);

/* Puts the tiles that the mask names into the picture, from the pixels of all of the band. */
void vp_tiles_copy(const struct vp_picture *picture, uint32_t first, uint32_t count, const uint8_t *mask,
                   const uint8_t *band);

/* Adds a band's mask to one of the whole picture. */
void vp_tiles_place_mask(const struct vp_picture *picture, uint32_t first, uint32_t count, const uint8_t *mask,
                         uint8_t *whole);

/* The first row of pixels of a band, and how many it has. */
static inline size_t vp_band_offset(const struct vp_picture *picture, uint32_t first)
{
   return (size_t)first * VP_TILE_HEIGHT * picture->width * VP_PIXEL_SIZE;
}

static inline uint32_t vp_band_height(const struct vp_picture *picture, uint32_t first, uint32_t count)
{
   const uint32_t left = picture->height - first * VP_TILE_HEIGHT;
   return left < count * VP_TILE_HEIGHT ? left : count * VP_TILE_HEIGHT;
}

#endif
