/* SPDX-License-Identifier: MIT */
#include "common/net/resolve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/util/clock.h"

/* All that a look-up points to, in one piece, since one that cannot be
 * cancelled outlives its caller. */
struct lookup {
   struct gaicb request;
   struct addrinfo hints;
   char port[8];
   char host[];
};

static struct lookup *lookup_create(const char *host, uint16_t port, int flags)
{
   const size_t host_size = strlen(host) + 1;
   struct lookup *lookup = calloc(1, sizeof(*lookup) + host_size);
   if (!lookup)
      return NULL;

   memcpy(lookup->host, host, host_size);
   snprintf(lookup->port, sizeof(lookup->port), "%u", (unsigned)port);
   lookup->hints = (struct addrinfo){.ai_flags = flags, .ai_socktype = SOCK_STREAM};
   lookup->request = (struct gaicb){
      .ar_name = lookup->host,
      .ar_service = lookup->port,
      .ar_request = &lookup->hints,
   };
   return lookup;
}

/* Asks the name service, in a thread of the C library. */
static int lookup_run(struct lookup *lookup, int timeout_ms)
{
   struct gaicb *requests[] = {&lookup->request};
   struct sigevent no_event = {.sigev_notify = SIGEV_NONE};
   const int64_t deadline = vp_clock_ms() + timeout_ms;

   int rc = getaddrinfo_a(GAI_NOWAIT, requests, 1, &no_event);
   if (rc != 0)
      return rc;

   while ((rc = gai_error(&lookup->request)) == EAI_INPROGRESS) {
      const int64_t left = deadline - vp_clock_ms();
      if (left <= 0)
         break;
      const struct timespec wait = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
      gai_suspend((const struct gaicb *const *)requests, 1, &wait);
   }
   return rc;
}

int vp_resolve(const char *host, uint16_t port, int flags, int timeout_ms, struct addrinfo **list)
{
   struct lookup *lookup = lookup_create(host, port, flags | AI_NUMERICSERV);
   if (!lookup)
      return EAI_MEMORY;

   /* A numeric address needs no thread. */
   lookup->hints.ai_flags |= AI_NUMERICHOST;
   int rc = getaddrinfo(lookup->host, lookup->port, &lookup->hints, list);
   if (rc == EAI_NONAME && !(flags & AI_NUMERICHOST)) {
      lookup->hints.ai_flags &= ~AI_NUMERICHOST;
      rc = lookup_run(lookup, timeout_ms);
      if (rc == EAI_INPROGRESS && gai_cancel(&lookup->request) != EAI_CANCELED) {
         /* The C library still writes to it: lost memory is better than wrong memory. */
         return EAI_AGAIN;
      }
      if (rc == 0)
         *list = lookup->request.ar_result;
      else if (rc == EAI_INPROGRESS)
         rc = EAI_AGAIN;
   }
   free(lookup);
   return rc;
}
