/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_RACE_H
#define VP_CLIENT_LINK_RACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/link/connection.h"
#include "common/net/load.h"

/* More servers than this are not tried at once. */
#define VP_RACE_ROOM 64

enum vp_candidate_state {
   VP_CANDIDATE_WAITS,  /* to be tried */
   VP_CANDIDATE_TRIES,  /* a thread is at it */
   VP_CANDIDATE_THERE,  /* it can be had */
   VP_CANDIDATE_FAILED, /* and why */
   VP_CANDIDATE_KNOWN,  /* a service: its servers stand behind it */
};

/* A server that may be used, or a service, in whose place its servers come. */
struct vp_candidate {
   struct vp_race *race;
   struct vp_candidate *next;
   struct vp_server_address address;
   unsigned place;    /* in the list that the user has made */
   uint16_t priority; /* among those with the same place: lower ones come first */
   enum vp_candidate_state state;
   int64_t since_ms;           /* it is in this state, if that is not the first */
   struct vp_connection *conn; /* VP_CANDIDATE_THERE: a session, or where only the load was asked for, ... */
   int fd;                     /* ... a connection without a greeting, or -1, ... */
   bool knows_load;            /* ... because it is of a release that does not know the question */
   struct vp_load load;
   char error[VP_CONNECTION_ERROR_SIZE];
};

/* Servers that are tried beside each other, each by a thread. Whoever leaves last frees it: a thread whose server does
 * not answer may stay when all is decided. */
struct vp_race {
   pthread_mutex_t lock;
   pthread_cond_t news; /* a candidate is in another state */
   unsigned users, count;
   bool over; /* nobody wants what comes now */
   bool asks; /* for the load, instead of beginning a session */
   int64_t deadline_ms;
   struct vp_connection_terms terms;
   char application[VP_HELLO_NAME_SIZE];
   struct vp_candidate *first, *last;
};

/* NULL without memory. deadline_ms: of vp_clock_ms(), for each candidate. */
struct vp_race *vp_race_create(const struct vp_connection_terms *terms, bool asks, int64_t deadline_ms);

/* At the end; before anything is started. False without memory, or when there are too many. */
bool vp_race_add(struct vp_race *race, const struct vp_server_address *address, unsigned place);

/* Of one that waits, with the lock, which is released meanwhile if no thread is to be had, or `alone`. */
void vp_race_start(struct vp_race *race, struct vp_candidate *candidate, bool alone);

/* Without the lock. */
void vp_race_leave(struct vp_race *race);

/* Ends what a candidate that is there has. */
void vp_candidate_let_go(struct vp_candidate *candidate);

#endif
