/* SPDX-License-Identifier: MIT */

/* venus-delta: how fast changes of mapped memory are found, encoded and applied on this machine, without a network.
 *
 * usage: venus-delta [MIB]
 *
 * Best of several runs, in gigabytes of memory gone through for each second; beside it what memcpy makes. */

#include "common/memory/delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"
#include "common/wire/encoder.h"

#define RUNS 7
#define FRAME_SIZE ((size_t)128 << 10) /* as the server's */
#define PAGE ((size_t)4096)

struct bench {
   size_t size;
   uint8_t *memory, *twin, *other, *other_twin;
   struct vp_encoder enc;
   uint64_t random;
   int64_t collect_ns, apply_ns;
   size_t sent;
};

static uint8_t *allocate(size_t size)
{
   void *memory;
   if (posix_memalign(&memory, PAGE, size) != 0) {
      fprintf(stderr, "venus-delta: out of memory\n");
      exit(1);
   }
   memset(memory, 1, size);
   return memory;
}

static uint64_t next_random(struct bench *bench)
{
   bench->random ^= bench->random << 13;
   bench->random ^= bench->random >> 7;
   bench->random ^= bench->random << 17;
   return bench->random;
}

static void change_nothing(struct bench *bench)
{
   (void)bench;
}

static void change_pages(struct bench *bench)
{
   for (size_t at = 0; at + PAGE <= bench->size; at += 64 * PAGE)
      bench->memory[at + next_random(bench) % PAGE] ^= 1;
}

static void change_all(struct bench *bench)
{
   for (size_t at = 0; at < bench->size; at += 8) {
      const uint64_t value = next_random(bench);
      memcpy(bench->memory + at, &value, 8);
   }
}

static void change_words(struct bench *bench)
{
   for (size_t at = 0; at < bench->size; at += 64)
      bench->memory[at + next_random(bench) % 64] ^= 1;
}

/* As pictures do: all but every fourth byte. */
static void change_colours(struct bench *bench)
{
   for (size_t at = 0; at < bench->size; at += 4) {
      const uint32_t value = (uint32_t)next_random(bench) & 0xffffff;
      memcpy(bench->memory + at, &value, 3);
   }
}

/* Times one run of both sides. */
static void run_once(struct bench *bench)
{
   bench->collect_ns = bench->apply_ns = 0;
   bench->sent = 0;
   for (size_t position = 0; position < bench->size;) {
      const int64_t start = vp_clock_ns();
      vp_encoder_reset(&bench->enc);
      vp_delta_collect(&bench->enc, bench->memory, bench->twin, bench->size, &position, FRAME_SIZE);
      const int64_t collected = vp_clock_ns();
      if (!vp_delta_apply(bench->enc.start, vp_encoder_size(&bench->enc), bench->other, bench->other_twin, bench->size))
         exit(1);
      bench->collect_ns += collected - start;
      bench->apply_ns += vp_clock_ns() - collected;
      bench->sent += vp_encoder_size(&bench->enc);
   }
}

static double rate(const struct bench *bench, int64_t ns)
{
   return ns > 0 ? (double)bench->size / (double)ns : 0;
}

static void run(struct bench *bench, const char *name, void (*change)(struct bench *bench))
{
   int64_t collect_ns = INT64_MAX, apply_ns = INT64_MAX;

   for (unsigned i = 0; i < RUNS; i++) {
      change(bench);
      run_once(bench);
      collect_ns = bench->collect_ns < collect_ns ? bench->collect_ns : collect_ns;
      apply_ns = bench->apply_ns < apply_ns ? bench->apply_ns : apply_ns;
   }
   if (memcmp(bench->memory, bench->other, bench->size) != 0) {
      fprintf(stderr, "venus-delta: the sides differ\n");
      exit(1);
   }
   printf("%-26s %8.2f %8.2f %10.1f\n", name, rate(bench, collect_ns), rate(bench, apply_ns),
          (double)bench->sent / (1 << 20));
}

static void run_memcpy(struct bench *bench)
{
   int64_t best = INT64_MAX;

   for (unsigned i = 0; i < RUNS; i++) {
      const int64_t start = vp_clock_ns();
      memcpy(bench->other, bench->memory, bench->size);
      const int64_t ns = vp_clock_ns() - start;
      best = ns < best ? ns : best;
   }
   printf("%-26s %8.2f\n", "memcpy", rate(bench, best));
}

int main(int argc, char **argv)
{
   struct bench bench = {.size = (size_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 128) << 20,
                         .random = 88172645463325252};

   if (bench.size == 0 || !vp_encoder_init(&bench.enc)) {
      fprintf(stderr, "usage: venus-delta [MIB]\n");
      return 2;
   }
   bench.memory = allocate(bench.size);
   bench.twin = allocate(bench.size);
   bench.other = allocate(bench.size);
   bench.other_twin = allocate(bench.size);
   printf("%-26s %8s %8s %10s\n", "GB/s", "collect", "apply", "MiB sent");
   run_memcpy(&bench);
   run(&bench, "nothing", change_nothing);
   run(&bench, "a byte in 64 pages", change_pages);
   run(&bench, "a byte in 64", change_words);
   run(&bench, "3 bytes of 4", change_colours);
   run(&bench, "all of it", change_all);
   free(bench.memory);
   free(bench.twin);
   free(bench.other);
   free(bench.other_twin);
   vp_encoder_finish(&bench.enc);
   return 0;
}
