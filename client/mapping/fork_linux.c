/* SPDX-License-Identifier: MIT */
#include "client/mapping/fork.h"

#include "client/mapping/pages.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vp_mapping_fork *all;

static void before_fork(void)
{
   pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
   pthread_mutex_unlock(&lock);
}

/* The views are not there at all (MADV_DONTFORK). */
static void after_fork_in_child(void)
{
   for (const struct vp_mapping_fork *fork = all; fork; fork = fork->next)
      vp_pages_give_copy(fork->pages);
   pthread_mutex_unlock(&lock);
}

static void start(void)
{
   pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void vp_mapping_fork_add(struct vp_mapping_fork *fork, const struct vp_pages *pages)
{
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, start);
   fork->pages = pages;
   if (pages->imported)
      return;
   pthread_mutex_lock(&lock);
   fork->next = all;
   fork->link = &all;
   if (fork->next)
      fork->next->link = &fork->next;
   all = fork;
   pthread_mutex_unlock(&lock);
}

void vp_mapping_fork_remove(struct vp_mapping_fork *fork)
{
   pthread_mutex_lock(&lock);
   if (fork->link) {
      *fork->link = fork->next;
      if (fork->next)
         fork->next->link = fork->link;
      fork->link = NULL;
   }
   pthread_mutex_unlock(&lock);
}
