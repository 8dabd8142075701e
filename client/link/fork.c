/* SPDX-License-Identifier: MIT */
#include "client/link/fork.h"

#include "client/mapping/in_flight.h"
#include "client/mapping/pages.h"
#include "client/mapping/pins.h"
#include "client/mapping/tracker.h"
#include "client/mapping/watch.h"
#include "client/link/stats.h"
#include "common/util/pool.h"

#include <pthread.h>
#include <stddef.h>

/* What the process has once. Whoever held a lock of theirs is not there in a child. */
static void (*const begin_anew[])(void) = {vp_watch_begin_anew,     vp_tracker_begin_anew, vp_pins_begin_anew,
                                           vp_in_flight_begin_anew, vp_pages_begin_anew,   vp_stats_begin_anew,
                                           vp_pool_begin_anew};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vp_fork_item *all;
static unsigned generation; /* changes where there is one thread only */

static void before_fork(void)
{
   pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
   pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
   struct vp_fork_item *item = all;
   generation++;
   all = NULL;
   while (item) {
      struct vp_fork_item *next = item->next;
      item->link = NULL;
      item->in_child(item);
      item = next;
   }
   for (size_t i = 0; i < sizeof(begin_anew) / sizeof(*begin_anew); i++)
      begin_anew[i]();
   pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch(void)
{
   pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void vp_fork_add(struct vp_fork_item *item, void (*in_child)(struct vp_fork_item *item))
{
   item->in_child = in_child;
   pthread_mutex_lock(&lock);
   item->next = all;
   item->link = &all;
   if (item->next)
      item->next->link = &item->next;
   all = item;
   pthread_mutex_unlock(&lock);
}

void vp_fork_remove(struct vp_fork_item *item)
{
   pthread_mutex_lock(&lock);
   if (item->link) {
      *item->link = item->next;
      if (item->next)
         item->next->link = item->link;
      item->link = NULL;
   }
   pthread_mutex_unlock(&lock);
}

unsigned vp_fork_generation(void)
{
   return generation;
}
