/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory/delta.h"
#include "common/net/frame.h"
#include "common/util/pool.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/memory/memory.h"
#include "server/memory/readback.h"
#include "server/memory/writes.h"
#include "tests/unit/check.h"

/* Threads that help, and large memory that they compare. */

#define HELPERS 3

/* --- the threads --- */

#define PARTS 1000

struct work {
   atomic_uint next, done[PARTS], threads;
};

static void do_parts(void *argument)
{
   struct work *work = argument;
   unsigned part;

   atomic_fetch_add(&work->threads, 1);
   while ((part = atomic_fetch_add(&work->next, 1)) < PARTS)
      atomic_fetch_add(&work->done[part], 1);
}

static bool jobs_are_done(unsigned count)
{
   bool ok = true;

   for (unsigned i = 0; i < count; i++) {
      struct work work = {.next = 0};
      vp_pool_run(do_parts, &work);
      for (unsigned part = 0; part < PARTS; part++)
         ok = ok && atomic_load(&work.done[part]) == 1;
      ok = ok && atomic_load(&work.threads) >= 1 && atomic_load(&work.threads) <= HELPERS + 1;
   }
   return ok;
}

static void *run_many(void *argument)
{
   return jobs_are_done(100) ? argument : NULL;
}

static void wait_for_others(void *argument)
{
   atomic_uint *threads = argument;

   atomic_fetch_add(threads, 1);
   while (atomic_load(threads) <= HELPERS)
      usleep(1000);
}

static void test_jobs(void)
{
   pthread_t threads[4];
   atomic_uint together = 0;

   CHECK(jobs_are_done(1)); /* nobody helps yet */
   vp_pool_allow(HELPERS);
   vp_pool_run(wait_for_others, &together);
   CHECK(atomic_load(&together) == HELPERS + 1);
   for (unsigned i = 0; i < 4; i++) {
      if (pthread_create(&threads[i], NULL, run_many, &together) != 0)
         abort();
   }
   CHECK(jobs_are_done(100));
   for (unsigned i = 0; i < 4; i++) {
      void *result = NULL;
      CHECK(pthread_join(threads[i], &result) == 0 && result);
   }
}

/* --- memory --- */

#define SIZE (((size_t)20 << 20) + 100)

struct setup {
   struct vps_frame_writer writer;
   struct vps_device device;
   struct vps_memory memory;
   int client;
   uint8_t *copy, *copy_twin; /* the client's */
   unsigned frames, parts;
   size_t ordered, ordered_size; /* bytes whose ends are to come last; 0: none */
   uint64_t random;
};

static void *zeros(size_t count, size_t size)
{
   void *memory = calloc(count, size);
   if (!memory)
      abort();
   return memory;
}

static void open_setup(struct setup *x)
{
   int fds[2];

   memset(x, 0, sizeof(*x));
   if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
       !vps_frame_writer_init(&x->writer, fds[0], VP_COMPRESS_NONE) || pthread_mutex_init(&x->memory.lock, NULL) != 0 ||
       pthread_mutex_init(&x->device.mapped_lock, NULL) != 0)
      abort();
   x->client = fds[1];
   x->random = 1;
   x->device.writer = &x->writer;
   x->device.mapped = &x->memory;
   x->memory.device = &x->device;
   x->memory.size = SIZE;
   x->memory.visible = x->memory.coherent = true;
   x->memory.shared = x->memory.opened = true;
   x->memory.mapped = true;
   atomic_init(&x->memory.refs, 1);
   atomic_init(&x->memory.classes, VPS_WRITES_STORAGE);
   x->memory.exposed = zeros(SIZE / VPS_PIECE + 1, 1);
   memset(x->memory.exposed, VPS_WRITES_STORAGE, SIZE / VPS_PIECE + 1);
   x->memory.dirty = zeros(SIZE / VPS_PAGE / 64 + 1, 8);
   if (posix_memalign((void **)&x->memory.real, VPS_PAGE, SIZE) != 0)
      abort();
   memset(x->memory.real, 0, SIZE);
   x->memory.twin = zeros(SIZE, 1);
   x->copy = zeros(SIZE, 1);
   x->copy_twin = zeros(SIZE, 1);
}

static void close_setup(struct setup *x)
{
   pthread_mutex_destroy(&x->memory.lock);
   pthread_mutex_destroy(&x->device.mapped_lock);
   close(x->writer.channel.fd);
   close(x->client);
   vps_frame_writer_finish(&x->writer);
   free(x->memory.real);
   free(x->memory.twin);
   free(x->memory.exposed);
   free(x->memory.dirty);
   free(x->copy);
   free(x->copy_twin);
}

/* Whether the words at both ends of what changes are not there before all that is between them. */
static bool is_in_order(const struct setup *x)
{
   const uint8_t *copy = x->copy + x->ordered, *real = x->memory.real + x->ordered;
   const size_t size = x->ordered_size;

   return size == 0 || memcmp(copy + 8, real + 8, size - 16) == 0 ||
          (memcmp(copy, real, 8) != 0 && memcmp(copy + size - 8, real + size - 8, 8) != 0);
}

/* Applies what is sent, up to the mark. All of it comes after what was said before, and the ends of stretches after
 * that: so neither the first frame nor the one with the ends is a part. */
static void *receive(void *argument)
{
   struct setup *x = argument;
   struct vp_frame frame = {0};
   bool ok = true, is_part = true;

   x->frames = x->parts = 0;
   while (ok) {
      ok = vp_frame_read(&VP_CHANNEL(x->client), &frame, -1) == VP_FRAME_OK;
      if (!ok || frame.header.type == VP_FRAME_PROGRESS)
         break;
      is_part = frame.header.type == VP_FRAME_MEMORY_PART;
      x->parts += is_part;
      ok = (is_part ? x->frames > 0 : frame.header.type == VP_FRAME_MEMORY) &&
           vp_delta_apply(frame.payload, frame.header.length, x->copy, x->copy_twin, SIZE) && is_in_order(x);
      x->frames++;
   }
   vp_frame_finish(&frame);
   return ok && !(x->ordered_size && is_part) ? x : NULL;
}

static void report_writes(struct setup *x, const struct vps_writes *writes)
{
   pthread_t receiver;
   void *result = NULL;

   if (pthread_create(&receiver, NULL, receive, x) != 0)
      abort();
   CHECK(vps_readback_report(&x->device, writes, NULL));
   vps_frame_writer_send(&x->writer, VP_FRAME_PROGRESS, 0, NULL, 0, NULL, 0);
   CHECK(pthread_join(receiver, &result) == 0 && result);
}

static void report(struct setup *x)
{
   report_writes(x, &(struct vps_writes){.classes = VPS_WRITES_STORAGE});
}

static size_t below(struct setup *x, size_t n)
{
   x->random = x->random * UINT64_C(6364136223846793005) + 1442695040888963407;
   return (size_t)(x->random >> 20) % n;
}

/* The copy becomes what the memory is, whatever part of it has changed. */
static void test_memory(void)
{
   struct setup x;

   open_setup(&x);
   for (unsigned round = 0; round < 6; round++) {
      const size_t changes = round == 0 ? 0 : (size_t)1 << 3 * round;
      for (size_t i = 0; i < changes; i++)
         x.memory.real[below(&x, SIZE)]++;
      if (round == 5)
         memset(x.memory.real + SIZE / 2, 0x77, SIZE / 3);
      report(&x);
      CHECK(memcmp(x.copy, x.memory.real, SIZE) == 0);
      CHECK(x.memory.dirty_pages == 0);
   }
   x.memory.real[SIZE - 1]++; /* the last page is not whole */
   report(&x);
   CHECK(memcmp(x.copy, x.memory.real, SIZE) == 0);
   close_setup(&x);
}

/* All pages change, and exactly those of a range are reported. */
static void test_ranges(void)
{
   const size_t pages = (SIZE + VPS_PAGE - 1) / VPS_PAGE;
   struct setup x;

   open_setup(&x);
   for (unsigned round = 0; round < 40; round++) {
      struct vps_writes writes = {0};
      const size_t first = round % 2 ? below(&x, pages) : below(&x, 70) * 64 % pages,
                   most = round % 3 ? 130 : pages - first, count = 1 + below(&x, most), left = pages - first,
                   end = first + (count < left ? count : left);
      for (size_t page = 0; page < pages; page++)
         x.memory.real[page * VPS_PAGE + 7] = (uint8_t)(round + 1);
      vps_writes_add_range(&writes, &x.memory, first * VPS_PAGE + 100, end == pages ? SIZE : end * VPS_PAGE - 100);
      report_writes(&x, &writes);
      vps_writes_finish(&writes);
      size_t wrong = 0;
      for (size_t page = 0; page < pages; page++) {
         wrong += (x.copy[page * VPS_PAGE + 7] == round + 1) != (page >= first && page < end);
         x.copy[page * VPS_PAGE + 7] = x.copy_twin[page * VPS_PAGE + 7] = x.memory.twin[page * VPS_PAGE + 7] = 0;
      }
      CHECK(wrong == 0 && x.memory.dirty_pages == 0);
   }
   close_setup(&x);
}

/* A flag at an end of what has changed comes last, whoever compares the rest. */
static void test_order(void)
{
   struct setup x;

   open_setup(&x);
   for (unsigned round = 0; round < 10; round++) {
      const size_t place = below(&x, SIZE / 2) & ~(size_t)7,
                   size = ((size_t)1 << 20) + (below(&x, 2 << 20) & ~(size_t)7);
      struct vps_writes writes = {0};
      memset(x.memory.real + place, (int)round + 1, size);
      vps_writes_add_range(&writes, &x.memory, place, place + size);
      x.ordered = place;
      x.ordered_size = size;
      report_writes(&x, &writes);
      vps_writes_finish(&writes);
      CHECK(x.frames > 4 && x.parts > 2 && memcmp(x.copy, x.memory.real, SIZE) == 0);
   }
   close_setup(&x);
}

#ifndef __SANITIZE_THREAD__ /* it would report what this is about */

struct writer {
   struct setup *x;
   unsigned first; /* its bytes are every fourth from there on */
   atomic_bool *stop;
};

static void *write_on(void *argument)
{
   const struct writer *writer = argument;
   volatile uint8_t *memory = writer->x->memory.real;
   size_t at = writer->first;

   while (!atomic_load_explicit(writer->stop, memory_order_relaxed)) {
      memory[at]++;
      at += (size_t)4 * 97;
      if (at >= SIZE)
         at = writer->first;
   }
   return NULL;
}

/* Several write to all pages while they are compared; what they wrote last is there in the end. */
static void test_writers(void)
{
   struct setup x;
   pthread_t threads[2];
   struct writer writers[2];
   atomic_bool stop = false;

   open_setup(&x);
   for (unsigned i = 0; i < 2; i++) {
      writers[i] = (struct writer){.x = &x, .first = i, .stop = &stop};
      if (pthread_create(&threads[i], NULL, write_on, &writers[i]) != 0)
         abort();
   }
   for (unsigned round = 0; round < 10; round++)
      report(&x);
   atomic_store(&stop, true);
   for (unsigned i = 0; i < 2; i++)
      pthread_join(threads[i], NULL);
   report(&x);
   CHECK(memcmp(x.copy, x.memory.real, SIZE) == 0);
   close_setup(&x);
}

#endif

int main(void)
{
   test_jobs();
   test_memory();
   test_ranges();
   test_order();
#ifndef __SANITIZE_THREAD__
   test_writers();
#endif
   return check_finish();
}
