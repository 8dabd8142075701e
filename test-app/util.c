/* SPDX-License-Identifier: MIT */

/* Repeatable numbers, time, and pictures in files. */

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <time.h>

#include "test-app/app.h"

uint32_t app_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return (uint32_t)(*state >> 32);
}

void app_random_bytes(uint64_t *state, void *bytes, size_t size)
{
   uint8_t *at = bytes;
   for (size_t i = 0; i < size; i++)
      at[i] = (uint8_t)app_random(state);
}

double app_now(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void app_sleep_ms(unsigned ms)
{
   struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
   while (nanosleep(&left, &left) != 0 && errno == EINTR) {
   }
}

bool app_png_write(struct app_test *t, const char *path, uint32_t width, uint32_t height, const uint8_t *rgba)
{
   png_image image = {
      .version = PNG_IMAGE_VERSION,
      .width = width,
      .height = height,
      .format = PNG_FORMAT_RGBA,
      .flags = PNG_IMAGE_FLAG_FAST,
   };
   int good = png_image_write_to_file(&image, path, 0, rgba, 0, NULL);
   if (!good)
      fprintf(stderr, "venus-test-app: cannot write %s: %s; choose another --out\n", path, image.message);
   return CHECK(t, good != 0);
}
