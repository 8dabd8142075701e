/* SPDX-License-Identifier: MIT */

/* A ring of places with two counters, pieces given and pieces done; each thread spins on the other's counter before it
 * sleeps. */

#include "common/util/relay.h"

#include "common/util/cores.h"
#include "common/util/spin.h"
#include "common/util/thread.h"

/* Whoever waits for the other looks again and again before it sleeps, for about as long as a piece takes. */
#define SPIN_NS INT64_C(50000)

static uint64_t count_under_way(struct vp_relay *relay)
{
   return atomic_load(&relay->offered) - atomic_load(&relay->done);
}

/* False: it is to end. */
static bool relay_wait_for_work(struct vp_relay *relay)
{
   VP_SPIN_THEN_SLEEP(count_under_way(relay) || relay->stop, SPIN_NS, &relay->changed, &relay->lock);
   return count_under_way(relay) > 0;
}

static void relay_advance(struct vp_relay *relay, atomic_uint_least64_t *count)
{
   pthread_mutex_lock(&relay->lock);
   atomic_fetch_add(count, 1);
   pthread_cond_signal(&relay->changed); /* of the two threads one waits at most */
   pthread_mutex_unlock(&relay->lock);
}

static void *run(void *data)
{
   struct vp_relay *relay = data;

   while (relay_wait_for_work(relay)) {
      relay->finish(relay->context, (unsigned)(atomic_load(&relay->done) % relay->places));
      relay_advance(relay, &relay->done);
   }
   return NULL;
}

void vp_relay_start(struct vp_relay *relay, unsigned places, vp_relay_work *finish, void *context)
{
   *relay = (struct vp_relay){.places = places, .finish = finish, .context = context};
   pthread_mutex_init(&relay->lock, NULL);
   pthread_cond_init(&relay->changed, NULL);
   relay->running = vp_cores_count() >= VP_MIN_CORES_TO_SHARE && vp_thread_start(&relay->thread, run, relay);
}

void vp_relay_stop(struct vp_relay *relay)
{
   if (relay->running) {
      pthread_mutex_lock(&relay->lock);
      relay->stop = true;
      pthread_cond_signal(&relay->changed);
      pthread_mutex_unlock(&relay->lock);
      pthread_join(relay->thread, NULL);
   }
   relay->running = false;
   pthread_cond_destroy(&relay->changed);
   pthread_mutex_destroy(&relay->lock);
}

/* Until no more than so many are under way. */
static void relay_wait_for_room(struct vp_relay *relay, unsigned most)
{
   if (count_under_way(relay) > most)
      VP_SPIN_THEN_SLEEP(count_under_way(relay) <= most, SPIN_NS, &relay->changed, &relay->lock);
}

static unsigned next_place(struct vp_relay *relay)
{
   return (unsigned)(atomic_load(&relay->offered) % relay->places);
}

unsigned vp_relay_places(struct vp_relay *relay, unsigned count)
{
   relay_wait_for_room(relay, relay->places - count);
   return next_place(relay);
}

void vp_relay_give(struct vp_relay *relay, bool more)
{
   if (relay->running && (more || count_under_way(relay)))
      relay_advance(relay, &relay->offered);
   else
      relay->finish(relay->context, next_place(relay));
}

uint64_t vp_relay_given(struct vp_relay *relay)
{
   return atomic_load(&relay->offered);
}

bool vp_relay_has_done(struct vp_relay *relay, uint64_t count)
{
   return atomic_load(&relay->done) >= count;
}

unsigned vp_relay_load(struct vp_relay *relay)
{
   return (unsigned)count_under_way(relay);
}

bool vp_relay_is_idle(struct vp_relay *relay)
{
   return !count_under_way(relay);
}

void vp_relay_wait(struct vp_relay *relay)
{
   relay_wait_for_room(relay, 0);
}
