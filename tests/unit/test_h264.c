/* SPDX-License-Identifier: MIT */
/* test: no-tsan */

/* Pictures as H.264: one packet for each, similar to what went in, no larger than the rate allows; and whatever bytes
 * come, the decoder says no in time. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/h264.h"
#include "common/picture/planes.h"
#include "tests/unit/check.h"

#define QUICK 50e6

struct coder {
   uint32_t width, height;
   size_t size;
   uint8_t *pixels, *planes, *back;
   struct vp_h264_encoder *encoder;
   struct vp_h264_decoder *decoder;
};

static void close_coder(struct coder *coder)
{
   vp_h264_encoder_destroy(coder->encoder);
   vp_h264_decoder_destroy(coder->decoder);
   free(coder->pixels);
   free(coder->planes);
   free(coder->back);
}

static bool open_coder(struct coder *coder, uint32_t width, uint32_t height)
{
   *coder = (struct coder){.width = width, .height = height, .size = (size_t)width * height * 4};
   coder->pixels = malloc(coder->size);
   coder->back = malloc(coder->size);
   coder->planes = malloc(vp_planes_of(width, height).size);
   assert(coder->pixels && coder->back && coder->planes);
   coder->encoder = vp_h264_encoder_create(width, height, 75);
   coder->decoder = vp_h264_decoder_create(width, height);
   if (CHECK(coder->encoder && coder->decoder))
      return true;
   close_coder(coder);
   return false;
}

static void draw(struct coder *coder, unsigned step)
{
   for (size_t i = 0; i < coder->size / 4; i++) {
      const unsigned x = (unsigned)(i % coder->width), y = (unsigned)(i / coder->width);
      coder->pixels[4 * i] = (uint8_t)((x + 3 * step) / 4 * 4);
      coder->pixels[4 * i + 1] = (uint8_t)(2 * y + step);
      coder->pixels[4 * i + 2] = (uint8_t)(7 * step);
      coder->pixels[4 * i + 3] = 255;
   }
   vp_planes_make(coder->pixels, coder->width, coder->height, coder->planes);
}

/* How much the pictures differ, for each byte. */
static double difference(const struct coder *coder)
{
   double sum = 0;
   for (size_t i = 0; i < coder->size; i++)
      sum += abs(coder->pixels[i] - coder->back[i]);
   return sum / (double)coder->size;
}

static void test_pictures(uint32_t width, uint32_t height)
{
   struct coder coder;
   size_t size;

   if (!open_coder(&coder, width, height))
      return;
   for (unsigned step = 0; step < 20; step++) {
      draw(&coder, step);
      const uint8_t *data = vp_h264_encode(coder.encoder, coder.planes, QUICK, &size);
      if (!CHECK(data) || !CHECK(vp_h264_decode(coder.decoder, data, size, coder.back)))
         break;
      CHECK(difference(&coder) < 6);
      CHECK(coder.back[3] == 255 && coder.back[coder.size - 1] == 255);
   }
   close_coder(&coder);
}

/* Noise cannot be packed: it becomes as coarse as it must. */
static void test_rate(void)
{
   struct coder coder;
   size_t size, sum = 0;
   const double rate = 600e3; /* 10000 bytes for a picture */

   if (!open_coder(&coder, 400, 300))
      return;
   for (unsigned step = 0; step < 60; step++) {
      for (size_t i = 0; i < coder.size; i++)
         coder.pixels[i] = (uint8_t)rand();
      vp_planes_make(coder.pixels, coder.width, coder.height, coder.planes);
      const uint8_t *data = vp_h264_encode(coder.encoder, coder.planes, step < 20 ? QUICK : rate, &size);
      if (!CHECK(data) || !CHECK(vp_h264_decode(coder.decoder, data, size, coder.back)))
         break;
      if (step >= 30)
         sum += size;
   }
   CHECK(sum / 30 < 15000);
   close_coder(&coder);
}

/* Packets that are damaged, cut off, or of another size are refused or make some picture; nothing else happens. */
static void test_damage(void)
{
   struct coder coder;
   size_t size;

   if (!open_coder(&coder, 160, 90))
      return;
   draw(&coder, 0);
   const uint8_t *data = vp_h264_encode(coder.encoder, coder.planes, QUICK, &size);
   assert(data);
   for (unsigned step = 0; step < 300; step++) {
      struct vp_h264_decoder *decoder = vp_h264_decoder_create(coder.width, coder.height);
      uint8_t *copy = malloc(size);
      assert(decoder && copy);
      memcpy(copy, data, size);
      for (unsigned i = 0; i <= step % 5; i++)
         copy[(size_t)rand() % size] = (uint8_t)rand();
      for (unsigned i = 0; i < 3 && vp_h264_decode(decoder, copy, step % 2 ? size : (size_t)rand() % size, coder.back);)
         i++;
      vp_h264_decoder_destroy(decoder);
      free(copy);
   }
   struct vp_h264_decoder *other = vp_h264_decoder_create(coder.width, coder.height + 2);
   CHECK(!vp_h264_decode(other, data, size, coder.back));
   vp_h264_decoder_destroy(other);
   other = vp_h264_decoder_create(32, 32); /* much smaller */
   CHECK(!vp_h264_decode(other, data, size, coder.back));
   CHECK(!vp_h264_decode(other, data, 0, coder.back));
   vp_h264_decoder_destroy(other);
   CHECK(vp_h264_decode(coder.decoder, data, size, coder.back));
   close_coder(&coder);
}

/* Standard error is the application's. */
static void test_silence(void)
{
   char path[] = "/tmp/venus-test-h264-XXXXXX";
   const int before = dup(STDERR_FILENO), file = mkstemp(path);

   assert(before >= 0 && file >= 0);
   unlink(path);
   dup2(file, STDERR_FILENO);
   test_damage();
   test_rate();
   dup2(before, STDERR_FILENO);
   char said[1000] = {0};
   CHECK(pread(file, said, sizeof(said) - 1, 0) == 0);
   fputs(said, stderr);
   close(before);
   close(file);
}

int main(void)
{
   vp_h264_encoder_destroy(NULL);
   vp_h264_decoder_destroy(NULL);
   CHECK(vp_h264_fits(1280, 720) && !vp_h264_fits(1280, 16) && !vp_h264_fits(16384, 720));
   if (!vp_h264_can_encode() || !vp_h264_can_decode())
      return check_skip("no libavcodec with libx264");
   test_pictures(VP_H264_MIN, VP_H264_MIN);
   test_pictures(321, 243);
   test_pictures(1280, 722);
   test_silence();
   return check_finish();
}
