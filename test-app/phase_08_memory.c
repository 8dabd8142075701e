/* SPDX-License-Identifier: MIT */
/* Phase 8: mapped memory. The host and the device write to the same memory in every allowed pattern, in steps as small
 * as a byte, and after every kind of wait each must see exactly what the other wrote, and keep what it wrote itself. */

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test-app/app.h"
#include "test-app/shaders.h"

#define SIZE 262144u
#define PAGE 4096u

/* All the ways in which a host may learn that the device is done. */
enum wait_kind {
   WAIT_FENCE,
   WAIT_FENCE_STATUS,
   WAIT_QUEUE,
   WAIT_DEVICE,
   WAIT_TIMELINE, /* this and the next need timeline semaphores */
   WAIT_COUNTER,
   WAIT_KINDS,
};

struct fixture {
   struct app_context ctx;
   struct app_test *test;
   struct app_buffer a; /* both persistently mapped and coherent, of SIZE bytes */
   struct app_buffer b;
   uint8_t *model_a; /* what they must hold */
   uint8_t *model_b;
   VkFence fence;
   VkSemaphore timeline;
   uint64_t timeline_value;
   uint32_t rounds; /* counts waits, to go round the kinds */
   uint64_t seed;
};

static bool fixture_create(struct app_test *t, struct fixture *f)
{
   const VkBufferUsageFlags usage =
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
   VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   memset(f, 0, sizeof(*f));
   f->test = t;
   f->seed = 20240229;
   f->model_a = calloc(1, SIZE);
   f->model_b = calloc(1, SIZE);
   if (!CHECK(t, f->model_a && f->model_b) || !app_context_create(t, &f->ctx) ||
       !app_buffer_create(&f->ctx, &f->a, SIZE, usage, APP_MEMORY_UPLOAD) ||
       !app_buffer_create(&f->ctx, &f->b, SIZE, usage, APP_MEMORY_READBACK) ||
       !VK_CHECK(t, vkCreateFence(f->ctx.device, &fence, NULL, &f->fence)))
      return false;
   memset(f->a.map, 0, SIZE);
   memset(f->b.map, 0, SIZE);
   if (f->ctx.has_timeline)
      return VK_CHECK(t, vkCreateSemaphore(f->ctx.device, &semaphore, NULL, &f->timeline));
   app_note(t, "no timeline semaphores; two kinds of wait are left out");
   return true;
}

static void fixture_destroy(struct fixture *f)
{
   if (f->ctx.device) {
      VK_CHECK(f->test, vkDeviceWaitIdle(f->ctx.device));
      vkDestroySemaphore(f->ctx.device, f->timeline, NULL);
      vkDestroyFence(f->ctx.device, f->fence, NULL);
   }
   app_buffer_destroy(&f->ctx, &f->b);
   app_buffer_destroy(&f->ctx, &f->a);
   app_context_destroy(&f->ctx);
   free(f->model_a);
   free(f->model_b);
}

static bool submit(struct fixture *f, VkCommandBuffer commands, enum wait_kind kind)
{
   bool on_fence = kind == WAIT_FENCE || kind == WAIT_FENCE_STATUS;
   bool on_timeline = kind == WAIT_TIMELINE || kind == WAIT_COUNTER;
   VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &f->timeline_value,
   };
   VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = on_timeline ? &values : NULL,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
      .signalSemaphoreCount = on_timeline ? 1 : 0,
      .pSignalSemaphores = &f->timeline,
   };
   f->timeline_value += on_timeline;
   return VK_CHECK(f->test, vkQueueSubmit(f->ctx.queues[0].handle, 1, &info, on_fence ? f->fence : VK_NULL_HANDLE));
}

static bool poll_fence(struct fixture *f)
{
   double start = app_now();
   VkResult result = VK_NOT_READY;
   while (result == VK_NOT_READY && app_now() - start < 60.0) {
      result = vkGetFenceStatus(f->ctx.device, f->fence);
      sched_yield();
   }
   return VK_CHECK(f->test, result);
}

static bool poll_counter(struct fixture *f)
{
   double start = app_now();
   uint64_t value = 0;
   VkResult result = VK_SUCCESS;
   while (result == VK_SUCCESS && value < f->timeline_value && app_now() - start < 60.0) {
      result = vkGetSemaphoreCounterValue(f->ctx.device, f->timeline, &value);
      sched_yield();
   }
   return VK_CHECK(f->test, result) && CHECK_EQ(f->test, f->timeline_value, value);
}

static bool wait_done(struct fixture *f, enum wait_kind kind)
{
   VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &f->timeline,
      .pValues = &f->timeline_value,
   };
   switch (kind) {
   case WAIT_FENCE:
      return VK_CHECK(f->test, vkWaitForFences(f->ctx.device, 1, &f->fence, VK_TRUE, APP_WAIT_NS)) &&
             VK_CHECK(f->test, vkResetFences(f->ctx.device, 1, &f->fence));
   case WAIT_FENCE_STATUS:
      return poll_fence(f) && VK_CHECK(f->test, vkResetFences(f->ctx.device, 1, &f->fence));
   case WAIT_QUEUE:
      return VK_CHECK(f->test, vkQueueWaitIdle(f->ctx.queues[0].handle));
   case WAIT_TIMELINE:
      return VK_CHECK(f->test, vkWaitSemaphores(f->ctx.device, &info, APP_WAIT_NS));
   case WAIT_COUNTER:
      return poll_counter(f);
   default:
      return VK_CHECK(f->test, vkDeviceWaitIdle(f->ctx.device));
   }
}

static enum wait_kind next_wait(struct fixture *f)
{
   return (enum wait_kind)(f->rounds++ % (f->ctx.has_timeline ? WAIT_KINDS : WAIT_TIMELINE));
}

/* Ends, submits, waits in the given way, and frees. */
static bool run(struct fixture *f, VkCommandBuffer commands, enum wait_kind kind)
{
   app_cmd_barrier(commands);
   if (!VK_CHECK(f->test, vkEndCommandBuffer(commands)) || !submit(f, commands, kind) || !wait_done(f, kind))
      return false;
   vkFreeCommandBuffers(f->ctx.device, f->ctx.pool, 1, &commands);
   return true;
}

static void compare(struct fixture *f)
{
   CHECK_BYTES(f->test, f->model_a, f->a.map, SIZE);
   CHECK_BYTES(f->test, f->model_b, f->b.map, SIZE);
}

static void host_write(struct fixture *f)
{
   uint32_t size = 1 + app_random(&f->seed) % (app_random(&f->seed) % 8 ? 64 : 5000);
   uint32_t offset = app_random(&f->seed) % (SIZE - size);
   app_random_bytes(&f->seed, f->model_a + offset, size);
   memcpy((uint8_t *)f->a.map + offset, f->model_a + offset, size);
}

/* Random writes, the last of them just before the submission; the device copies random ranges one way and the other. */
static void check_random(struct fixture *f)
{
   for (uint32_t round = 0; round < 120; round++) {
      uint32_t size = 1 + app_random(&f->seed) % 20000;
      uint32_t from = app_random(&f->seed) % (SIZE - size);
      uint32_t to = app_random(&f->seed) % (SIZE - size);
      uint32_t back = 1 + app_random(&f->seed) % size;
      uint32_t back_to = app_random(&f->seed) % (SIZE - back);
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         return;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){from, to, size});
      app_cmd_barrier(commands);
      vkCmdCopyBuffer(commands, f->b.handle, f->a.handle, 1, &(VkBufferCopy){to, back_to, back});
      for (uint32_t writes = app_random(&f->seed) % 8; writes > 0; writes--)
         host_write(f);
      if (!run(f, commands, next_wait(f)))
         return;
      memcpy(f->model_b + to, f->model_a + from, size);
      memcpy(f->model_a + back_to, f->model_b + to, back);
      compare(f);
   }
}

/* Single bytes, each in a page of its own; also the first and the last byte of the memory. */
static void check_single_bytes(struct fixture *f)
{
   static const uint32_t offsets[] = {0, 1, PAGE - 1, PAGE, 3 * PAGE + 77, SIZE - PAGE, SIZE - 1};
   for (uint32_t round = 0; round < 4 * WAIT_KINDS; round++) {
      uint32_t offset = offsets[round % APP_COUNT(offsets)];
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         return;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){offset, SIZE - 1 - offset, 1});
      f->model_a[offset] = (uint8_t)(f->model_a[offset] + 1 + round);
      ((volatile uint8_t *)f->a.map)[offset] = f->model_a[offset];
      if (!run(f, commands, next_wait(f)))
         return;
      f->model_b[SIZE - 1 - offset] = f->model_a[offset];
      compare(f);
   }
}

/* In the same two pages and at the same time, the device writes the odd bytes and the host the even ones. */
static void check_shared_pages(struct fixture *f)
{
   enum { FIRST = PAGE / 2, SHARED = PAGE, REGIONS = SHARED / 2 };
   VkBufferCopy *regions = calloc(REGIONS, sizeof(*regions));
   volatile uint8_t *bytes = f->a.map;
   if (!CHECK(f->test, regions != NULL))
      return;
   for (uint32_t i = 0; i < REGIONS; i++)
      regions[i] = (VkBufferCopy){PAGE + 2 * i, FIRST + 2 * i + 1, 1};
   for (uint32_t round = 0; round < 3 * WAIT_KINDS; round++) {
      enum wait_kind kind = next_wait(f);
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         break;
      app_random_bytes(&f->seed, f->model_b, 8 * PAGE);
      memcpy(f->b.map, f->model_b, 8 * PAGE);
      vkCmdCopyBuffer(commands, f->b.handle, f->a.handle, REGIONS, regions);
      app_cmd_barrier(commands);
      if (!VK_CHECK(f->test, vkEndCommandBuffer(commands)) || !submit(f, commands, kind))
         break;
      for (uint32_t i = FIRST; i < FIRST + SHARED; i += 2) {
         f->model_a[i] = (uint8_t)(round + i / 2);
         bytes[i] = f->model_a[i];
      }
      if (!wait_done(f, kind))
         break;
      vkFreeCommandBuffers(f->ctx.device, f->ctx.pool, 1, &commands);
      for (uint32_t i = 0; i < REGIONS; i++)
         f->model_a[regions[i].dstOffset] = f->model_b[regions[i].srcOffset];
      compare(f);
   }
   free(regions);
}

/* Two submissions in flight; the host writes to one page between them, and waits only for the second. */
static void check_two_in_flight(struct fixture *f)
{
   for (uint32_t round = 0; round < 2 * WAIT_KINDS; round++) {
      enum wait_kind kind = next_wait(f);
      VkCommandBuffer commands[2] = {app_commands_begin(&f->ctx), app_commands_begin(&f->ctx)};
      if (!commands[0] || !commands[1])
         return;
      for (uint32_t i = 0; i < 2; i++) {
         uint32_t offset = 5 * PAGE + 10 + 100 * i;
         vkCmdCopyBuffer(commands[i], f->a.handle, f->b.handle, 1, &(VkBufferCopy){offset, offset, 50});
         app_cmd_barrier(commands[i]);
         if (!VK_CHECK(f->test, vkEndCommandBuffer(commands[i])))
            return;
      }
      for (uint32_t i = 0; i < 2; i++) {
         uint32_t offset = 5 * PAGE + 10 + 100 * i;
         memset(f->model_a + offset, (int)(round * 2 + i + 1), 50);
         memset((uint8_t *)f->a.map + offset, (int)(round * 2 + i + 1), 50);
         memcpy(f->model_b + offset, f->model_a + offset, 50);
         if (!submit(f, commands[i], i == 0 ? WAIT_QUEUE : kind))
            return;
      }
      if (!wait_done(f, kind))
         return;
      compare(f);
      vkFreeCommandBuffers(f->ctx.device, f->ctx.pool, 2, commands);
   }
}

struct writer {
   struct fixture *fixture;
   uint32_t index;
   uint32_t round;
};

/* Writes the bytes of its own parity in two pages. */
static void *writer_main(void *argument)
{
   struct writer *w = argument;
   volatile uint8_t *bytes = w->fixture->a.map;
   for (uint32_t i = w->index; i < 2 * PAGE; i += 2)
      bytes[i] = (uint8_t)(w->round * 7 + i * (w->index + 1));
   return NULL;
}

/* Two threads write to the same pages at the same time, just before a submission. */
static bool write_by_two(struct fixture *f, uint32_t round)
{
   pthread_t threads[2];
   struct writer writers[2];
   uint32_t started = 0;
   for (uint32_t i = 0; i < 2; i++) {
      writers[i] = (struct writer){.fixture = f, .index = i, .round = round};
      if (!CHECK(f->test, pthread_create(&threads[i], NULL, writer_main, &writers[i]) == 0))
         break;
      started++;
   }
   for (uint32_t i = 0; i < started; i++)
      CHECK(f->test, pthread_join(threads[i], NULL) == 0);
   return started == 2;
}

static void check_two_writers(struct fixture *f)
{
   for (uint32_t round = 0; round < 4 * WAIT_KINDS; round++) {
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         return;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){0, 0, 2 * PAGE});
      for (uint32_t i = 0; i < 2 * PAGE; i++)
         f->model_a[i] = (uint8_t)(round * 7 + i * (i % 2 + 1));
      if (!write_by_two(f, round) || !run(f, commands, next_wait(f)))
         return;
      memcpy(f->model_b, f->model_a, 2 * PAGE);
      compare(f);
   }
}

struct restless {
   volatile uint8_t *bytes;
   atomic_bool stop;
};

static void *restless_main(void *argument)
{
   struct restless *r = argument;
   for (uint8_t value = 0; !atomic_load(&r->stop); value++) {
      for (uint32_t i = 1; i < PAGE; i += 2)
         r->bytes[i] = value;
   }
   for (uint32_t i = 1; i < PAGE; i += 2)
      r->bytes[i] = (uint8_t)(i * 3);
   return NULL;
}

/* A thread writes the odd bytes of a page without rest, while the even ones go to the device and come back. */
static void check_restless_writer(struct fixture *f)
{
   enum { REGIONS = PAGE / 4 };
   VkBufferCopy *out = calloc(2 * REGIONS, sizeof(*out));
   VkBufferCopy *in = out + REGIONS;
   struct restless restless = {.bytes = f->a.map};
   pthread_t thread;
   bool good = true;
   if (!CHECK(f->test, out != NULL))
      return;
   for (uint32_t i = 0; i < REGIONS; i++) {
      out[i] = (VkBufferCopy){4 * i, 8 * PAGE + i, 1};
      in[i] = (VkBufferCopy){8 * PAGE + i, 4 * i + 2, 1};
   }
   atomic_init(&restless.stop, false);
   if (!CHECK(f->test, pthread_create(&thread, NULL, restless_main, &restless) == 0)) {
      free(out);
      return;
   }
   for (uint32_t round = 0; round < 5 * WAIT_KINDS && good; round++) {
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         break;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, REGIONS, out);
      app_cmd_barrier(commands);
      vkCmdCopyBuffer(commands, f->b.handle, f->a.handle, REGIONS, in);
      for (uint32_t i = 0; i < PAGE; i += 4) {
         f->model_a[i] = (uint8_t)(round * 31 + i / 4);
         f->model_a[i + 2] = f->model_a[i];
         f->model_b[8 * PAGE + i / 4] = f->model_a[i];
         restless.bytes[i] = f->model_a[i];
      }
      good = run(f, commands, next_wait(f));
      bool same = good;
      for (uint32_t i = 0; i < PAGE; i += 2)
         same &= restless.bytes[i] == f->model_a[i];
      CHECK(f->test, same);
      CHECK_BYTES(f->test, f->model_b, f->b.map, SIZE);
   }
   atomic_store(&restless.stop, true);
   CHECK(f->test, pthread_join(thread, NULL) == 0);
   for (uint32_t i = 1; i < PAGE; i += 2)
      f->model_a[i] = (uint8_t)(i * 3);
   compare(f);
   free(out);
}

/* The kernel writes to mapped memory, and reads from it, like any other memory: read and write on a file. */
static void check_files(struct fixture *f)
{
   enum { LENGTH = 10 * PAGE + 123, AT = 2 * PAGE + 5 };
   uint8_t *copy = calloc(1, LENGTH);
   int file = memfd_create("venus-test-app", MFD_CLOEXEC);
   VkCommandBuffer commands = VK_NULL_HANDLE;
   TRY(f->test, copy != NULL && file >= 0);
   for (uint32_t round = 0; round < WAIT_KINDS; round++) {
      app_random_bytes(&f->seed, f->model_a + AT, LENGTH);
      TRY(f->test, pwrite(file, f->model_a + AT, LENGTH, 0) == LENGTH);
      commands = app_commands_begin(&f->ctx);
      if (!commands)
         break;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){AT, AT + 1, LENGTH});
      TRY(f->test, pread(file, (uint8_t *)f->a.map + AT, LENGTH, 0) == LENGTH);
      if (!run(f, commands, next_wait(f)))
         break;
      memcpy(f->model_b + AT + 1, f->model_a + AT, LENGTH);
      TRY(f->test, ftruncate(file, 0) == 0);
      TRY(f->test, pwrite(file, (uint8_t *)f->b.map + AT + 1, LENGTH, 0) == LENGTH);
      TRY(f->test, pread(file, copy, LENGTH, 0) == LENGTH);
      CHECK_BYTES(f->test, f->model_a + AT, copy, LENGTH);
      compare(f);
   }
done:
   if (file >= 0)
      close(file);
   free(copy);
}

/* Host and device take turns with the same words: each adds to what the other left. */
static void check_ping_pong(struct fixture *f)
{
   enum { WORDS = 2000 };
   const uint32_t push[3] = {3, WORDS, 1000};
   const struct app_buffer *buffer = &f->a;
   uint32_t *words = (uint32_t *)f->a.map + 3;
   uint32_t *model = (uint32_t *)f->model_a + 3;
   struct app_compute add;
   if (app_compute_create(&f->ctx, &add, &shader_add, 1, sizeof(push))) {
      app_compute_buffers(&f->ctx, &add, &buffer, 1);
      for (uint32_t round = 0; round < 8 * WAIT_KINDS; round++) {
         VkCommandBuffer commands = app_commands_begin(&f->ctx);
         if (!commands)
            break;
         app_cmd_compute(commands, &add, push, sizeof(push), (WORDS + 63) / 64, 1);
         for (uint32_t i = 0; i < WORDS; i += 1 + round % 5) {
            words[i] += i;
            model[i] += i;
         }
         for (uint32_t i = 0; i < WORDS; i++)
            model[i] += 1000;
         if (!run(f, commands, next_wait(f)))
            break;
         compare(f);
      }
   }
   app_compute_destroy(&f->ctx, &add);
}

static bool memory_create(struct fixture *f, VkDeviceSize size, uint32_t type, VkBuffer *buffer, VkDeviceMemory *memory)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;
   *buffer = VK_NULL_HANDLE;
   *memory = VK_NULL_HANDLE;
   if (!VK_CHECK(f->test, vkCreateBuffer(f->ctx.device, &info, NULL, buffer)))
      return false;
   vkGetBufferMemoryRequirements(f->ctx.device, *buffer, &needs);
   if (type == UINT32_MAX)
      type = app_memory_type(&f->ctx, needs.memoryTypeBits,
                             VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0);
   if (type == UINT32_MAX || !(needs.memoryTypeBits & (1u << type)))
      return false;
   VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs.size,
      .memoryTypeIndex = type,
   };
   return VK_CHECK(f->test, vkAllocateMemory(f->ctx.device, &allocate, NULL, memory)) &&
          VK_CHECK(f->test, vkBindBufferMemory(f->ctx.device, *buffer, *memory, 0));
}

static bool copy(struct fixture *f, VkBuffer from, VkBuffer to, VkDeviceSize from_offset, VkDeviceSize to_offset,
                 VkDeviceSize size)
{
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   if (!commands)
      return false;
   app_cmd_barrier(commands);
   vkCmdCopyBuffer(commands, from, to, 1, &(VkBufferCopy){from_offset, to_offset, size});
   return run(f, commands, next_wait(f));
}

/* Contents outlive an unmapping, the device writes while nothing is mapped, and ranges may begin anywhere. */
static void check_remap(struct fixture *f)
{
   enum { LENGTH = 5 * PAGE + 100 };
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint8_t *map = NULL;
   if (!memory_create(f, LENGTH, UINT32_MAX, &buffer, &memory))
      goto done;
   for (uint32_t round = 0; round < WAIT_KINDS; round++) {
      uint32_t offset = app_random(&f->seed) % (LENGTH - 700);
      VK_TRY(t, vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
      app_random_bytes(&f->seed, f->model_b, LENGTH);
      memcpy(map, f->model_b, LENGTH);
      vkUnmapMemory(device, memory);

      VK_TRY(t, vkMapMemory(device, memory, offset, 700, 0, (void **)&map));
      CHECK_EQ(t, offset % 64, (uintptr_t)map % 64);
      CHECK_BYTES(t, f->model_b + offset, map, 700);
      memset(map + 1, 0x99, 699);
      memset(f->model_b + offset + 1, 0x99, 699);
      vkUnmapMemory(device, memory);

      if (!copy(f, buffer, f->b.handle, 0, 0, LENGTH))
         goto done;
      compare(f);

      /* Written by the device, first unmapped, then mapped. */
      if (!copy(f, f->a.handle, buffer, 1000, 50, 3000))
         goto done;
      VK_TRY(t, vkMapMemory(device, memory, 0, LENGTH, 0, (void **)&map));
      memcpy(f->model_b + 50, f->model_a + 1000, 3000);
      CHECK_BYTES(t, f->model_b, map, LENGTH);
      if (!copy(f, f->a.handle, buffer, 5000, 9999, 2222))
         goto done;
      memcpy(f->model_b + 9999, f->model_a + 5000, 2222);
      CHECK_BYTES(t, f->model_b, map, LENGTH);
      vkUnmapMemory(device, memory);
      memcpy(f->b.map, f->model_b, LENGTH);
   }
done:
   vkDestroyBuffer(device, buffer, NULL);
   vkFreeMemory(device, memory, NULL);
}

/* Memory freed while it is still mapped; the next one must work as if nothing had been. */
static void check_freed_while_mapped(struct fixture *f)
{
   for (uint32_t round = 0; round < 20; round++) {
      VkBuffer buffer;
      VkDeviceMemory memory;
      void *map = NULL;
      uint32_t size = 1 + app_random(&f->seed) % (4 * PAGE);
      if (memory_create(f, size, UINT32_MAX, &buffer, &memory) &&
          VK_CHECK(f->test, vkMapMemory(f->ctx.device, memory, 0, VK_WHOLE_SIZE, 0, &map))) {
         memset(map, (int)round + 1, size);
         if (copy(f, buffer, f->b.handle, 0, 0, size)) {
            memset(f->model_b, (int)round + 1, size);
            compare(f);
         }
         memset(map, 0x77, size); /* never used by the device */
      }
      vkDestroyBuffer(f->ctx.device, buffer, NULL);
      vkFreeMemory(f->ctx.device, memory, NULL);
   }
}

/* One host visible type, with the flushes and invalidations that it needs; they are allowed on coherent ones, too. */
static void check_type(struct fixture *f, uint32_t type)
{
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   const uint32_t atom = (uint32_t)f->ctx.properties.limits.nonCoherentAtomSize;
   const uint32_t length = 16 * PAGE;
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint8_t *map = NULL;
   if (!memory_create(f, length, type, &buffer, &memory))
      goto done;
   VK_TRY(t, vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
   VkMappedMemoryRange ranges[2] = {
      {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = memory, .size = VK_WHOLE_SIZE},
      {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = memory, .offset = 3 * atom, .size = 5 * atom},
   };
   app_random_bytes(&f->seed, f->model_b, length);
   memcpy(map, f->model_b, length);
   VK_TRY(t, vkFlushMappedMemoryRanges(device, 1, ranges));
   for (uint32_t round = 0; round < WAIT_KINDS; round++) {
      uint32_t offset = 3 * atom + app_random(&f->seed) % (4 * atom);
      app_random_bytes(&f->seed, f->model_b + offset, atom);
      memcpy(map + offset, f->model_b + offset, atom);
      VK_TRY(t, vkFlushMappedMemoryRanges(device, 1, &ranges[1]));
      if (!copy(f, buffer, f->b.handle, 0, 0, length))
         goto done;
      compare(f);
      if (!copy(f, f->a.handle, buffer, 333, 4 * atom + 1, 2 * atom))
         goto done;
      memcpy(f->model_b + 4 * atom + 1, f->model_a + 333, 2 * atom);
      VK_TRY(t, vkInvalidateMappedMemoryRanges(device, 2, ranges));
      CHECK_BYTES(t, f->model_b, map, length);
      memcpy(f->b.map, f->model_b, length);
   }
   vkUnmapMemory(device, memory);
done:
   vkDestroyBuffer(device, buffer, NULL);
   vkFreeMemory(device, memory, NULL);
}

static void check_types(struct fixture *f)
{
   const VkMemoryPropertyFlags special = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
                                         VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;
   uint32_t other = 0;
   for (uint32_t type = 0; type < f->ctx.memory.memoryTypeCount; type++) {
      VkMemoryPropertyFlags flags = f->ctx.memory.memoryTypes[type].propertyFlags;
      if (!(flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) || (flags & special))
         continue;
      other += !(flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
      check_type(f, type);
   }
   if (other == 0)
      app_note(f->test, "all host visible memory is coherent");
}

/* 64 MiB mapped: one touched byte, then a few bytes written by the device all over it, then all of it. */
static void check_large(struct fixture *f)
{
   enum { LARGE = 64 << 20, SPOTS = 32 };
   struct app_test *t = f->test;
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkBufferCopy regions[SPOTS];
   uint8_t *map = NULL;
   bool good = true;
   if (!memory_create(f, LARGE, UINT32_MAX, &buffer, &memory))
      goto done;
   VK_TRY(t, vkMapMemory(f->ctx.device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&map));
   map[LARGE / 2 + 1] = 0x42;
   if (!copy(f, buffer, f->b.handle, LARGE / 2 + 1, 17, 1))
      goto done;
   f->model_b[17] = 0x42;
   compare(f);

   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   TRY(t, commands != VK_NULL_HANDLE);
   vkCmdFillBuffer(commands, buffer, 0, VK_WHOLE_SIZE, 0xc3c3c3c3);
   if (!run(f, commands, next_wait(f)))
      goto done;
   for (uint32_t i = 0; i < SPOTS; i++)
      regions[i] = (VkBufferCopy){100 + i, (VkDeviceSize)i * (LARGE / SPOTS) + i * 1237, 1};
   commands = app_commands_begin(&f->ctx);
   TRY(t, commands != VK_NULL_HANDLE);
   vkCmdCopyBuffer(commands, f->a.handle, buffer, SPOTS, regions);
   if (!run(f, commands, next_wait(f)))
      goto done;
   for (uint32_t i = 0; i < SPOTS; i++) {
      CHECK_EQ(t, f->model_a[100 + i], map[regions[i].dstOffset]);
      map[regions[i].dstOffset] = 0xc3;
   }
   for (uint32_t i = 0; i < LARGE; i += 8) {
      uint64_t word;
      memcpy(&word, map + i, 8);
      good &= word == UINT64_C(0xc3c3c3c3c3c3c3c3);
   }
   CHECK(t, good);
done:
   vkDestroyBuffer(f->ctx.device, buffer, NULL);
   vkFreeMemory(f->ctx.device, memory, NULL);
}

void phase_memory(struct app_test *t)
{
   struct fixture f;
   if (fixture_create(t, &f)) {
      check_random(&f);
      check_single_bytes(&f);
      check_shared_pages(&f);
      check_two_in_flight(&f);
      check_two_writers(&f);
      check_restless_writer(&f);
      check_files(&f);
      check_ping_pong(&f);
      check_remap(&f);
      check_freed_while_mapped(&f);
      check_types(&f);
      check_large(&f);
   }
   fixture_destroy(&f);
}
