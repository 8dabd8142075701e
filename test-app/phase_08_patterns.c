/* SPDX-License-Identifier: MIT */
/* Phase 8: the patterns in which host and device write to memory that stays mapped. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test-app/phase_08_memory.h"
#include "test-app/shaders.h"

static void host_write(struct mapped *f)
{
   uint32_t size = 1 + app_random(&f->seed) % (app_random(&f->seed) % 8 ? 64 : 5000);
   uint32_t offset = app_random(&f->seed) % (MAPPED_SIZE - size);
   app_random_bytes(&f->seed, f->model_a + offset, size);
   memcpy((uint8_t *)f->a.map + offset, f->model_a + offset, size);
}

/* Random writes, the last of them just before the submission; the device copies random ranges one way and the other. */
void mapped_check_random(struct mapped *f)
{
   for (uint32_t round = 0; round < 120; round++) {
      uint32_t size = 1 + app_random(&f->seed) % 20000;
      uint32_t from = app_random(&f->seed) % (MAPPED_SIZE - size);
      uint32_t to = app_random(&f->seed) % (MAPPED_SIZE - size);
      uint32_t back = 1 + app_random(&f->seed) % size;
      uint32_t back_to = app_random(&f->seed) % (MAPPED_SIZE - back);
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         return;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){from, to, size});
      app_cmd_barrier(commands);
      vkCmdCopyBuffer(commands, f->b.handle, f->a.handle, 1, &(VkBufferCopy){to, back_to, back});
      for (uint32_t writes = app_random(&f->seed) % 8; writes > 0; writes--)
         host_write(f);
      if (!mapped_run(f, commands, mapped_next_wait(f)))
         return;
      memcpy(f->model_b + to, f->model_a + from, size);
      memcpy(f->model_a + back_to, f->model_b + to, back);
      mapped_compare(f);
   }
}

/* Single bytes, each in a page of its own; also the first and the last byte of the memory. */
void mapped_check_single_bytes(struct mapped *f)
{
   static const uint32_t offsets[] = {
      0, 1, MAPPED_PAGE - 1, MAPPED_PAGE, 3 * MAPPED_PAGE + 77, MAPPED_SIZE - MAPPED_PAGE, MAPPED_SIZE - 1};
   for (uint32_t round = 0; round < 4 * WAIT_KINDS; round++) {
      uint32_t offset = offsets[round % APP_COUNT(offsets)];
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         return;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){offset, MAPPED_SIZE - 1 - offset, 1});
      f->model_a[offset] = (uint8_t)(f->model_a[offset] + 1 + round);
      ((volatile uint8_t *)f->a.map)[offset] = f->model_a[offset];
      if (!mapped_run(f, commands, mapped_next_wait(f)))
         return;
      f->model_b[MAPPED_SIZE - 1 - offset] = f->model_a[offset];
      mapped_compare(f);
   }
}

/* In the same two pages and at the same time, the device writes the odd bytes and the host the even ones. */
void mapped_check_shared_pages(struct mapped *f)
{
   enum { FIRST = MAPPED_PAGE / 2, SHARED = MAPPED_PAGE, REGIONS = SHARED / 2 };
   VkBufferCopy *regions = calloc(REGIONS, sizeof(*regions));
   volatile uint8_t *bytes = f->a.map;
   if (!CHECK(f->test, regions != NULL))
      return;
   for (uint32_t i = 0; i < REGIONS; i++)
      regions[i] = (VkBufferCopy){MAPPED_PAGE + 2 * i, FIRST + 2 * i + 1, 1};
   for (uint32_t round = 0; round < 3 * WAIT_KINDS; round++) {
      enum wait_kind kind = mapped_next_wait(f);
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         break;
      app_random_bytes(&f->seed, f->model_b, 8 * MAPPED_PAGE);
      memcpy(f->b.map, f->model_b, 8 * MAPPED_PAGE);
      vkCmdCopyBuffer(commands, f->b.handle, f->a.handle, REGIONS, regions);
      app_cmd_barrier(commands);
      if (!VK_CHECK(f->test, vkEndCommandBuffer(commands)) || !mapped_submit(f, commands, kind))
         break;
      for (uint32_t i = FIRST; i < FIRST + SHARED; i += 2) {
         f->model_a[i] = (uint8_t)(round + i / 2);
         bytes[i] = f->model_a[i];
      }
      if (!mapped_wait(f, kind))
         break;
      vkFreeCommandBuffers(f->ctx.device, f->ctx.pool, 1, &commands);
      for (uint32_t i = 0; i < REGIONS; i++)
         f->model_a[regions[i].dstOffset] = f->model_b[regions[i].srcOffset];
      mapped_compare(f);
   }
   free(regions);
}

/* Two submissions in flight; the host writes to one page between them, and waits only for the second. */
void mapped_check_two_in_flight(struct mapped *f)
{
   for (uint32_t round = 0; round < 2 * WAIT_KINDS; round++) {
      enum wait_kind kind = mapped_next_wait(f);
      VkCommandBuffer commands[2] = {app_commands_begin(&f->ctx), app_commands_begin(&f->ctx)};
      if (!commands[0] || !commands[1])
         return;
      for (uint32_t i = 0; i < 2; i++) {
         uint32_t offset = 5 * MAPPED_PAGE + 10 + 100 * i;
         vkCmdCopyBuffer(commands[i], f->a.handle, f->b.handle, 1, &(VkBufferCopy){offset, offset, 50});
         app_cmd_barrier(commands[i]);
         if (!VK_CHECK(f->test, vkEndCommandBuffer(commands[i])))
            return;
      }
      for (uint32_t i = 0; i < 2; i++) {
         uint32_t offset = 5 * MAPPED_PAGE + 10 + 100 * i;
         memset(f->model_a + offset, (int)(round * 2 + i + 1), 50);
         memset((uint8_t *)f->a.map + offset, (int)(round * 2 + i + 1), 50);
         memcpy(f->model_b + offset, f->model_a + offset, 50);
         if (!mapped_submit(f, commands[i], i == 0 ? WAIT_QUEUE : kind))
            return;
      }
      if (!mapped_wait(f, kind))
         return;
      mapped_compare(f);
      vkFreeCommandBuffers(f->ctx.device, f->ctx.pool, 2, commands);
   }
}

struct writer {
   struct mapped *fixture;
   uint32_t index;
   uint32_t round;
};

/* Writes the bytes of its own parity in two pages. */
static void *writer_main(void *argument)
{
   struct writer *w = argument;
   volatile uint8_t *bytes = w->fixture->a.map;
   for (uint32_t i = w->index; i < 2 * MAPPED_PAGE; i += 2)
      bytes[i] = (uint8_t)(w->round * 7 + i * (w->index + 1));
   return NULL;
}

/* Two threads write to the same pages at the same time, just before a submission. */
static bool write_by_two(struct mapped *f, uint32_t round)
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

void mapped_check_two_writers(struct mapped *f)
{
   for (uint32_t round = 0; round < 4 * WAIT_KINDS; round++) {
      VkCommandBuffer commands = app_commands_begin(&f->ctx);
      if (!commands)
         return;
      vkCmdCopyBuffer(commands, f->a.handle, f->b.handle, 1, &(VkBufferCopy){0, 0, 2 * MAPPED_PAGE});
      for (uint32_t i = 0; i < 2 * MAPPED_PAGE; i++)
         f->model_a[i] = (uint8_t)(round * 7 + i * (i % 2 + 1));
      if (!write_by_two(f, round) || !mapped_run(f, commands, mapped_next_wait(f)))
         return;
      memcpy(f->model_b, f->model_a, 2 * MAPPED_PAGE);
      mapped_compare(f);
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
      for (uint32_t i = 1; i < MAPPED_PAGE; i += 2)
         r->bytes[i] = value;
   }
   for (uint32_t i = 1; i < MAPPED_PAGE; i += 2)
      r->bytes[i] = (uint8_t)(i * 3);
   return NULL;
}

/* A thread writes the odd bytes of a page without rest, while the even ones go to the device and come back. */
void mapped_check_restless_writer(struct mapped *f)
{
   enum { REGIONS = MAPPED_PAGE / 4 };
   VkBufferCopy *out = calloc(2 * REGIONS, sizeof(*out));
   VkBufferCopy *in = out + REGIONS;
   struct restless restless = {.bytes = f->a.map};
   pthread_t thread;
   bool good = true;
   if (!CHECK(f->test, out != NULL))
      return;
   for (uint32_t i = 0; i < REGIONS; i++) {
      out[i] = (VkBufferCopy){4 * i, 8 * MAPPED_PAGE + i, 1};
      in[i] = (VkBufferCopy){8 * MAPPED_PAGE + i, 4 * i + 2, 1};
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
      for (uint32_t i = 0; i < MAPPED_PAGE; i += 4) {
         f->model_a[i] = (uint8_t)(round * 31 + i / 4);
         f->model_a[i + 2] = f->model_a[i];
         f->model_b[8 * MAPPED_PAGE + i / 4] = f->model_a[i];
         restless.bytes[i] = f->model_a[i];
      }
      good = mapped_run(f, commands, mapped_next_wait(f));
      bool same = good;
      for (uint32_t i = 0; i < MAPPED_PAGE; i += 2)
         same &= restless.bytes[i] == f->model_a[i];
      CHECK(f->test, same);
      CHECK_BYTES(f->test, f->model_b, f->b.map, MAPPED_SIZE);
   }
   atomic_store(&restless.stop, true);
   CHECK(f->test, pthread_join(thread, NULL) == 0);
   for (uint32_t i = 1; i < MAPPED_PAGE; i += 2)
      f->model_a[i] = (uint8_t)(i * 3);
   mapped_compare(f);
   free(out);
}

/* The kernel writes to mapped memory, and reads from it, like any other memory: read and write on a file. */
void mapped_check_files(struct mapped *f)
{
   enum { LENGTH = 10 * MAPPED_PAGE + 123, AT = 2 * MAPPED_PAGE + 5 };
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
      if (!mapped_run(f, commands, mapped_next_wait(f)))
         break;
      memcpy(f->model_b + AT + 1, f->model_a + AT, LENGTH);
      TRY(f->test, ftruncate(file, 0) == 0);
      TRY(f->test, pwrite(file, (uint8_t *)f->b.map + AT + 1, LENGTH, 0) == LENGTH);
      TRY(f->test, pread(file, copy, LENGTH, 0) == LENGTH);
      CHECK_BYTES(f->test, f->model_a + AT, copy, LENGTH);
      mapped_compare(f);
   }
done:
   if (file >= 0)
      close(file);
   free(copy);
}

/* Host and device take turns with the same words: each adds to what the other left. */
void mapped_check_ping_pong(struct mapped *f)
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
         if (!mapped_run(f, commands, mapped_next_wait(f)))
            break;
         mapped_compare(f);
      }
   }
   app_compute_destroy(&f->ctx, &add);
}
