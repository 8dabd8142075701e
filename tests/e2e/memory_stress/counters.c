/* SPDX-License-Identifier: MIT */
/* The GPU counts, and the host sets counters back to values that they had before: to zero, to what was there some time
 * ago, to what it wrote the last time. It seldom reads them, so that what it writes must count whatever the driver
 * believes to have sent already. The counters of two threads alternate. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define THREADS 2
#define COUNTERS 3000u /* of each thread */
#define SIZE 24000u    /* of all of them */
#define MAX_DISPATCHES 4

struct counters {
   struct mirror mirror;
   struct program programs[THREADS];
   uint32_t written[THREADS][COUNTERS]; /* by the host, the last time */
   uint32_t before[THREADS][COUNTERS];
};

static uint32_t byte_offset(const struct worker *w, uint32_t counter)
{
   return (counter * THREADS + w->index) * 4;
}

static uint32_t old_value(struct worker *w, const struct counters *state, uint32_t counter)
{
   switch (below(&w->random, 3)) {
   case 0:
      return 0;
   case 1:
      return state->before[w->index][counter];
   default:
      return state->written[w->index][counter];
   }
}

/* Some counters of [first, first + count). */
static void set_back(struct worker *w, struct counters *state, uint32_t first, uint32_t count)
{
   for (unsigned i = count ? below(&w->random, 50) : 0; i > 0; i--) {
      const uint32_t counter = first + below(&w->random, count), value = old_value(w, state, counter);
      const uint32_t at = byte_offset(w, counter);
      memcpy(state->mirror.model + at, &value, 4);
      state->written[w->index][counter] = value;
      host_store(w, state->mirror.area.map + at, state->mirror.model + at, 4);
   }
}

/* Counts in [first, first + count), several times. */
static void count_up(struct worker *w, struct counters *state, uint32_t first, uint32_t count)
{
   struct program_write writes[MAX_DISPATCHES];
   const unsigned dispatches = 1 + below(&w->random, MAX_DISPATCHES);
   for (unsigned i = 0; i < dispatches; i++) {
      writes[i] = (struct program_write){
         .first = first * THREADS + w->index,
         .step = THREADS,
         .count = count,
         .add = true,
         .value = 1 + below(&w->random, 3),
      };
      program_model(state->mirror.model, &writes[i]);
   }
   gpu_begin(w);
   program_record(w, &state->programs[w->index], writes, dispatches);
   gpu_submit(w);
}

static void compare_own(struct worker *w, const struct counters *state)
{
   for (uint32_t i = 0; i < COUNTERS; i++) {
      const uint32_t at = byte_offset(w, i);
      compare(w, "a counter", state->mirror.model + at, state->mirror.area.map + at, 4, at);
   }
}

static void remember(const struct worker *w, struct counters *state)
{
   for (uint32_t i = 0; i < COUNTERS; i++)
      memcpy(&state->before[w->index][i], state->mirror.model + byte_offset(w, i), 4);
}

static void counters_round(struct worker *w)
{
   struct counters *state = w->part_state;
   const uint32_t first = below(&w->random, COUNTERS), count = 1 + below(&w->random, COUNTERS - first);
   set_back(w, state, 0, COUNTERS);
   count_up(w, state, first, count);
   set_back(w, state, 0, first); /* while it counts elsewhere */
   gpu_wait(w);
   if (one_in(&w->random, 3))
      compare_own(w, state);
   gpu_recycle(w);
   if (one_in(&w->random, 8))
      remember(w, state);
}

static void *counters_create(struct world *world, uint64_t *random)
{
   struct counters *state = must_alloc(sizeof(*state));
   mirror_create(world, &state->mirror, SIZE, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, random);
   memset(state->mirror.model, 0, SIZE);
   memset(state->mirror.area.map, 0, SIZE);
   for (unsigned i = 0; i < THREADS; i++) {
      program_create(world, &state->programs[i], PROGRAM_DESCRIPTOR);
      program_set_target(world, &state->programs[i], state->mirror.area.buffer, 0, SIZE);
   }
   return state;
}

static void counters_destroy(struct world *world, void *part_state)
{
   struct counters *state = part_state;
   for (unsigned i = 0; i < THREADS; i++)
      program_destroy(world, &state->programs[i]);
   mirror_destroy(world, &state->mirror);
   free(state);
}

const struct part part_counters = {
   .name = "counters",
   .threads = THREADS,
   .create = counters_create,
   .round = counters_round,
   .destroy = counters_destroy,
};
