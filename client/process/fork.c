/* SPDX-License-Identifier: MIT */

/* pthread_atfork() keeps the list of objects whole during a fork; in the child each of them is told once, then the
 * parts of the driver. */

#include "client/process/fork.h"

#include <pthread.h>
#include <stddef.h>

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
   for (size_t i = 0; vp_fork_begin_anew[i]; i++)
      vp_fork_begin_anew[i]();
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

bool vp_fork_try_lock(void)
{
   return pthread_mutex_trylock(&lock) == 0;
}

struct vp_fork_item *vp_fork_first(void)
{
   return all;
}

void vp_fork_unlock(void)
{
   pthread_mutex_unlock(&lock);
}

unsigned vp_fork_generation(void)
{
   return generation;
}
