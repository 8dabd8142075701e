/* SPDX-License-Identifier: MIT */

/* Asks for SRV records through the resolver of the C library, which knows the name servers of the system. */

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/service.h"

static const char *reason_of(int error)
{
   switch (error) {
   case HOST_NOT_FOUND:
      return "the DNS does not know the name with " VP_SERVICE_LABELS " before it; check it";
   case NO_DATA:
      return "the DNS has no SRV record there";
   case TRY_AGAIN:
      return "no name server answers";
   default:
      return "the name server refuses to answer";
   }
}

/* The size of the answer, or -1 and a reason. */
static int ask_dns(const char *question, uint8_t *answer, const char **reason)
{
   struct __res_state state = {0};

   *reason = "the resolver of the system cannot be used";
   if (res_ninit(&state) != 0)
      return -1;
   const int size = res_nsearch(&state, question, ns_c_in, ns_t_srv, answer, VP_SERVICE_ANSWER_MOST);
   if (size < 0)
      *reason = reason_of(state.res_h_errno);
   res_nclose(&state);
   return size;
}

bool vp_service_find(struct vp_service *service, const char *name, char error[VP_SOCKET_ERROR_SIZE])
{
   char question[sizeof(VP_SERVICE_LABELS) + VP_SERVICE_NAME_SIZE], what[112];
   uint8_t *answer = malloc(VP_SERVICE_ANSWER_MOST);
   const char *reason = "out of memory";

   *service = (struct vp_service){0};
   snprintf(question, sizeof(question), VP_SERVICE_LABELS "%s", name);
   const int size = answer ? ask_dns(question, answer, &reason) : -1;
   bool ok = false;
   if (size >= 0 && size <= VP_SERVICE_ANSWER_MOST) {
      ok = vp_service_parse(service, answer, (size_t)size, what, sizeof(what));
      reason = what;
   }
   if (!ok)
      snprintf(error, VP_SOCKET_ERROR_SIZE, "cannot find the Venus servers of srv:%.100s: %s", name, reason);
   free(answer);
   return ok;
}
