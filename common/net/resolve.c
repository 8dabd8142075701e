/* SPDX-License-Identifier: MIT */

/* getaddrinfo() in a thread of its own, which is left behind when it takes too long; numeric addresses need none. */

#include "common/net/resolve.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"
#include "common/util/thread.h"

/* A look-up cannot be cancelled, so it may outlive its caller: whoever needs this last frees it. (getaddrinfo_a() would
 * wait for ever in a child of fork(), where its threads are missing.) */
struct lookup {
   pthread_mutex_t lock;
   pthread_cond_t finished;
   bool done, abandoned;
   int result;
   struct addrinfo hints, *list;
   char port[8];
   char host[];
};

static struct lookup *lookup_create(const char *host, uint16_t port, int flags)
{
   const size_t host_size = strlen(host) + 1;
   struct lookup *lookup = calloc(1, sizeof(*lookup) + host_size);
   if (!lookup || !vp_clock_cond_init(&lookup->finished) || pthread_mutex_init(&lookup->lock, NULL) != 0) {
      free(lookup);
      return NULL;
   }
   memcpy(lookup->host, host, host_size);
   snprintf(lookup->port, sizeof(lookup->port), "%u", (unsigned)port);
   lookup->hints = (struct addrinfo){.ai_flags = flags, .ai_socktype = SOCK_STREAM};
   return lookup;
}

static void lookup_destroy(struct lookup *lookup)
{
   pthread_cond_destroy(&lookup->finished);
   pthread_mutex_destroy(&lookup->lock);
   if (lookup->list)
      freeaddrinfo(lookup->list);
   free(lookup);
}

static void *lookup_main(void *data)
{
   struct lookup *lookup = data;
   struct addrinfo *list = NULL;
   const int result = getaddrinfo(lookup->host, lookup->port, &lookup->hints, &list);
   pthread_mutex_lock(&lookup->lock);
   lookup->result = result;
   lookup->list = result == 0 ? list : NULL;
   lookup->done = true;
   const bool abandoned = lookup->abandoned;
   pthread_cond_signal(&lookup->finished);
   pthread_mutex_unlock(&lookup->lock);
   if (abandoned)
      lookup_destroy(lookup);
   return NULL;
}

static bool start_thread(struct lookup *lookup)
{
   pthread_t thread;
   const bool ok = vp_thread_start(&thread, lookup_main, lookup);
   if (ok)
      pthread_detach(thread);
   return ok;
}

/* False when the time is over: then it is the thread's. */
static bool wait_for(struct lookup *lookup, int64_t deadline_ms)
{
   const struct timespec deadline = vp_clock_deadline(deadline_ms * 1000000);
   int error = 0;
   pthread_mutex_lock(&lookup->lock);
   while (!lookup->done && !error)
      error = pthread_cond_timedwait(&lookup->finished, &lookup->lock, &deadline);
   const bool done = lookup->done;
   lookup->abandoned = !done;
   pthread_mutex_unlock(&lookup->lock);
   return done;
}

int vp_resolve(const char *host, uint16_t port, int flags, int timeout_ms, struct addrinfo **list)
{
   const int64_t deadline_ms = vp_clock_ms() + timeout_ms;
   struct lookup *lookup = lookup_create(host, port, flags | AI_NUMERICSERV | AI_NUMERICHOST);
   if (!lookup)
      return EAI_MEMORY;

   /* A numeric address needs no thread. */
   lookup->result = getaddrinfo(lookup->host, lookup->port, &lookup->hints, &lookup->list);
   if (lookup->result == EAI_NONAME && !(flags & AI_NUMERICHOST)) {
      lookup->hints.ai_flags &= ~AI_NUMERICHOST;
      if (!start_thread(lookup))
         lookup->result = EAI_AGAIN;
      else if (!wait_for(lookup, deadline_ms))
         return EAI_AGAIN;
   }
   const int result = lookup->result;
   *list = lookup->list;
   lookup->list = NULL;
   lookup_destroy(lookup);
   return result;
}
