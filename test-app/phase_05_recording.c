/* SPDX-License-Identifier: MIT */
/* Phase 5: command buffers: recorded in every way, by one thread and by several, then executed and checked. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"
#include "test-app/shaders.h"

#define WORDS 16384

struct fixture {
   struct app_context ctx;
   struct app_buffer source; /* host visible */
   struct app_buffer middle; /* device */
   struct app_buffer target; /* host visible */
   struct app_compute add;   /* on `target` */
   struct app_compute push;  /* on `target` */
   uint32_t *expected;       /* WORDS */
};

static bool fixture_create(struct app_test *t, struct fixture *f)
{
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                                    VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
   const VkDeviceSize size = WORDS * sizeof(uint32_t);
   memset(f, 0, sizeof(*f));
   f->expected = calloc(WORDS, sizeof(uint32_t));
   if (!CHECK(t, f->expected != NULL) || !app_context_create(t, &f->ctx) ||
       !app_buffer_create(&f->ctx, &f->source, size, usage, APP_MEMORY_UPLOAD) ||
       !app_buffer_create(&f->ctx, &f->middle, size, usage, APP_MEMORY_DEVICE) ||
       !app_buffer_create(&f->ctx, &f->target, size, usage, APP_MEMORY_READBACK) ||
       !app_compute_create(&f->ctx, &f->add, &shader_add, 1, 12) ||
       !app_compute_create(&f->ctx, &f->push, &shader_push, 1, 32))
      return false;
   const struct app_buffer *target = &f->target;
   app_compute_buffers(&f->ctx, &f->add, &target, 1);
   app_compute_buffers(&f->ctx, &f->push, &target, 1);
   return true;
}

static void fixture_destroy(struct fixture *f)
{
   app_compute_destroy(&f->ctx, &f->push);
   app_compute_destroy(&f->ctx, &f->add);
   app_buffer_destroy(&f->ctx, &f->target);
   app_buffer_destroy(&f->ctx, &f->middle);
   app_buffer_destroy(&f->ctx, &f->source);
   app_context_destroy(&f->ctx);
   free(f->expected);
}

/* No submission is in flight when this is called. */
static void clear(struct fixture *f)
{
   memset(f->target.map, 0, WORDS * sizeof(uint32_t));
   memset(f->expected, 0, WORDS * sizeof(uint32_t));
}

static void compare(struct fixture *f)
{
   CHECK_BYTES(f->ctx.test, f->expected, f->target.map, WORDS * sizeof(uint32_t));
}

static VkCommandPool make_pool(struct app_context *ctx, VkCommandPoolCreateFlags flags)
{
   VkCommandPool pool = VK_NULL_HANDLE;
   VkCommandPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = flags,
      .queueFamilyIndex = ctx->queues[0].family,
   };
   VK_CHECK(ctx->test, vkCreateCommandPool(ctx->device, &info, NULL, &pool));
   return pool;
}

static bool allocate(struct app_context *ctx, VkCommandPool pool, VkCommandBufferLevel level, uint32_t count,
                     VkCommandBuffer *commands)
{
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = pool,
      .level = level,
      .commandBufferCount = count,
   };
   return pool && VK_CHECK(ctx->test, vkAllocateCommandBuffers(ctx->device, &info, commands));
}

static bool begin(struct app_context *ctx, VkCommandBuffer commands, VkCommandBufferUsageFlags flags)
{
   VkCommandBufferInheritanceInfo inheritance = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
   VkCommandBufferBeginInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = flags,
      .pInheritanceInfo = &inheritance,
   };
   return VK_CHECK(ctx->test, vkBeginCommandBuffer(commands, &info));
}

static bool submit_and_wait(struct app_context *ctx, const VkCommandBuffer *commands, uint32_t count)
{
   VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = count,
      .pCommandBuffers = commands,
   };
   return VK_CHECK(ctx->test, vkQueueSubmit(ctx->queues[0].handle, 1, &info, VK_NULL_HANDLE)) &&
          VK_CHECK(ctx->test, vkQueueWaitIdle(ctx->queues[0].handle));
}

static void cmd_barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkAccessFlags from_access,
                        VkPipelineStageFlags to, VkAccessFlags to_access)
{
   VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = from_access,
      .dstAccessMask = to_access,
   };
   vkCmdPipelineBarrier(commands, from, to, 0, 1, &barrier, 0, NULL, 0, NULL);
}

/* Update, fill, copy with several regions; a barrier of each kind between the steps. */
static void check_transfers(struct fixture *f)
{
   static const VkBufferCopy regions[] = {{0, 1024, 1024}, {4096, 0, 512}, {8191, 32771, 777}};
   const uint32_t end = WORDS * sizeof(uint32_t);
   uint8_t *source = f->source.map;
   uint8_t *expected = (uint8_t *)f->expected;
   uint8_t small[64];
   uint64_t seed = 5;

   clear(f);
   app_random_bytes(&seed, source, end);
   app_random_bytes(&seed, small, sizeof(small));
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return;
   vkCmdFillBuffer(commands, f->middle.handle, 0, VK_WHOLE_SIZE, 0x11223344);
   VkBufferMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .buffer = f->middle.handle,
      .size = VK_WHOLE_SIZE,
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 1,
                        &barrier, 0, NULL);
   vkCmdCopyBuffer(commands, f->source.handle, f->middle.handle, APP_COUNT(regions), regions);
   cmd_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
               VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
   vkCmdUpdateBuffer(commands, f->middle.handle, 4, sizeof(small), small);
   vkCmdFillBuffer(commands, f->middle.handle, 60000, 400, 0xa1b2c3d4);
   cmd_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
               VK_ACCESS_TRANSFER_READ_BIT);
   vkCmdCopyBuffer(commands, f->middle.handle, f->target.handle, 1, &(VkBufferCopy){0, 0, end});
   cmd_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
               VK_ACCESS_HOST_READ_BIT);
   memset(small, 0, 8); /* the command has its own copy since it was recorded */
   if (!app_commands_run(&f->ctx, commands))
      return;
   for (uint32_t i = 0; i < WORDS; i++)
      f->expected[i] = 0x11223344;
   for (uint32_t i = 0; i < APP_COUNT(regions); i++)
      memcpy(expected + regions[i].dstOffset, source + regions[i].srcOffset, regions[i].size);
   memcpy(expected + 12, small + 8, sizeof(small) - 8);
   seed = 5;
   for (uint32_t i = 0; i < end; i++)
      app_random(&seed);
   app_random_bytes(&seed, expected + 4, 8);
   for (uint32_t i = 15000; i < 15100; i++)
      f->expected[i] = 0xa1b2c3d4;
   compare(f);
}

/* The longest update that Vulkan allows, and then the shortest at every word of a range. */
static void check_updates(struct fixture *f)
{
   uint64_t seed = 77;
   clear(f);
   app_random_bytes(&seed, f->expected, 65536);
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return;
   vkCmdUpdateBuffer(commands, f->target.handle, 0, 65536, f->expected);
   app_cmd_barrier(commands);
   for (uint32_t i = 0; i < 300; i++) {
      f->expected[1000 + i] = i * 0x01010101;
      vkCmdUpdateBuffer(commands, f->target.handle, (1000 + i) * 4, 4, &f->expected[1000 + i]);
   }
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands))
      compare(f);
}

/* A command buffer of many thousand commands. */
static void check_many_commands(struct fixture *f)
{
   clear(f);
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return;
   for (uint32_t i = 0; i < WORDS; i++) {
      f->expected[i] = i * 2654435761u;
      vkCmdFillBuffer(commands, f->target.handle, i * 4, 4, f->expected[i]);
   }
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands))
      compare(f);
}

/* Reset by vkResetCommandBuffer, by begin, and by the pool; only the last recording counts. */
static void check_resets(struct fixture *f)
{
   struct app_context *ctx = &f->ctx;
   VkCommandPool pool = make_pool(ctx, VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT);
   VkCommandBuffer commands;
   if (!allocate(ctx, pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1, &commands))
      goto done;
   for (uint32_t round = 0; round < 9; round++) {
      clear(f);
      /* A first recording that must never run. */
      if (!begin(ctx, commands, 0))
         goto done;
      vkCmdFillBuffer(commands, f->target.handle, 0, VK_WHOLE_SIZE, 0xdeadbeef);
      if (!VK_CHECK(ctx->test, vkEndCommandBuffer(commands)))
         goto done;
      if (round % 3 == 1)
         VK_CHECK(ctx->test, vkResetCommandBuffer(commands, VK_COMMAND_BUFFER_RESET_RELEASE_RESOURCES_BIT));
      else if (round % 3 == 2)
         VK_CHECK(ctx->test, vkResetCommandPool(ctx->device, pool, 0));
      if (!begin(ctx, commands, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT))
         goto done;
      vkCmdFillBuffer(commands, f->target.handle, round * 16, 64, round + 1);
      app_cmd_barrier(commands);
      if (!VK_CHECK(ctx->test, vkEndCommandBuffer(commands)) || !submit_and_wait(ctx, &commands, 1))
         goto done;
      for (uint32_t i = 0; i < 16; i++)
         f->expected[round * 4 + i] = round + 1;
      compare(f);
   }
   vkTrimCommandPool(ctx->device, pool, 0);
   VK_CHECK(ctx->test, vkResetCommandPool(ctx->device, pool, VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT));
   VkCommandBuffer both[2] = {VK_NULL_HANDLE, commands};
   vkFreeCommandBuffers(ctx->device, pool, 2, both);
done:
   vkDestroyCommandPool(ctx->device, pool, NULL);
}

static void cmd_add(struct fixture *f, VkCommandBuffer commands, uint32_t first, uint32_t count, uint32_t amount)
{
   const uint32_t push[3] = {first, count, amount};
   app_cmd_compute(commands, &f->add, push, sizeof(push), (count + 63) / 64, 1);
   app_cmd_barrier(commands);
   for (uint32_t i = first; i < first + count; i++)
      f->expected[i] += amount;
}

/* Recorded once, submitted many times, also twice in one batch. */
static void check_reuse(struct fixture *f)
{
   struct app_context *ctx = &f->ctx;
   VkCommandPool pool = make_pool(ctx, 0);
   VkCommandBuffer twice[2];
   clear(f);
   if (!allocate(ctx, pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1, &twice[0]) ||
       !begin(ctx, twice[0], VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT))
      goto done;
   twice[1] = twice[0];
   cmd_add(f, twice[0], 100, 1000, 3);
   if (!VK_CHECK(ctx->test, vkEndCommandBuffer(twice[0])))
      goto done;
   for (int i = 0; i < 4; i++) {
      if (!submit_and_wait(ctx, twice, 2))
         goto done;
   }
   for (uint32_t i = 100; i < 1100; i++)
      f->expected[i] *= 8;
   compare(f);
done:
   vkDestroyCommandPool(ctx->device, pool, NULL);
}

/* Secondaries, executed several times and from two primaries. */
static void check_secondaries(struct fixture *f)
{
   struct app_context *ctx = &f->ctx;
   VkCommandPool pool = make_pool(ctx, 0);
   VkCommandBuffer secondaries[4];
   VkCommandBuffer primaries[2];
   clear(f);
   if (!allocate(ctx, pool, VK_COMMAND_BUFFER_LEVEL_SECONDARY, 4, secondaries) ||
       !allocate(ctx, pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 2, primaries))
      goto done;
   for (uint32_t i = 0; i < 4; i++) {
      if (!begin(ctx, secondaries[i], VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT))
         goto done;
      cmd_add(f, secondaries[i], i * 64, 200, i + 1);
      if (!VK_CHECK(ctx->test, vkEndCommandBuffer(secondaries[i])))
         goto done;
   }
   for (uint32_t p = 0; p < 2; p++) {
      if (!begin(ctx, primaries[p], VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT))
         goto done;
      vkCmdExecuteCommands(primaries[p], 4, secondaries);
      vkCmdExecuteCommands(primaries[p], 1, &secondaries[2]);
      if (!VK_CHECK(ctx->test, vkEndCommandBuffer(primaries[p])))
         goto done;
   }
   if (!submit_and_wait(ctx, primaries, 2))
      goto done;
   for (uint32_t i = 0; i < WORDS; i++)
      f->expected[i] *= 2;
   for (uint32_t i = 128; i < 328; i++)
      f->expected[i] += 2 * 3;
   compare(f);
done:
   vkDestroyCommandPool(ctx->device, pool, NULL);
}

/* Push constants keep their values from call to call; a partial update changes its bytes alone. */
static void check_push_constants(struct fixture *f)
{
   uint32_t push[8] = {0, 10, 20, 30, 40, 50, 60, 70};
   clear(f);
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return;
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, f->push.pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, f->push.layout, 0, 1, &f->push.set, 0, NULL);
   vkCmdPushConstants(commands, f->push.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push), push);
   for (uint32_t slot = 0; slot < 64; slot++) {
      uint32_t which = 1 + slot % 7;
      push[0] = slot;
      push[which] += slot * 1000 + 1;
      vkCmdPushConstants(commands, f->push.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 4, push);
      vkCmdPushConstants(commands, f->push.layout, VK_SHADER_STAGE_COMPUTE_BIT, which * 4, 4, &push[which]);
      vkCmdDispatch(commands, 1, 1, 1);
      memcpy(&f->expected[slot * 8], push, sizeof(push));
   }
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands))
      compare(f);
}

/* The number of work groups comes from a buffer that the same command buffer has written. */
static void check_indirect(struct fixture *f)
{
   const VkDispatchIndirectCommand groups = {5, 1, 1};
   const uint32_t push[3] = {32, 5 * 64 - 7, 9};
   clear(f);
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return;
   vkCmdUpdateBuffer(commands, f->middle.handle, 256, sizeof(groups), &groups);
   cmd_barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
               VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, VK_ACCESS_INDIRECT_COMMAND_READ_BIT);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, f->add.pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, f->add.layout, 0, 1, &f->add.set, 0, NULL);
   vkCmdPushConstants(commands, f->add.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push), push);
   vkCmdDispatchIndirect(commands, f->middle.handle, 256);
   app_cmd_barrier(commands);
   for (uint32_t i = push[0]; i < push[0] + push[1]; i++)
      f->expected[i] = push[2];
   if (app_commands_run(&f->ctx, commands))
      compare(f);
}

#define THREADS 4
#define PER_THREAD 16

struct recorder {
   struct fixture *fixture;
   uint32_t index;
   VkCommandPool pool;
   VkCommandBuffer commands[PER_THREAD];
   bool good;
};

/* Each command buffer fills a slice of its own with words of its own, by fills and updates in turn. */
static void *recorder_main(void *argument)
{
   struct recorder *r = argument;
   struct app_context *ctx = &r->fixture->ctx;
   const uint32_t slice = WORDS / (THREADS * PER_THREAD);
   r->pool = make_pool(ctx, VK_COMMAND_POOL_CREATE_TRANSIENT_BIT);
   if (!allocate(ctx, r->pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, PER_THREAD, r->commands))
      return NULL;
   for (uint32_t c = 0; c < PER_THREAD; c++) {
      uint32_t first = (r->index * PER_THREAD + c) * slice;
      if (!begin(ctx, r->commands[c], VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT))
         return NULL;
      for (uint32_t i = first; i < first + slice; i++) {
         uint32_t value = i * 40503u + r->index;
         r->fixture->expected[i] = value;
         if (i % 2 == 0)
            vkCmdFillBuffer(r->commands[c], r->fixture->target.handle, i * 4, 4, value);
         else
            vkCmdUpdateBuffer(r->commands[c], r->fixture->target.handle, i * 4, 4, &value);
      }
      app_cmd_barrier(r->commands[c]);
      if (!VK_CHECK(ctx->test, vkEndCommandBuffer(r->commands[c])))
         return NULL;
   }
   r->good = true;
   return NULL;
}

static void check_threads(struct fixture *f)
{
   struct app_context *ctx = &f->ctx;
   struct recorder recorders[THREADS];
   pthread_t threads[THREADS];
   VkCommandBuffer all[THREADS * PER_THREAD];
   uint32_t started = 0;
   bool good = true;

   memset(recorders, 0, sizeof(recorders));
   clear(f);
   for (uint32_t i = 0; i < THREADS; i++) {
      recorders[i].fixture = f;
      recorders[i].index = i;
      if (!CHECK(ctx->test, pthread_create(&threads[i], NULL, recorder_main, &recorders[i]) == 0))
         break;
      started++;
   }
   for (uint32_t i = 0; i < started; i++) {
      CHECK(ctx->test, pthread_join(threads[i], NULL) == 0);
      good &= recorders[i].good;
      memcpy(&all[i * PER_THREAD], recorders[i].commands, sizeof(recorders[i].commands));
   }
   if (CHECK(ctx->test, good && started == THREADS) && submit_and_wait(ctx, all, THREADS * PER_THREAD))
      compare(f);
   for (uint32_t i = 0; i < started; i++)
      vkDestroyCommandPool(ctx->device, recorders[i].pool, NULL);
}

/* Two command buffers of one pool recorded in turns, command by command. */
static void check_interleaved(struct fixture *f)
{
   struct app_context *ctx = &f->ctx;
   VkCommandPool pool = make_pool(ctx, 0);
   VkCommandBuffer commands[2];
   clear(f);
   if (!allocate(ctx, pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 2, commands))
      goto done;
   if (!begin(ctx, commands[0], 0) || !begin(ctx, commands[1], 0))
      goto done;
   for (uint32_t i = 0; i < 500; i++) {
      vkCmdFillBuffer(commands[i % 2], f->target.handle, i * 4, 4, i + 1);
      f->expected[i] = i + 1;
   }
   for (int i = 0; i < 2; i++) {
      app_cmd_barrier(commands[i]);
      if (!VK_CHECK(ctx->test, vkEndCommandBuffer(commands[i])))
         goto done;
   }
   VkCommandBuffer backwards[2] = {commands[1], commands[0]};
   if (submit_and_wait(ctx, backwards, 2))
      compare(f);
done:
   vkDestroyCommandPool(ctx->device, pool, NULL);
}

void phase_recording(struct app_test *t)
{
   struct fixture f;
   if (fixture_create(t, &f)) {
      check_transfers(&f);
      check_updates(&f);
      check_many_commands(&f);
      check_resets(&f);
      check_reuse(&f);
      check_secondaries(&f);
      check_push_constants(&f);
      check_indirect(&f);
      check_interleaved(&f);
      for (int i = 0; i < 3; i++)
         check_threads(&f);
   }
   fixture_destroy(&f);
}
