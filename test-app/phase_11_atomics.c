/* SPDX-License-Identifier: MIT */
/* Phase 11: atomic operations on 64 bits, in buffers and in shared memory. The picture is one of balls of which the
 * nearest stays, with depth and colour in one number. All of it is whole numbers, which the host makes, too. */

#include <stdlib.h>
#include <string.h>

#include "test-app/phase_11_modern.h"
#include "test-app/shaders.h"

#define BALLS 500
#define VALUES 4096
#define STORAGE (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT)

struct ball {
   int32_t x, y, radius, depth_and_color;
};

/* Two buffers: what the shader reads, and what it changes. */
struct atomics_job {
   struct app_compute compute;
   struct app_buffer in;
   struct app_buffer out;
};

static bool atomics_job_create(struct app_context *ctx, struct atomics_job *job, const struct app_shader *shader,
                               VkDeviceSize in, VkDeviceSize out, uint32_t push_size)
{
   const struct app_buffer *const buffers[2] = {&job->in, &job->out};
   *job = (struct atomics_job){0};
   if (!app_buffer_create(ctx, &job->in, in, STORAGE, APP_MEMORY_UPLOAD) ||
       !app_buffer_create(ctx, &job->out, out, STORAGE, APP_MEMORY_READBACK) ||
       !app_compute_create(ctx, &job->compute, shader, 2, push_size))
      return false;
   app_compute_buffers(ctx, &job->compute, buffers, 2);
   memset(job->out.map, 0, out);
   return true;
}

static void atomics_job_destroy(struct app_context *ctx, struct atomics_job *job)
{
   app_compute_destroy(ctx, &job->compute);
   app_buffer_destroy(ctx, &job->out);
   app_buffer_destroy(ctx, &job->in);
}

static bool atomics_job_run(struct app_context *ctx, struct atomics_job *job, const void *push, uint32_t push_size,
                            uint32_t groups)
{
   VkCommandBuffer commands = app_commands_begin(ctx);
   if (!commands)
      return false;
   app_cmd_compute(commands, &job->compute, push, push_size, groups, 1);
   app_cmd_barrier(commands);
   return app_commands_run(ctx, commands);
}

/* What splat.comp does, one ball after another. */
static void splat_here(const struct ball *ball, uint64_t *pixels)
{
   const int32_t radius = ball->radius * ball->radius;
   for (int32_t y = ball->y - ball->radius; y <= ball->y + ball->radius; y++) {
      for (int32_t x = ball->x - ball->radius; x <= ball->x + ball->radius; x++) {
         int32_t height = radius - (x - ball->x) * (x - ball->x) - (y - ball->y) * (y - ball->y);
         if (height <= 0 || x < 0 || y < 0 || x >= MODERN_WIDTH || y >= MODERN_HEIGHT)
            continue;
         const uint32_t depth = (uint32_t)((ball->depth_and_color >> 8) + height);
         const uint32_t low = (uint32_t)((ball->depth_and_color & 255) << 8 | (64 + 191 * height / radius));
         const uint64_t value = (uint64_t)depth << 32 | low;
         uint64_t *pixel = &pixels[y * MODERN_WIDTH + x];
         if (value > *pixel)
            *pixel = value;
      }
   }
}

static void color_pixels(const uint64_t *pixels, uint8_t *rgba)
{
   for (uint32_t i = 0; i < MODERN_PIXELS; i++) {
      const uint32_t hue = pixels[i] >> 8 & 255;
      const uint32_t bright = pixels[i] & 255;
      const uint32_t parts[3] = {64 + hue % 7 * 32 - hue % 7, 64 + hue / 7 % 6 * 38, 64 + hue / 42 * 31};
      for (uint32_t c = 0; c < 3; c++)
         rgba[i * 4 + c] = (uint8_t)(pixels[i] ? parts[c] * bright / 255 : 24);
      rgba[i * 4 + 3] = 255;
   }
}

static void check_splats(struct modern *m)
{
   const int32_t push[3] = {BALLS, MODERN_WIDTH, MODERN_HEIGHT};
   const size_t size = MODERN_PIXELS * sizeof(uint64_t);
   struct atomics_job job = {0};
   uint64_t *expected = calloc(MODERN_PIXELS, sizeof(uint64_t));
   uint8_t *rgba = malloc((size_t)MODERN_PIXELS * 4);
   uint64_t seed = 64;
   TRY(m->test, expected && rgba);
   if (!atomics_job_create(&m->ctx, &job, &shader_splat, BALLS * sizeof(struct ball), size, sizeof(push)))
      goto done;
   for (uint32_t i = 0; i < BALLS; i++) {
      struct ball ball = {
         .x = (int32_t)(app_random(&seed) % MODERN_WIDTH),
         .y = (int32_t)(app_random(&seed) % MODERN_HEIGHT),
         .radius = 5 + (int32_t)(app_random(&seed) % 18),
         .depth_and_color = (int32_t)(app_random(&seed) % 65536 << 8 | app_random(&seed) % 252),
      };
      memcpy((struct ball *)job.in.map + i, &ball, sizeof(ball));
      splat_here(&ball, expected);
   }
   if (atomics_job_run(&m->ctx, &job, push, sizeof(push), (BALLS + 63) / 64)) {
      CHECK_BYTES(m->test, expected, job.out.map, size);
      color_pixels(job.out.map, rgba);
      modern_picture(m, "atomics", rgba);
   }
done:
   atomics_job_destroy(&m->ctx, &job);
   free(rgba);
   free(expected);
}

static void fill_values(uint64_t *values)
{
   uint64_t seed = 11;
   for (uint32_t i = 0; i < VALUES; i++) {
      uint64_t high = app_random(&seed);
      values[i] = high << 32 | app_random(&seed);
   }
}

/* In the order of the members in atomics.comp. */
enum { SUM, LEAST, MOST, ALL, ANY, MIXED, KEPT, PASSED, SWAPPED, SIGNED_LEAST, SIGNED_MOST, RESULTS };

static void check_results(struct app_test *t, const uint64_t *values, const uint64_t *results)
{
   uint64_t expected[RESULTS] = {[LEAST] = UINT64_MAX, [ALL] = UINT64_MAX};
   int64_t least = INT64_MAX;
   int64_t most = INT64_MIN;
   bool kept = false;
   for (uint32_t i = 0; i < VALUES; i++) {
      const uint64_t value = values[i];
      expected[SUM] += value;
      expected[LEAST] = value < expected[LEAST] ? value : expected[LEAST];
      expected[MOST] = value > expected[MOST] ? value : expected[MOST];
      expected[ALL] &= value;
      expected[ANY] |= value;
      expected[MIXED] ^= value;
      expected[SWAPPED] += ~value;
      least = (int64_t)value < least ? (int64_t)value : least;
      most = (int64_t)value > most ? (int64_t)value : most;
      kept |= results[KEPT] == value;
   }
   expected[SIGNED_LEAST] = (uint64_t)least;
   expected[SIGNED_MOST] = (uint64_t)most;
   CHECK(t, kept);
   for (uint32_t i = 0; i < RESULTS; i++) {
      if (i == PASSED)
         CHECK_EQ(t, expected[SUM], results[PASSED] + results[KEPT]);
      else if (i != KEPT)
         CHECK_EQ(t, expected[i], results[i]);
   }
}

static void check_operations(struct modern *m)
{
   struct atomics_job job;
   if (atomics_job_create(&m->ctx, &job, &shader_atomics, VALUES * sizeof(uint64_t), RESULTS * sizeof(uint64_t), 0)) {
      uint64_t *results = job.out.map;
      fill_values(job.in.map);
      results[LEAST] = results[ALL] = UINT64_MAX;
      results[SIGNED_LEAST] = INT64_MAX;
      results[SIGNED_MOST] = (uint64_t)INT64_MIN;
      if (atomics_job_run(&m->ctx, &job, NULL, 0, VALUES / 64))
         check_results(m->test, job.in.map, results);
   }
   atomics_job_destroy(&m->ctx, &job);
}

static void check_shared(struct modern *m)
{
   uint64_t expected[32] = {0};
   struct atomics_job job;
   if (atomics_job_create(&m->ctx, &job, &shader_atomics_shared, VALUES * sizeof(uint64_t), sizeof(expected), 0)) {
      uint64_t *values = job.in.map;
      fill_values(values);
      for (uint32_t i = 0; i < VALUES; i++) {
         uint64_t *most = &expected[16 + (values[i] & 15)];
         expected[values[i] & 15] += values[i];
         *most = values[i] > *most ? values[i] : *most;
      }
      if (atomics_job_run(&m->ctx, &job, NULL, 0, VALUES / 64))
         CHECK_BYTES(m->test, expected, job.out.map, sizeof(expected));
   }
   atomics_job_destroy(&m->ctx, &job);
}

bool modern_atomics(struct modern *m)
{
   VkPhysicalDeviceShaderAtomicInt64Features atomics = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_INT64_FEATURES,
   };
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &atomics};
   vkGetPhysicalDeviceFeatures2(m->ctx.physical, &features);
   if (!modern_has_feature(m, "shaderInt64", features.features.shaderInt64) ||
       !modern_has_feature(m, "shaderBufferInt64Atomics", atomics.shaderBufferInt64Atomics))
      return false;
   features.features = (VkPhysicalDeviceFeatures){.shaderInt64 = VK_TRUE};
   if (app_context_create_device(&m->ctx, &features, NULL, 0)) {
      check_splats(m);
      check_operations(m);
      if (atomics.shaderSharedInt64Atomics)
         check_shared(m);
      else
         app_note(m->test, "%s: not in shared memory, the GPU does not have shaderSharedInt64Atomics", m->part);
   }
   return true;
}
