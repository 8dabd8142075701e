/* SPDX-License-Identifier: MIT */

/* venus-pictures: what each codec of presented frames costs for given pictures: bytes on the wire, time of encoding and
 * of decoding, medians of all frames but the first. */

#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "client/wsi/picture_decoder.h"
#include "common/picture/h264.h"
#include "common/picture/jpeg.h"
#include "common/picture/planes.h"
#include "common/util/clock.h"

#define ROWS 4 /* of tiles in a part */
#define MAX_FRAMES 2000
#define RATE 12.5e6 /* of the link that H.264 reckons with: 100 Mbit/s */

struct bench {
   struct vp_picture picture; /* the encoder's */
   struct vp_picture_decoder decoder;
   struct vp_jpeg *jpeg;
   struct vp_h264_encoder *h264;
   uint8_t *mask, *tiles, *packed, *planes;
   size_t packed_size;
   unsigned quality;
   size_t bytes; /* of this frame */
   int64_t encode_ns, decode_ns;
};

static void fail(const char *text)
{
   fprintf(stderr, "venus-pictures: %s\n", text);
   exit(1);
}

static void *allocate(size_t size)
{
   void *memory = calloc(1, size);
   if (!memory)
      fail("out of memory");
   return memory;
}

/* The client's side of a part. */
static void take(struct bench *bench, uint32_t codec, uint32_t first, uint32_t count, const uint8_t *data, size_t size)
{
   const struct vp_present_header header = {.frame = 1, .codec = codec, .first_row = first, .row_count = count};
   const size_t mask_size = vp_tiles_mask_size(&bench->picture, count);
   uint8_t *payload = allocate(mask_size + size);

   memcpy(payload, bench->mask, mask_size);
   memcpy(payload + mask_size, data, size);
   const int64_t start = vp_clock_ns();
   if (!vp_picture_decode(&bench->decoder, &header, payload, mask_size + size))
      fail("a part cannot be decoded");
   bench->decode_ns += vp_clock_ns() - start;
   bench->bytes += VP_PRESENT_HEADER_SIZE + mask_size + size;
   free(payload);
}

static const uint8_t *pack(struct bench *bench, uint32_t codec, const uint8_t *pixels, uint32_t first, uint32_t count,
                           size_t *size)
{
   switch (codec) {
   case VP_PRESENT_LZ4:
   case VP_PRESENT_LZ4_PLAIN:
      *size = (size_t)LZ4_compress_default((const char *)bench->tiles, (char *)bench->packed, (int)*size,
                                           (int)bench->packed_size);
      return bench->packed;
   case VP_PRESENT_ZSTD:
   case VP_PRESENT_ZSTD_PLAIN:
      *size = ZSTD_compress(bench->packed, bench->packed_size, bench->tiles, *size, 1);
      return bench->packed;
   case VP_PRESENT_JPEG:
      return vp_jpeg_compress(bench->jpeg, pixels + vp_band_offset(&bench->picture, first), bench->picture.width,
                              vp_band_height(&bench->picture, first, count), bench->quality, size);
   default:
      return bench->tiles;
   }
}

static void code_band(struct bench *bench, uint32_t codec, const uint8_t *pixels, uint32_t first, uint32_t count)
{
   const bool combined = vp_present_codec_combines(codec);
   const int64_t start = vp_clock_ns();
   size_t next = 0;

   size_t size =
      vp_tiles_collect(&bench->picture, pixels, first, count, &next, SIZE_MAX, combined, bench->mask, bench->tiles);
   const bool any = size;
   const uint8_t *data = any ? pack(bench, codec, pixels, first, count, &size) : NULL;
   bench->encode_ns += vp_clock_ns() - start;
   if (any && !data)
      fail("a part cannot be encoded");
   if (any)
      take(bench, codec, first, count, data, size);
}

static void code_video(struct bench *bench, const uint8_t *pixels)
{
   const struct vp_picture *picture = &bench->picture;
   const uint32_t rows = vp_picture_tile_rows(picture);
   const int64_t start = vp_clock_ns();
   size_t next = 0, size;

   if (!vp_tiles_collect(picture, pixels, 0, rows, &next, SIZE_MAX, false, bench->mask, NULL))
      return;
   vp_planes_make(pixels, picture->width, picture->height, bench->planes);
   const uint8_t *data = vp_h264_encode(bench->h264, bench->planes, RATE, &size);
   bench->encode_ns += vp_clock_ns() - start;
   if (!data)
      fail("a picture cannot be encoded");
   take(bench, VP_PRESENT_H264, 0, rows, data, size);
}

static void code_frame(struct bench *bench, uint32_t codec, const uint8_t *pixels)
{
   const uint32_t rows = vp_picture_tile_rows(&bench->picture);

   bench->bytes = 0;
   bench->encode_ns = bench->decode_ns = 0;
   if (codec == VP_PRESENT_H264) {
      code_video(bench, pixels);
      return;
   }
   for (uint32_t first = 0; first < rows; first += ROWS)
      code_band(bench, codec, pixels, first, rows - first < ROWS ? rows - first : ROWS);
}

static int compare(const void *a, const void *b)
{
   const double x = *(const double *)a, y = *(const double *)b;
   return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
   qsort(values, count, sizeof(*values), compare);
   return count ? values[count / 2] : 0;
}

static void open_bench(struct bench *bench, uint32_t width, uint32_t height, unsigned quality)
{
   const size_t size = (size_t)width * height * VP_PIXEL_SIZE;

   *bench = (struct bench){.picture = {width, height, allocate(size)}, .quality = quality};
   bench->decoder.picture = (struct vp_picture){width, height, allocate(size)};
   bench->packed_size = ZSTD_compressBound(size) + (size_t)LZ4_compressBound((int)size);
   bench->mask = allocate(vp_tiles_mask_size(&bench->picture, vp_picture_tile_rows(&bench->picture)));
   bench->tiles = allocate(vp_tiles_max_size(&bench->picture, ROWS));
   bench->packed = allocate(bench->packed_size);
   bench->planes = allocate(vp_planes_of(width, height).size);
   bench->jpeg = vp_jpeg_create();
   bench->h264 = vp_h264_encoder_create(width, height, quality);
}

static void close_bench(struct bench *bench)
{
   vp_picture_decoder_finish(&bench->decoder);
   vp_jpeg_destroy(bench->jpeg);
   vp_h264_encoder_destroy(bench->h264);
   free(bench->picture.pixels);
   free(bench->mask);
   free(bench->tiles);
   free(bench->packed);
   free(bench->planes);
}

/* What is measured. */
static const struct {
   const char *name;
   uint32_t codec;
   unsigned quality;
} kinds[] = {
   {"raw", VP_PRESENT_RAW, 1},
   {"lz4", VP_PRESENT_LZ4, 1},
   {"lz4, plain", VP_PRESENT_LZ4_PLAIN, 1},
   {"zstd", VP_PRESENT_ZSTD, 1},
   {"zstd, plain", VP_PRESENT_ZSTD_PLAIN, 1},
   {"jpeg, auto", VP_PRESENT_JPEG, 90},
   {"jpeg, fast", VP_PRESENT_JPEG, 75},
   {"h264, auto", VP_PRESENT_H264, 90},
   {"h264, fast", VP_PRESENT_H264, 75},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct result {
   double bytes[MAX_FRAMES], encode[MAX_FRAMES], decode[MAX_FRAMES];
   unsigned count;
} results[KINDS];

static void note(struct result *result, const struct bench *bench)
{
   result->bytes[result->count] = (double)bench->bytes;
   result->encode[result->count] = (double)bench->encode_ns;
   result->decode[result->count++] = (double)bench->decode_ns;
}

/* All kinds in turn with each picture, so that what else the machine does falls on all alike. */
static void measure(FILE *file, uint32_t width, uint32_t height)
{
   static struct bench benches[KINDS];
   const size_t size = (size_t)width * height * VP_PIXEL_SIZE;
   uint8_t *pixels = allocate(size);

   for (unsigned i = 0; i < KINDS; i++)
      open_bench(&benches[i], width, height, kinds[i].quality);
   if (!benches[0].jpeg || !benches[0].h264)
      fail("libturbojpeg, or libavcodec with libx264, is not installed");
   for (unsigned frame = 0; frame < MAX_FRAMES && fread(pixels, size, 1, file) == 1; frame++) {
      for (unsigned i = 0; i < KINDS; i++) {
         code_frame(&benches[i], kinds[i].codec, pixels);
         if (frame && benches[i].bytes)
            note(&results[i], &benches[i]);
      }
   }
   for (unsigned i = 0; i < KINDS; i++)
      close_bench(&benches[i]);
   free(pixels);
}

static void print_results(void)
{
   for (unsigned i = 0; i < KINDS; i++) {
      struct result *result = &results[i];
      printf("%-12s %4u frames: %8.1f KiB, encoding %6.2f ms, decoding %6.2f ms\n", kinds[i].name, result->count,
             median(result->bytes, result->count) / 1024, median(result->encode, result->count) / 1e6,
             median(result->decode, result->count) / 1e6);
   }
}

int main(int argc, char **argv)
{
   if (argc != 4) {
      fprintf(stderr, "usage: venus-pictures FILE WIDTH HEIGHT\n"
                      "FILE holds pictures without gaps, 4 bytes a pixel: blue, green, red, anything.\n");
      return 2;
   }
   FILE *file = fopen(argv[1], "rb");
   const int width = atoi(argv[2]), height = atoi(argv[3]);
   if (!file || width < (int)VP_H264_MIN || height < (int)VP_H264_MIN || width > (int)VP_H264_MAX ||
       height > (int)VP_H264_MAX)
      fail("no such file, or no such size");
   measure(file, (uint32_t)width, (uint32_t)height);
   print_results();
   fclose(file);
   return 0;
}
