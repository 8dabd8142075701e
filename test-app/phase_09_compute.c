/* SPDX-License-Identifier: MIT */
/* Phase 9: compute shaders that do real work: saxpy, reduction, prefix sum, matrix product, atomics, and 64 MiB of
 * numbers made by the device and checked one by one. All values are small whole numbers where floats are used, so the
 * results are exact on every device. */

#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"
#include "test-app/shaders.h"

#define STORAGE \
   (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT)

/* Up to four buffers and the pipeline that works on them. */
struct job {
   struct app_compute compute;
   struct app_buffer buffers[APP_COMPUTE_BUFFERS];
   uint32_t count;
};

static bool job_create(struct app_context *ctx, struct job *job, const struct app_shader *shader, uint32_t push_size,
                       const VkDeviceSize *sizes, uint32_t count)
{
   const struct app_buffer *buffers[APP_COMPUTE_BUFFERS];
   memset(job, 0, sizeof(*job));
   job->count = count;
   for (uint32_t i = 0; i < count; i++) {
      if (!app_buffer_create(ctx, &job->buffers[i], sizes[i], STORAGE, APP_MEMORY_READBACK))
         return false;
      buffers[i] = &job->buffers[i];
   }
   if (!app_compute_create(ctx, &job->compute, shader, count, push_size))
      return false;
   app_compute_buffers(ctx, &job->compute, buffers, count);
   return true;
}

static void job_destroy(struct app_context *ctx, struct job *job)
{
   app_compute_destroy(ctx, &job->compute);
   for (uint32_t i = 0; i < job->count; i++)
      app_buffer_destroy(ctx, &job->buffers[i]);
}

static bool job_run(struct app_context *ctx, struct job *job, const void *push, uint32_t push_size, uint32_t x,
                    uint32_t y)
{
   VkCommandBuffer commands = app_commands_begin(ctx);
   if (!commands)
      return false;
   app_cmd_compute(commands, &job->compute, push, push_size, x, y);
   app_cmd_barrier(commands);
   return app_commands_run(ctx, commands);
}

static void check_saxpy(struct app_context *ctx)
{
   enum { COUNT = 1000003 };
   const VkDeviceSize sizes[2] = {COUNT * sizeof(float), COUNT * sizeof(float)};
   const struct {
      float a;
      uint32_t count;
   } push = {3.0f, COUNT};
   struct job job;
   if (job_create(ctx, &job, &shader_saxpy, sizeof(push), sizes, 2)) {
      float *x = job.buffers[0].map;
      float *y = job.buffers[1].map;
      bool good = true;
      for (uint32_t i = 0; i < COUNT; i++) {
         x[i] = (float)(i % 4093);
         y[i] = (float)(i % 1021);
      }
      for (uint32_t round = 1; round <= 3; round++) {
         if (!job_run(ctx, &job, &push, sizeof(push), (COUNT + 63) / 64, 1))
            break;
         for (uint32_t i = 0; i < COUNT; i++)
            good &= y[i] == (float)(round * 3 * (i % 4093) + i % 1021);
         CHECK(ctx->test, good);
      }
   }
   job_destroy(ctx, &job);
}

static void check_reduction(struct app_context *ctx)
{
   enum { COUNT = 100000, GROUPS = (COUNT + 255) / 256 };
   const VkDeviceSize sizes[2] = {COUNT * 4, GROUPS * 4};
   const uint32_t count = COUNT;
   struct job job;
   if (job_create(ctx, &job, &shader_reduce, 4, sizes, 2)) {
      uint32_t *values = job.buffers[0].map;
      const uint32_t *sums = job.buffers[1].map;
      uint32_t expected[GROUPS] = {0};
      uint64_t seed = 9;
      for (uint32_t i = 0; i < COUNT; i++) {
         values[i] = app_random(&seed);
         expected[i / 256] += values[i];
      }
      if (job_run(ctx, &job, &count, 4, GROUPS, 1))
         CHECK_BYTES(ctx->test, expected, sums, sizeof(expected));
   }
   job_destroy(ctx, &job);
}

static void cmd_bind_and_dispatch(VkCommandBuffer commands, struct job *job, uint32_t count)
{
   app_cmd_compute(commands, &job->compute, &count, 4, (count + 127) / 128, 1);
   app_cmd_barrier(commands);
}

/* Prefix sum over 16384 values in three dispatches: each block, the blocks' totals, and both together. */
static void check_prefix_sum(struct app_context *ctx)
{
   enum { COUNT = 16384 - 5, BLOCKS = 128 };
   const VkDeviceSize sizes[2] = {COUNT * 4, BLOCKS * 4};
   const VkDeviceSize total_sizes[2] = {BLOCKS * 4, 4};
   struct job blocks = {0};
   struct job totals = {0};
   struct job add = {0};
   uint32_t *expected = calloc(COUNT, 4);
   const struct app_buffer *shared[2];
   VkCommandBuffer commands = VK_NULL_HANDLE;
   TRY(ctx->test, expected != NULL);
   if (!job_create(ctx, &blocks, &shader_scan, 4, sizes, 2) ||
       !job_create(ctx, &totals, &shader_scan, 4, total_sizes, 2) ||
       !app_compute_create(ctx, &add.compute, &shader_scan_add, 2, 4))
      goto done;
   shared[0] = &blocks.buffers[1];
   shared[1] = &totals.buffers[1];
   app_compute_buffers(ctx, &totals.compute, shared, 2);
   shared[0] = &blocks.buffers[0];
   shared[1] = &blocks.buffers[1];
   app_compute_buffers(ctx, &add.compute, shared, 2);

   uint32_t *values = blocks.buffers[0].map;
   uint64_t seed = 31;
   for (uint32_t i = 0; i < COUNT; i++) {
      values[i] = app_random(&seed) % 1000;
      expected[i] = values[i] + (i ? expected[i - 1] : 0);
   }
   commands = app_commands_begin(ctx);
   if (!commands)
      goto done;
   cmd_bind_and_dispatch(commands, &blocks, COUNT);
   cmd_bind_and_dispatch(commands, &totals, BLOCKS);
   cmd_bind_and_dispatch(commands, &add, COUNT);
   if (app_commands_run(ctx, commands)) {
      CHECK_BYTES(ctx->test, expected, values, COUNT * 4);
      CHECK_EQ(ctx->test, expected[COUNT - 1], *(const uint32_t *)totals.buffers[1].map);
   }
done:
   job_destroy(ctx, &add);
   job_destroy(ctx, &totals);
   job_destroy(ctx, &blocks);
   free(expected);
}

static void check_matrices(struct app_context *ctx)
{
   enum { SIZE = 192 };
   const VkDeviceSize bytes = SIZE * SIZE * sizeof(float);
   const VkDeviceSize sizes[3] = {bytes, bytes, bytes};
   const uint32_t size = SIZE;
   struct job job;
   if (job_create(ctx, &job, &shader_matmul, 4, sizes, 3)) {
      float *a = job.buffers[0].map;
      float *b = job.buffers[1].map;
      const float *c = job.buffers[2].map;
      bool good = true;
      for (uint32_t i = 0; i < SIZE * SIZE; i++) {
         a[i] = (float)((int)(i * 7 % 23) - 11);
         b[i] = (float)((int)(i * 5 % 19) - 9);
      }
      if (job_run(ctx, &job, &size, 4, SIZE / 8, SIZE / 8)) {
         for (uint32_t y = 0; y < SIZE; y++) {
            for (uint32_t x = 0; x < SIZE; x++) {
               int sum = 0;
               for (uint32_t k = 0; k < SIZE; k++)
                  sum += ((int)((y * SIZE + k) * 7 % 23) - 11) * ((int)((k * SIZE + x) * 5 % 19) - 9);
               good &= c[y * SIZE + x] == (float)sum;
            }
         }
         CHECK(ctx->test, good);
      }
   }
   job_destroy(ctx, &job);
}

static void check_atomics(struct app_context *ctx)
{
   enum { COUNT = 300000 };
   struct result {
      uint32_t bins[64];
      uint32_t lowest;
      uint32_t highest;
      uint32_t mixed;
   } expected = {.lowest = UINT32_MAX};
   const VkDeviceSize sizes[2] = {COUNT * 4, sizeof(expected)};
   const uint32_t count = COUNT;
   struct job job;
   if (job_create(ctx, &job, &shader_histogram, 4, sizes, 2)) {
      uint32_t *values = job.buffers[0].map;
      uint64_t seed = 123;
      memcpy(job.buffers[1].map, &expected, sizeof(expected));
      for (uint32_t i = 0; i < COUNT; i++) {
         uint32_t value = app_random(&seed);
         values[i] = value;
         expected.bins[value & 63]++;
         expected.lowest = value < expected.lowest ? value : expected.lowest;
         expected.highest = value > expected.highest ? value : expected.highest;
         expected.mixed ^= value;
      }
      if (job_run(ctx, &job, &count, 4, (COUNT + 63) / 64, 1))
         CHECK_BYTES(ctx->test, &expected, job.buffers[1].map, sizeof(expected));
   }
   job_destroy(ctx, &job);
}

/* The same as shaders/hash.comp. */
static uint32_t hash(uint32_t i, uint32_t seed)
{
   uint32_t h = i * 0x9e3779b1u + seed;
   h ^= h >> 15;
   h *= 0x85ebca77u;
   h ^= h >> 13;
   return h;
}

/* Made in device memory, copied to mapped memory, and read completely. */
static void check_large_readback(struct app_context *ctx)
{
   enum { BYTES = 64 << 20, WORDS = BYTES / 4, ROW = 4096 };
   struct app_compute compute = {0};
   struct app_buffer device = {0};
   struct app_buffer readback = {0};
   const struct app_buffer *buffer = &device;
   if (!app_buffer_create(ctx, &device, BYTES, STORAGE, APP_MEMORY_DEVICE) ||
       !app_buffer_create(ctx, &readback, BYTES, VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK) ||
       !app_compute_create(ctx, &compute, &shader_hash, 1, 8))
      goto done;
   app_compute_buffers(ctx, &compute, &buffer, 1);
   for (uint32_t seed = 1; seed <= 2; seed++) {
      const uint32_t push[2] = {WORDS, seed * 77777};
      VkCommandBuffer commands = app_commands_begin(ctx);
      if (!commands)
         goto done;
      app_cmd_compute(commands, &compute, push, sizeof(push), ROW, WORDS / 64 / ROW);
      app_cmd_barrier(commands);
      vkCmdCopyBuffer(commands, device.handle, readback.handle, 1, &(VkBufferCopy){0, 0, BYTES});
      app_cmd_barrier(commands);
      if (!app_commands_run(ctx, commands))
         goto done;
      const uint32_t *words = readback.map;
      uint32_t wrong = 0;
      for (uint32_t i = 0; i < WORDS; i++)
         wrong += words[i] != hash(i, push[1]);
      CHECK_EQ(ctx->test, 0, wrong);
   }
done:
   app_compute_destroy(ctx, &compute);
   app_buffer_destroy(ctx, &readback);
   app_buffer_destroy(ctx, &device);
}

/* Work on every queue that computes, all in flight together. */
struct lane {
   struct job job;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkFence fence;
   bool used;
};

#define LANE_WORDS 200000u

static bool lane_create(struct app_context *ctx, struct lane *lane, uint32_t family, uint32_t seed)
{
   const VkDeviceSize size = LANE_WORDS * 4;
   const uint32_t push[2] = {LANE_WORDS, seed};
   VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = family,
   };
   lane->used = true;
   if (!job_create(ctx, &lane->job, &shader_hash, sizeof(push), &size, 1) ||
       !VK_CHECK(ctx->test, vkCreateCommandPool(ctx->device, &pool, NULL, &lane->pool)))
      return false;
   lane->fence = app_fence_create(ctx, 0);
   if (!lane->fence)
      return false;
   lane->commands = app_commands_begin_in(ctx, lane->pool, 0);
   if (!lane->commands)
      return false;
   app_cmd_compute(lane->commands, &lane->job.compute, push, sizeof(push), (LANE_WORDS + 63) / 64, 1);
   app_cmd_barrier(lane->commands);
   return VK_CHECK(ctx->test, vkEndCommandBuffer(lane->commands));
}

static void check_queues(struct app_context *ctx)
{
   struct lane lanes[APP_MAX_QUEUES];
   bool good = true;
   memset(lanes, 0, sizeof(lanes));
   for (uint32_t i = 0; i < ctx->queue_count && good; i++) {
      if (ctx->queues[i].flags & VK_QUEUE_COMPUTE_BIT)
         good = lane_create(ctx, &lanes[i], ctx->queues[i].family, i + 1);
   }
   for (uint32_t i = 0; i < ctx->queue_count && good; i++) {
      VkSubmitInfo submit = {
         .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
         .commandBufferCount = 1,
         .pCommandBuffers = &lanes[i].commands,
      };
      if (lanes[i].used)
         good = VK_CHECK(ctx->test, vkQueueSubmit(ctx->queues[i].handle, 1, &submit, lanes[i].fence));
   }
   for (uint32_t i = 0; i < ctx->queue_count && good; i++) {
      if (!lanes[i].used ||
          !VK_CHECK(ctx->test, vkWaitForFences(ctx->device, 1, &lanes[i].fence, VK_TRUE, APP_WAIT_NS)))
         continue;
      const uint32_t *words = lanes[i].job.buffers[0].map;
      uint32_t wrong = 0;
      for (uint32_t w = 0; w < LANE_WORDS; w++)
         wrong += words[w] != hash(w, i + 1);
      CHECK_EQ(ctx->test, 0, wrong);
   }
   VK_CHECK(ctx->test, vkDeviceWaitIdle(ctx->device));
   for (uint32_t i = 0; i < ctx->queue_count; i++) {
      if (!lanes[i].used)
         continue;
      vkDestroyFence(ctx->device, lanes[i].fence, NULL);
      vkDestroyCommandPool(ctx->device, lanes[i].pool, NULL);
      job_destroy(ctx, &lanes[i].job);
   }
}

void phase_compute(struct app_test *t)
{
   struct app_context ctx;
   if (app_context_create(t, &ctx)) {
      check_saxpy(&ctx);
      check_reduction(&ctx);
      check_prefix_sum(&ctx);
      check_matrices(&ctx);
      check_atomics(&ctx);
      check_queues(&ctx);
      check_large_readback(&ctx);
   }
   app_context_destroy(&ctx);
}
