/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stress.h"

#define MAX_REPORTS 10 /* that are printed */

_Noreturn void give_up(const struct world *world, const char *what, int result)
{
   fprintf(stderr, "memory_stress: seed %llu: %s: unexpected result %d\n", (unsigned long long)world->seed, what,
           result);
   exit(1);
}

void *must_alloc(size_t size)
{
   void *p = calloc(1, size);
   if (!p) {
      fprintf(stderr, "memory_stress: no memory for the test\n");
      exit(1);
   }
   return p;
}

/* xorshift */
uint64_t next_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return *state;
}

uint32_t below(uint64_t *state, uint32_t limit)
{
   return (uint32_t)((next_random(state) >> 16) % limit);
}

bool one_in(uint64_t *state, uint32_t n)
{
   return below(state, n) == 0;
}

void random_bytes(uint64_t *state, uint8_t *bytes, size_t size)
{
   for (size_t i = 0; i < size; i++)
      bytes[i] = (uint8_t)(next_random(state) >> 24);
}

int64_t now_ns(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void pause_ns(long ns)
{
   nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

void report(struct worker *w, const char *format, ...)
{
   char text[400];
   va_list args;
   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);
   if (atomic_fetch_add(&w->world->failures, 1) < MAX_REPORTS)
      fprintf(stderr, "memory_stress: seed %llu, %s thread %u, round %lu: %s\n", (unsigned long long)w->world->seed,
              w->part->name, w->index, w->rounds, text);
   atomic_store(&w->world->stop, true);
}

void compare(struct worker *w, const char *what, const uint8_t *expected, const uint8_t *actual, size_t size,
             size_t offset)
{
   atomic_fetch_add(&w->world->bytes_compared, size);
   if (!memcmp(expected, actual, size))
      return;
   size_t first = 0, wrong = 0;
   while (first < size && expected[first] == actual[first])
      first++;
   if (first == size) {
      report(w, "%s: bytes at %zu changed while they were compared", what, offset);
      return;
   }
   for (size_t i = first; i < size; i++)
      wrong += expected[i] != actual[i];
   report(w, "%s: %zu of %zu bytes at %zu are wrong, the first at %zu: %#x instead of %#x", what, wrong, size, offset,
          offset + first, actual[first], expected[first]);
}
