/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_DESK_H
#define VP_SERVER_CONTROL_DESK_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/control/answer.h"

/* How many may ask at the same time, how long a request may be, and how long all of it may take. */
#define VPS_DESK_ROOM 8u
#define VPS_DESK_REQUEST_SIZE ((size_t)8192)
#define VPS_DESK_MS 5000

/* A socket on which short requests are answered, one for each connection, and what poll() waits for there. */
#define VPS_DESK_POLLFDS (1 + VPS_DESK_ROOM)

/* Answers a request that may not be there yet as a whole: false, more of it is needed. size: at most
 * VPS_DESK_REQUEST_SIZE, and then there is no more of it; there is a NUL behind it, and none in it. */
typedef bool vps_desk_clerk(void *owner, char *request, size_t size, struct vps_answer *answer);

struct vps_caller {
   int fd;
   int64_t deadline_ms;
   char *request; /* NULL: it has been answered */
   size_t size;
   struct vps_answer answer;
   size_t said;  /* bytes of the answer */
   bool is_done; /* has been told all, and is to close its end */
};

/* Nobody who asks is waited for. Starts with VPS_DESK_CLOSED. */
struct vps_desk {
   int listen_fd; /* the owner's; -1: closed */
   vps_desk_clerk *clerk;
   void *owner;
   struct vps_caller callers[VPS_DESK_ROOM];
   unsigned count;
   int64_t rest_ms; /* nobody comes in before */
};
#define VPS_DESK_CLOSED \
   {                    \
      .listen_fd = -1   \
   }

/* What poll() is to wait for: returns how many. First comes the socket that listens, if there is room. */
unsigned vps_desk_prepare(const struct vps_desk *desk, struct pollfd pollfds[VPS_DESK_POLLFDS]);

/* When there is something to do without an event; INT64_MAX: never. */
int64_t vps_desk_due(const struct vps_desk *desk);

/* None can be accepted: it is tried again a little later. */
void vps_desk_rest(struct vps_desk *desk);

/* A connection that the owner has accepted, which is the desk's now. */
void vps_desk_enter(struct vps_desk *desk, int fd);

/* After poll(): reads, answers, and lets go of those that are done or too slow. */
void vps_desk_tend(struct vps_desk *desk);

/* Lets go of all; what listens stays open. */
void vps_desk_close(struct vps_desk *desk);

#endif
