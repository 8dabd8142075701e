/* SPDX-License-Identifier: MIT */

/* One job at a time is offered to all helpers, and whoever brings it works on it, too. While there is one, others do
 * theirs alone. */

#include "common/util/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/cores.h"
#include "common/util/thread.h"

#define MAX_THREADS 8 /* more hardly find more memory bandwidth */

static struct {
   pthread_mutex_t lock;
   pthread_cond_t offered, left;
   unsigned allowed, started;
   uint64_t number;              /* of the last job */
   void (*work)(void *argument); /* NULL: there is none that anybody may join */
   void *argument;
   unsigned working; /* helpers that joined it */
   bool busy;
} pool = {
   .lock = PTHREAD_MUTEX_INITIALIZER,
   .offered = PTHREAD_COND_INITIALIZER,
   .left = PTHREAD_COND_INITIALIZER,
};

unsigned vp_pool_suitable(void)
{
   const unsigned cores = vp_cores_count();

   return cores < VP_MIN_CORES_TO_SHARE ? 0 : cores < MAX_THREADS ? cores - 1 : MAX_THREADS - 1;
}

void vp_pool_allow(unsigned helpers)
{
   pthread_mutex_lock(&pool.lock);
   pool.allowed = helpers;
   pthread_mutex_unlock(&pool.lock);
}

/* Whoever held the lock is not there. */
void vp_pool_begin_anew(void)
{
   pthread_mutex_init(&pool.lock, NULL);
   pthread_cond_init(&pool.offered, NULL);
   pthread_cond_init(&pool.left, NULL);
   pool.started = pool.working = 0;
   pool.work = NULL;
   pool.busy = false;
}

static void *help(void *argument)
{
   uint64_t seen = 0;

   (void)argument;
   pthread_mutex_lock(&pool.lock);
   for (;;) {
      while (!pool.work || pool.number == seen)
         pthread_cond_wait(&pool.offered, &pool.lock);
      void (*const work)(void *) = pool.work;
      void *const job = pool.argument;
      seen = pool.number;
      pool.working++;
      pthread_mutex_unlock(&pool.lock);
      work(job);
      pthread_mutex_lock(&pool.lock);
      if (--pool.working == 0)
         pthread_cond_signal(&pool.left);
   }
   return NULL;
}

/* With the lock. */
static void start_helpers(void)
{
   pthread_t thread;

   while (pool.started < pool.allowed && vp_thread_start(&thread, help, NULL)) {
      pthread_detach(thread);
      pool.started++;
   }
}

/* False when nobody can help. */
static bool offer(void (*work)(void *argument), void *argument)
{
   pthread_mutex_lock(&pool.lock);
   if (!pool.busy)
      start_helpers();
   const bool offered = !pool.busy && pool.started > 0;
   if (offered) {
      pool.busy = true;
      pool.number++;
      pool.work = work;
      pool.argument = argument;
      pthread_cond_broadcast(&pool.offered);
   }
   pthread_mutex_unlock(&pool.lock);
   return offered;
}

void vp_pool_run(void (*work)(void *argument), void *argument)
{
   const bool offered = offer(work, argument);

   work(argument);
   if (!offered)
      return;
   pthread_mutex_lock(&pool.lock);
   pool.work = NULL; /* who has not begun by now need not begin */
   while (pool.working > 0)
      pthread_cond_wait(&pool.left, &pool.lock);
   pool.busy = false;
   pthread_mutex_unlock(&pool.lock);
}
