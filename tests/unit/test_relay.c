/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/cores.h"
#include "common/util/relay.h"
#include "tests/unit/check.h"

/* Pieces are finished once, in order, with what was in their place, whoever finishes them. */

#define PIECES 2000u
#define PLACES 4u

struct line {
   struct vp_relay relay;
   unsigned places[PLACES];
   unsigned finished;
   bool in_order;
   pthread_t maker, finisher;
   atomic_bool is_held;
};

static void finish(void *context, unsigned place)
{
   struct line *line = context;

   while (atomic_load(&line->is_held))
      usleep(100);
   line->in_order = line->in_order && place < PLACES && line->places[place] == line->finished;
   line->finished++;
   line->finisher = pthread_self();
}

static void give(struct line *line, unsigned piece, bool more)
{
   line->places[vp_relay_places(&line->relay, 1)] = piece;
   vp_relay_give(&line->relay, more);
}

static void start(struct line *line, unsigned cores)
{
   *line = (struct line){.in_order = true, .maker = pthread_self()};
   vp_cores_assume(cores);
   vp_relay_start(&line->relay, PLACES, finish, line);
}

static bool is_mine(const struct line *line)
{
   return pthread_equal(line->finisher, line->maker);
}

static void test_order(unsigned cores)
{
   struct line line;

   start(&line, cores);
   for (unsigned i = 0; i < PIECES; i++) {
      give(&line, i, i % 7 != 6);
      if (i % 50 == 49) {
         vp_relay_wait(&line.relay);
         CHECK(line.finished == i + 1);
      }
   }
   vp_relay_stop(&line.relay); /* finishes the rest */
   CHECK(line.finished == PIECES && line.in_order);
}

/* One goes on while the other is busy, as far as there are places; what comes alone wakes nobody. */
static void test_threads(void)
{
   struct line line;

   start(&line, VP_MIN_CORES_TO_SHARE);
   give(&line, 0, false);
   CHECK(line.finished == 1 && is_mine(&line));
   atomic_store(&line.is_held, true);
   for (unsigned i = 1; i <= PLACES; i++)
      give(&line, i, i < PLACES);
   atomic_store(&line.is_held, false);
   vp_relay_wait(&line.relay);
   CHECK(line.finished == 1 + PLACES && line.in_order && !is_mine(&line));
   vp_relay_stop(&line.relay);

   start(&line, VP_MIN_CORES_TO_SHARE - 1);
   give(&line, 0, true);
   CHECK(line.finished == 1 && is_mine(&line));
   vp_relay_stop(&line.relay);
}

int main(void)
{
   test_order(1);
   test_order(VP_MIN_CORES_TO_SHARE);
   test_threads();
   return check_finish();
}
