/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_PACE_H
#define VP_CLIENT_LINK_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/cost.h"

struct vp_connection;

/* How far the client may run ahead, in time. Saying a command takes the client less than a microsecond whatever it
 * costs the server, so a wait after a moment of that would look like a hang. The server tells what each command costs
 * it; the sum over all that was said is put as a tag on a frame from time to time, and the server says it again when it
 * has executed that frame. The difference is the work that is queued there, and whoever says something while that is
 * too much waits.
 *
 * The wait comes after the command was said, with no lock, and ends when the server has executed what was said before
 * it: nothing that the thread would say next is needed for that, since the server executes the stream in its order and
 * waits for no batch that needs a later command. It is for politeness only: without any news it ends after a second. */
struct vp_pace {
   _Atomic uint32_t costs[VP_COST_KINDS]; /* nanoseconds; 0: not known */
   _Atomic uint64_t said;                 /* nanoseconds of work, by these; changed with the stream's lock */
   _Atomic uint64_t executed;             /* of it; changed with the progress lock */
   uint64_t tagged;                       /* the last tag; with the stream's lock */

   /* With the progress lock: a tag that says how long a round trip takes. */
   uint64_t probe; /* 0: none is under way */
   int64_t probe_ns;
   _Atomic int64_t round_trip_ns; /* the shortest; 0: not known */
};

/* How long 1024 bytes take on their way to the server when it waits for them, in nanoseconds; 0: not known. */
static inline uint32_t vp_pace_arrival(const struct vp_pace *pace)
{
   return atomic_load_explicit(&pace->costs[vp_cost_kind(VP_COST_ARRIVAL)], memory_order_relaxed);
}

/* A command was said, or `size` bytes of recorded ones (VP_COST_RECORDED). With the stream's lock. True when what was
 * said should be sent, so that the server can begin. */
bool vp_pace_add(struct vp_pace *pace, uint32_t command, size_t size);

/* The tag of a frame that is complete, or 0. With the stream's lock. */
uint64_t vp_pace_tag(struct vp_connection *conn);

/* Waits while too much is queued. Without the stream's lock. */
void vp_pace_wait(struct vp_connection *conn);

/* The server has executed all up to a tag, as an EXECUTED frame says (0: it only tells costs) or a reply shows. False
 * when that makes no sense. Called by the receiver. */
bool vp_pace_receive(struct vp_connection *conn, uint64_t tag, const uint8_t *costs, size_t size);
void vp_pace_executed(struct vp_connection *conn, uint64_t tag);

#endif
