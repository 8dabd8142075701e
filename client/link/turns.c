/* SPDX-License-Identifier: MIT */

/* The turn is an atomic flag, on which threads spin before they sleep; those that have stepped aside are counted, so
 * that one can wait until all are back. */

#include "client/link/turns.h"

#include "common/util/spin.h"

/* Whoever waits looks again and again before it sleeps, for about as long as others take. */
#define SPIN_NS INT64_C(50000)

void vp_turns_init(struct vp_turns *turns)
{
   *turns = (struct vp_turns){0};
   pthread_mutex_init(&turns->lock, NULL);
   pthread_cond_init(&turns->free, NULL);
   pthread_cond_init(&turns->back, NULL);
}

void vp_turns_finish(struct vp_turns *turns)
{
   pthread_cond_destroy(&turns->back);
   pthread_cond_destroy(&turns->free);
   pthread_mutex_destroy(&turns->lock);
}

static bool try_to_take(struct vp_turns *turns)
{
   return !atomic_load(&turns->taken) && !atomic_exchange(&turns->taken, true);
}

static bool spin(struct vp_turns *turns)
{
   bool taken;

   VP_SPIN_UNTIL((taken = try_to_take(turns)), SPIN_NS);
   return taken;
}

/* Whoever is woken and finds it taken again looks for a while: others follow soon. */
static bool sleep_until_free(struct vp_turns *turns)
{
   pthread_mutex_lock(&turns->lock);
   const bool taken = try_to_take(turns);
   if (!taken) {
      turns->sleeping++;
      pthread_cond_wait(&turns->free, &turns->lock);
      turns->sleeping--;
   }
   pthread_mutex_unlock(&turns->lock);
   return taken;
}

void vp_turns_take(struct vp_turns *turns)
{
   while (!spin(turns) && !sleep_until_free(turns))
      ;
}

void vp_turns_end(struct vp_turns *turns)
{
   pthread_mutex_lock(&turns->lock);
   atomic_store(&turns->taken, false);
   if (turns->sleeping)
      pthread_cond_signal(&turns->free);
   pthread_mutex_unlock(&turns->lock);
}

void vp_turns_step_aside(struct vp_turns *turns)
{
   atomic_fetch_add(&turns->aside, 1);
   vp_turns_end(turns);
}

void vp_turns_come_back(struct vp_turns *turns)
{
   pthread_mutex_lock(&turns->lock);
   atomic_fetch_sub(&turns->aside, 1);
   pthread_cond_signal(&turns->back); /* one waits at most */
   pthread_mutex_unlock(&turns->lock);
   vp_turns_take(turns);
}

void vp_turns_settle(struct vp_turns *turns)
{
   if (atomic_load(&turns->aside))
      VP_SPIN_THEN_SLEEP(!atomic_load(&turns->aside), SPIN_NS, &turns->back, &turns->lock);
}
