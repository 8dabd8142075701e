/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/link/turns.h"
#include "client/mapping/mapping.h"
#include "common/memory/delta.h"
#include "common/util/spin.h"
#include "tests/unit/check.h"

/* What is taken in turns, and done aside by several threads at once. */

#define THREADS 3
#define COUNT 20000u
#define SLEEPS 200u /* at this number, aside */

struct work {
   struct vp_turns turns;
   unsigned next;             /* whose turn it is takes it */
   unsigned char done[COUNT]; /* that was done aside, or at once */
   unsigned early, mixed;     /* what was done aside was not done; others had the turn meanwhile */
   atomic_uint has_turn;
};

static bool is_part(unsigned number)
{
   return number % 5 > 1;
}

static void settle(struct work *work, unsigned number)
{
   vp_turns_settle(&work->turns);
   for (unsigned i = number < 50 ? 0 : number - 50; i < number; i++)
      work->early += !work->done[i];
}

static void *take_numbers(void *argument)
{
   struct work *work = argument;

   vp_turns_take(&work->turns);
   while (work->next < COUNT) {
      work->mixed += atomic_exchange(&work->has_turn, 1) != 0;
      const unsigned number = work->next++;
      if (!is_part(number))
         settle(work, number);
      atomic_store(&work->has_turn, 0);
      if (is_part(number))
         vp_turns_step_aside(&work->turns);
      if (number == SLEEPS + 2)
         usleep(20000);
      work->done[number]++;
      if (is_part(number))
         vp_turns_come_back(&work->turns);
   }
   vp_turns_settle(&work->turns);
   vp_turns_end(&work->turns);
   return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
   if (pthread_create(thread, NULL, run, argument) != 0)
      abort();
}

static void test_turns(unsigned threads, bool spin)
{
   struct work work = {0};
   pthread_t others[THREADS];
   unsigned wrong = 0;

   vp_spin_allow(spin);
   vp_turns_init(&work.turns);
   for (unsigned i = 1; i < threads; i++)
      start(&others[i], take_numbers, &work);
   take_numbers(&work);
   for (unsigned i = 1; i < threads; i++)
      pthread_join(others[i], NULL);
   for (unsigned i = 0; i < COUNT; i++)
      wrong += work.done[i] != 1;
   CHECK(wrong == 0 && work.early == 0 && work.mixed == 0);
   vp_turns_finish(&work.turns);
   vp_spin_allow(false);
}

/* --- memory --- */

#define SIZE ((size_t)256 << 10)
#define PAGE ((size_t)4096)
#define PARTS ((size_t)8)
#define ROUNDS 10u
#define TIMES 150u

/* Which bytes of a page are the server's; the others are the application's, who looks meanwhile for what it has
 * written. */
static bool is_servers(size_t at)
{
   return at % PAGE < (size_t)47 * 64; /* whole blocks, which are one run */
}

struct sides {
   struct vp_mapping *mapping;
   struct work numbers; /* its turns and `next` */
   struct vp_encoder parts[ROUNDS * PARTS];
   atomic_bool done, wrong;
};

static void make_parts(struct sides *sides, uint8_t *memory, uint8_t *twin)
{
   for (unsigned round = 0; round < ROUNDS; round++) {
      for (size_t at = 0; at < SIZE; at++) {
         if (is_servers(at))
            memory[at] = (uint8_t)(at * 7 + (size_t)3 * round + at / PAGE);
      }
      for (unsigned i = 0; i < PARTS; i++) {
         struct vp_encoder *enc = &sides->parts[round * PARTS + i];
         const size_t offset = SIZE / PARTS * i;
         if (!vp_encoder_init(enc))
            abort();
         vp_delta_collect_part(enc, memory + offset, twin + offset, offset, SIZE / PARTS, NULL);
      }
   }
}

static void *take_parts(void *argument)
{
   struct sides *sides = argument;
   struct work *work = &sides->numbers;

   vp_turns_take(&work->turns);
   while (work->next < ROUNDS * PARTS * TIMES) {
      const unsigned number = work->next++;
      const struct vp_encoder *enc = &sides->parts[number % (ROUNDS * PARTS)];
      if (number % PARTS == 0)
         vp_turns_settle(&work->turns);
      vp_turns_step_aside(&work->turns);
      if (!vp_mapping_apply(sides->mapping, enc->start, vp_encoder_size(enc)))
         atomic_store(&sides->wrong, true);
      vp_turns_come_back(&work->turns);
   }
   vp_turns_settle(&work->turns);
   vp_turns_end(&work->turns);
   atomic_store(&sides->done, true);
   return NULL;
}

/* What the application has written goes to `copy`. */
static void send_changes(struct sides *sides, uint8_t *copy, uint8_t *copy_twin)
{
   struct vp_encoder enc;
   size_t changed;
   bool more = vp_mapping_look(sides->mapping);

   if (!vp_encoder_init(&enc))
      abort();
   while (more) {
      vp_encoder_reset(&enc);
      more = vp_mapping_collect(sides->mapping, &enc, SIZE, &changed);
      CHECK(vp_delta_apply(enc.start, vp_encoder_size(&enc), copy, copy_twin, SIZE));
   }
   vp_encoder_finish(&enc);
}

static void write_own(uint8_t *memory, unsigned round)
{
   for (size_t at = 0; at < SIZE; at++) {
      if (!is_servers(at))
         memory[at] = (uint8_t)(at * 5 + round);
   }
}

static uint8_t *zeros(void)
{
   uint8_t *memory = calloc(1, SIZE);

   if (!memory)
      abort();
   return memory;
}

/* Parts are taken in by several threads at once, while the application writes next to them. None of it is lost, and
 * what the server has written is never taken for the application's. */
static void test_mapping(void)
{
   struct sides *sides = calloc(1, sizeof(*sides));
   uint8_t *memory = zeros(), *twin = zeros(), *copy = zeros(), *copy_twin = zeros();
   pthread_t threads[THREADS];
   size_t lost = 0, taken = 0;
   unsigned round = 0;

   if (!sides || !(sides->mapping = vp_mapping_create(1, SIZE)))
      abort();
   uint8_t *view = vp_mapping_pointer(sides->mapping);
   vp_mapping_set_writable(sides->mapping, true);
   vp_turns_init(&sides->numbers.turns);
   make_parts(sides, memory, twin);
   for (unsigned i = 0; i < THREADS; i++)
      start(&threads[i], take_parts, sides);
   do {
      write_own(view, ++round);
      send_changes(sides, copy, copy_twin);
   } while (!atomic_load(&sides->done));
   for (unsigned i = 0; i < THREADS; i++)
      pthread_join(threads[i], NULL);
   send_changes(sides, copy, copy_twin);
   write_own(memory, round);
   for (size_t at = 0; at < SIZE; at++) {
      lost += view[at] != memory[at];
      taken += copy[at] != (is_servers(at) ? 0 : memory[at]);
   }
   CHECK(lost == 0 && taken == 0 && !sides->wrong);
   vp_mapping_close(sides->mapping);
   vp_mapping_unref(sides->mapping);
   vp_turns_finish(&sides->numbers.turns);
   for (unsigned i = 0; i < ROUNDS * PARTS; i++)
      vp_encoder_finish(&sides->parts[i]);
   free(sides);
   free(memory);
   free(twin);
   free(copy);
   free(copy_twin);
}

int main(void)
{
   test_turns(1, false);
   test_turns(THREADS, false);
   test_turns(THREADS, true);
   test_mapping();
   return check_finish();
}
