/* SPDX-License-Identifier: MIT */

/* Calls TurboJPEG, with colours at full resolution in high quality and at half of it below. */

#include "common/picture/jpeg.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/util/library.h"

/* From turbojpeg.h, whose numbers do not change. */
#define PIXELS_BGRA 8
#define FULL_COLOR 0 /* no chroma is left out */
#define HALF_COLOR 2 /* half of it each way */

/* Text and thin lines suffer most from coarse colours; who wants quality gets them whole. */
#define FULL_COLOR_QUALITY 90u

static struct {
   void *(*init_compress)(void);
   void *(*init_decompress)(void);
   int (*compress)(void *handle, const unsigned char *source, int width, int pitch, int height, int format,
                   unsigned char **out, unsigned long *size, int subsampling, int quality, int flags);
   int (*read_header)(void *handle, const unsigned char *data, unsigned long size, int *width, int *height,
                      int *subsampling, int *colorspace);
   int (*decompress)(void *handle, const unsigned char *data, unsigned long size, unsigned char *out, int width,
                     int pitch, int height, int format, int flags);
   int (*destroy)(void *handle);
   void (*free)(unsigned char *buffer);
} turbo;

static bool usable;

struct vp_jpeg {
   void *compressor, *decompressor;
   unsigned char *out; /* the library's, which makes it larger when need be */
   unsigned long capacity;
};

static void jpeg_load(void)
{
   const struct vp_symbol symbols[] = {
      {"tjInitCompress", &turbo.init_compress},
      {"tjInitDecompress", &turbo.init_decompress},
      {"tjCompress2", &turbo.compress},
      {"tjDecompressHeader3", &turbo.read_header},
      {"tjDecompress2", &turbo.decompress},
      {"tjDestroy", &turbo.destroy},
      {"tjFree", &turbo.free},
      {NULL, NULL},
   };
   usable = vp_library_load("libturbojpeg.so.0", symbols);
}

bool vp_jpeg_is_usable(void)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;

   pthread_once(&once, jpeg_load);
   return usable;
}

struct vp_jpeg *vp_jpeg_create(void)
{
   struct vp_jpeg *jpeg = vp_jpeg_is_usable() ? calloc(1, sizeof(*jpeg)) : NULL;
   if (!jpeg)
      return NULL;
   jpeg->compressor = turbo.init_compress();
   jpeg->decompressor = turbo.init_decompress();
   if (jpeg->compressor && jpeg->decompressor)
      return jpeg;
   vp_jpeg_destroy(jpeg);
   return NULL;
}

void vp_jpeg_destroy(struct vp_jpeg *jpeg)
{
   if (!jpeg)
      return;
   if (jpeg->compressor)
      turbo.destroy(jpeg->compressor);
   if (jpeg->decompressor)
      turbo.destroy(jpeg->decompressor);
   if (jpeg->out)
      turbo.free(jpeg->out);
   free(jpeg);
}

const uint8_t *vp_jpeg_compress(struct vp_jpeg *jpeg, const uint8_t *pixels, uint32_t width, uint32_t height,
                                unsigned quality, size_t *size)
{
   const int color = quality >= FULL_COLOR_QUALITY ? FULL_COLOR : HALF_COLOR;
   unsigned long length = jpeg->capacity;

   if (turbo.compress(jpeg->compressor, pixels, (int)width, 0, (int)height, PIXELS_BGRA, &jpeg->out, &length, color,
                      (int)quality, 0) != 0)
      return NULL;
   if (length > jpeg->capacity)
      jpeg->capacity = length;
   *size = length;
   return jpeg->out;
}

bool vp_jpeg_decompress(struct vp_jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *pixels, uint32_t width,
                        uint32_t height)
{
   int found_width, found_height, subsampling, colorspace;

   return turbo.read_header(jpeg->decompressor, data, size, &found_width, &found_height, &subsampling, &colorspace) ==
             0 &&
          (uint32_t)found_width == width && (uint32_t)found_height == height &&
          turbo.decompress(jpeg->decompressor, data, size, pixels, (int)width, 0, (int)height, PIXELS_BGRA, 0) == 0;
}
