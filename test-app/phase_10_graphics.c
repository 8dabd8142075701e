/* SPDX-License-Identifier: MIT */
/* Phase 10: an animated scene, drawn without a window: textured and lit objects, a depth buffer, a texture whose
 * smaller levels the device makes itself. Drawn once in a render pass and, where the device has Vulkan 1.3, once with
 * dynamic rendering; two frames are in flight. Each picture is checked here and written as a PNG. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-app/phase_10_renderer.h"
#include "test-app/scene.h"

static const uint8_t ground[4] = {51, 102, 153, 255}; /* what an untouched pixel holds */

static const uint8_t *pixel_at(const struct renderer *r, const uint8_t *picture, float x, float y)
{
   uint32_t column = (uint32_t)((x * 0.5f + 0.5f) * (float)r->width);
   uint32_t row = (uint32_t)((y * 0.5f + 0.5f) * (float)r->height);
   return picture + ((size_t)row * r->width + column) * 4;
}

/* The green marker was drawn after the red one, but lies behind it. */
static void check_markers(struct renderer *r, const uint8_t *picture)
{
   const float middle = SCENE_MARKER_CENTRE;
   const float rim = (SCENE_MARKER_RED + SCENE_MARKER_GREEN) / 2.0f;
   static const uint8_t red[4] = {255, 0, 0, 255};
   static const uint8_t green[4] = {0, 255, 0, 255};
   CHECK_BYTES(r->test, red, pixel_at(r, picture, middle, middle), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle + rim, middle), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle - rim, middle), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle, middle + rim), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle, middle - rim), 4);
   CHECK_BYTES(r->test, ground, pixel_at(r, picture, 0.97f, -0.97f), 4);
}

/* A good part of the picture is covered, in many colours, and nothing is transparent. */
static void check_picture(struct renderer *r, const uint8_t *picture)
{
   bool seen[4096] = {false};
   uint32_t colors = 0;
   uint32_t covered = 0;
   uint32_t opaque = 0;
   const uint32_t pixels = r->width * r->height;
   for (uint32_t i = 0; i < pixels; i++) {
      const uint8_t *p = picture + (size_t)i * 4;
      uint32_t color = (uint32_t)(p[0] >> 4) << 8 | (uint32_t)(p[1] >> 4) << 4 | p[2] >> 4;
      colors += !seen[color];
      seen[color] = true;
      covered += memcmp(p, ground, 4) != 0;
      opaque += p[3] == 255;
   }
   CHECK(r->test, covered > pixels / 8 && covered < pixels - pixels / 16);
   CHECK(r->test, colors >= 64);
   CHECK_EQ(r->test, pixels, opaque);
   check_markers(r, picture);
}

static uint64_t hash_picture(const struct renderer *r, const uint8_t *picture)
{
   uint64_t hash = UINT64_C(0xcbf29ce484222325);
   for (size_t i = 0; i < renderer_picture_size(r); i += 4) {
      uint32_t pixel;
      memcpy(&pixel, picture + i, sizeof(pixel));
      hash = (hash ^ pixel) * UINT64_C(0x100000001b3);
   }
   return hash;
}

static void take_picture(struct renderer *r, const char *name, uint32_t frame, const uint8_t *mapped)
{
   char path[4096];
   const size_t size = renderer_picture_size(r);
   check_picture(r, mapped);
   r->hashes[frame] = hash_picture(r, mapped);
   if (frame == 0)
      memcpy(r->first, mapped, size);
   else
      CHECK(r->test, memcmp(r->previous, mapped, size) != 0); /* it moves */
   memcpy(r->previous, mapped, size);
   int length = snprintf(path, sizeof(path), "%s/phase10-%s-%03u.png", r->test->options->out, name, (unsigned)frame);
   if (CHECK(r->test, length > 0 && (size_t)length < sizeof(path)))
      app_png_write(r->test, path, r->width, r->height, r->previous);
}

/* All frames, two in flight. The first time pictures are taken; the second time the same input must give the same
 * bytes again, which also finds what goes wrong only now and then. */
static bool render_frames(struct renderer *r, bool dynamic, bool again)
{
   const uint32_t frames = r->test->options->frames;
   for (uint32_t n = 0; n < frames + RENDERER_IN_FLIGHT; n++) {
      uint32_t slot = n % RENDERER_IN_FLIGHT;
      if (n >= RENDERER_IN_FLIGHT) {
         uint32_t done = n - RENDERER_IN_FLIGHT;
         const uint8_t *picture = r->slots[slot].readback.map;
         if (!renderer_finish_frame(r, slot))
            return false;
         if (again)
            CHECK_EQ(r->test, r->hashes[done], hash_picture(r, picture));
         else
            take_picture(r, dynamic ? "dynamic" : "renderpass", done, picture);
      }
      if (n < frames && !renderer_start_frame(r, dynamic, n, slot))
         return false;
   }
   return true;
}

static bool render_sequence(struct renderer *r, bool dynamic)
{
   if (!render_frames(r, dynamic, false) || !render_frames(r, dynamic, true))
      return false;
   /* Frame 0 once more, in the other slot. */
   if (!renderer_start_frame(r, dynamic, 0, 1) || !renderer_finish_frame(r, 1))
      return false;
   CHECK_BYTES(r->test, r->first, r->slots[1].readback.map, renderer_picture_size(r));
   return true;
}

/* Vulkan does not promise that both ways of drawing round alike; pictures that differ more are wrong. */
static void check_same_scene(struct renderer *r)
{
   uint32_t far = 0;
   for (size_t i = 0; i < renderer_picture_size(r); i++)
      far += abs(r->pass_first[i] - r->first[i]) > 2;
   CHECK(r->test, far <= renderer_picture_size(r) / 1000);
}

void phase_graphics(struct app_test *t)
{
   struct renderer *r = calloc(1, sizeof(*r));
   if (!CHECK(t, r != NULL))
      return;
   if (renderer_create(t, r) && render_sequence(r, false)) {
      memcpy(r->pass_first, r->first, renderer_picture_size(r));
      if (!r->ctx.has_dynamic_rendering)
         app_note(t, "no dynamic rendering (needs Vulkan 1.3)");
      else if (render_sequence(r, true))
         check_same_scene(r);
   }
   renderer_destroy(r);
   free(r);
}
