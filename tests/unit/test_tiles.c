/* SPDX-License-Identifier: MIT */

/* Pictures in tiles: whatever changes, what is collected on one side and applied on the other makes both equal; and
 * what does not fit is refused. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/jpeg.h"
#include "common/picture/tiles.h"
#include "tests/unit/check.h"

static const uint32_t sizes[][2] = {{1, 1}, {64, 16}, {65, 17}, {63, 15}, {200, 100}, {640, 3}, {3, 640}};

static struct vp_picture create(uint32_t width, uint32_t height)
{
   struct vp_picture picture = {.width = width, .height = height};

   picture.pixels = calloc(1, vp_picture_size(&picture));
   assert(picture.pixels);
   return picture;
}

static void change(uint8_t *pixels, size_t size, unsigned count)
{
   for (unsigned i = 0; i < count; i++)
      pixels[(size_t)rand() % size] = (uint8_t)rand();
}

/* Sends a band, at most about so many bytes at a time. Returns how many bytes of tiles that took. */
static size_t transfer_band(const struct vp_picture *sender, const struct vp_picture *receiver, const uint8_t *now,
                            uint32_t first, uint32_t count, bool combined, size_t limit)
{
   uint8_t *mask = malloc(vp_tiles_mask_size(sender, count)), *tiles = malloc(vp_tiles_max_size(sender, count));
   size_t next = 0, sum = 0, size;

   assert(mask && tiles);
   while ((size = vp_tiles_collect(sender, now, first, count, &next, limit, combined, mask, tiles))) {
      CHECK(size <= vp_tiles_max_size(sender, count));
      CHECK(size < limit + VP_PIXEL_SIZE * VP_TILE_WIDTH * VP_TILE_HEIGHT || limit == SIZE_MAX);
      CHECK(!vp_tiles_apply(receiver, first, count, combined, mask, tiles, size + 1));
      CHECK(!vp_tiles_apply(receiver, first, count, combined, mask, tiles, size - 1));
      CHECK(vp_tiles_apply(receiver, first, count, combined, mask, tiles, size));
      sum += size;
   }
   free(mask);
   free(tiles);
   return sum;
}

/* Sends the picture `now` in bands of `rows` rows of tiles. Returns how many bytes of tiles that took. */
static size_t transfer(const struct vp_picture *sender, const struct vp_picture *receiver, const uint8_t *now,
                       uint32_t rows, bool combined, size_t limit)
{
   const uint32_t total = vp_picture_tile_rows(sender);
   size_t sum = 0;

   for (uint32_t first = 0; first < total; first += rows) {
      const uint32_t count = total - first < rows ? total - first : rows;
      sum += transfer_band(sender, receiver, now, first, count, combined, limit);
   }
   return sum;
}

static void test_size(uint32_t width, uint32_t height, uint32_t rows)
{
   struct vp_picture sender = create(width, height), receiver = create(width, height), now = create(width, height);
   const size_t size = vp_picture_size(&now);

   for (unsigned step = 0; step < 20; step++) {
      change(now.pixels, size, step % 5 * (step % 5) * 10);
      transfer(&sender, &receiver, now.pixels, rows, step % 2, step % 3 ? SIZE_MAX : 5000);
      CHECK(memcmp(sender.pixels, now.pixels, size) == 0);
      CHECK(memcmp(receiver.pixels, now.pixels, size) == 0);
      CHECK(transfer(&sender, &receiver, now.pixels, rows, step % 2, SIZE_MAX) == 0); /* nothing has changed */
   }
   free(sender.pixels);
   free(receiver.pixels);
   free(now.pixels);
}

/* One pixel makes one tile travel, not more. */
static void test_one_tile(void)
{
   struct vp_picture sender = create(200, 100), receiver = create(200, 100), now = create(200, 100);

   now.pixels[(50 * 200 + 130) * VP_PIXEL_SIZE] = 1;
   CHECK(transfer(&sender, &receiver, now.pixels, 2, false, SIZE_MAX) ==
         VP_PIXEL_SIZE * VP_TILE_WIDTH * VP_TILE_HEIGHT);
   free(sender.pixels);
   free(receiver.pixels);
   free(now.pixels);
}

/* All tiles that a mask names, and no others, are gathered and copied. */
static void test_masks(uint32_t width, uint32_t height)
{
   struct vp_picture from = create(width, height), to = create(width, height);
   const uint32_t rows = vp_picture_tile_rows(&from);
   const size_t size = vp_picture_size(&from);
   uint8_t *mask = malloc(vp_tiles_mask_size(&from, rows)), *tiles = malloc(vp_tiles_max_size(&from, rows));

   assert(mask && tiles);
   for (unsigned step = 0; step < 10; step++) {
      change(from.pixels, size, 100);
      for (uint32_t first = 0; first < rows; first++) {
         memset(mask, step % 2 ? 0xff : 0x55, vp_tiles_mask_size(&from, 1));
         const size_t gathered = vp_tiles_gather(&from, first, 1, mask, tiles);
         CHECK(vp_tiles_apply(&to, first, 1, false, mask, tiles, gathered));
         vp_tiles_copy(&to, first, 1, mask, from.pixels + vp_band_offset(&from, first));
         CHECK(vp_tiles_gather(&to, first, 1, mask, tiles) == gathered);
         CHECK(vp_band_height(&from, first, 1) <= VP_TILE_HEIGHT);
      }
      CHECK(step % 2 == 0 || memcmp(from.pixels, to.pixels, size) == 0);
   }
   free(mask);
   free(tiles);
   free(from.pixels);
   free(to.pixels);
}

/* The masks of all bands, put together, name each tile that has changed; and nothing need be collected for that. */
static void test_whole_mask(uint32_t width, uint32_t height)
{
   struct vp_picture sender = create(width, height), receiver = create(width, height), now = create(width, height);
   const uint32_t rows = vp_picture_tile_rows(&now);
   const size_t mask_size = vp_tiles_mask_size(&now, rows);
   uint8_t *band = malloc(mask_size), *whole = calloc(1, mask_size);
   size_t size = 0;

   assert(band && whole);
   change(now.pixels, vp_picture_size(&now), 50);
   for (uint32_t first = 0; first < rows; first += 3) {
      const uint32_t count = rows - first < 3 ? rows - first : 3;
      size_t next = 0;
      size += vp_tiles_collect(&sender, now.pixels, first, count, &next, SIZE_MAX, false, band, NULL);
      vp_tiles_place_mask(&sender, first, count, band, whole);
   }
   CHECK(memcmp(sender.pixels, now.pixels, vp_picture_size(&now)) == 0);
   uint8_t *tiles = malloc(size + 1);
   assert(tiles);
   CHECK(vp_tiles_gather(&sender, 0, rows, whole, tiles) == size);
   CHECK(vp_tiles_apply(&receiver, 0, rows, false, whole, tiles, size));
   CHECK(memcmp(receiver.pixels, now.pixels, vp_picture_size(&now)) == 0);
   free(tiles);
   free(band);
   free(whole);
   free(sender.pixels);
   free(receiver.pixels);
   free(now.pixels);
}

static void test_jpeg(void)
{
   enum { WIDTH = 100, HEIGHT = 30 };
   static uint8_t pixels[WIDTH * HEIGHT * 4], out[WIDTH * HEIGHT * 4];
   struct vp_jpeg *jpeg = vp_jpeg_create();
   size_t size;

   if (!jpeg)
      return;
   for (size_t i = 0; i < sizeof(pixels); i++)
      pixels[i] = i % 4 == 3 ? 255 : (uint8_t)(i / 400 * 5);
   const uint8_t *data = vp_jpeg_compress(jpeg, pixels, WIDTH, HEIGHT, 90, &size);
   if (CHECK(data) && CHECK(size > 0 && size < sizeof(pixels) / 4)) {
      CHECK(vp_jpeg_decompress(jpeg, data, size, out, WIDTH, HEIGHT));
      for (size_t i = 0; i < sizeof(pixels); i++)
         CHECK(abs(pixels[i] - out[i]) < 8);
      CHECK(!vp_jpeg_decompress(jpeg, data, size, out, WIDTH, HEIGHT + 1));
      CHECK(!vp_jpeg_decompress(jpeg, data, size / 2, out, WIDTH, HEIGHT));
      CHECK(!vp_jpeg_decompress(jpeg, pixels, sizeof(pixels), out, WIDTH, HEIGHT));
   }
   vp_jpeg_destroy(jpeg);
}

int main(void)
{
   for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
      for (uint32_t rows = 1; rows < 5; rows++)
         test_size(sizes[i][0], sizes[i][1], rows);
   }
   test_one_tile();
   for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
      test_masks(sizes[i][0], sizes[i][1]);
   for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
      test_whole_mask(sizes[i][0], sizes[i][1]);
   test_jpeg();
   return check_finish();
}
