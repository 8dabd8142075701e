/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_STATS_H
#define VP_CLIENT_LINK_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/net/cost.h"

/* The stages of a frame that is presented. */
enum vp_stage {
   VP_STAGE_GPU,
   VP_STAGE_ENCODE,
   VP_STAGE_NETWORK,
   VP_STAGE_DECODE,
   VP_STAGE_SHOW,
   VP_STAGE_COUNT,
};

/* What a connection has done; printed at its end, or the process's, with VENUS_DEBUG=stats. */
struct vp_stats {
   struct vp_stats *next, **link; /* among those of open connections; link NULL: it is not there */
   const char *address;
   atomic_uint_fast64_t async_calls, recorded_calls, cached_calls;
   atomic_uint_fast64_t blocking[VP_COST_KINDS]; /* round trips, by command */
   atomic_uint_fast64_t bursts;                  /* round trips that asked many things at once */
   atomic_uint_fast64_t hellos;
   atomic_uint_fast64_t news_waits; /* for what the server says without being asked, but had not said yet */
   atomic_uint_fast64_t frames_sent, frames_received, bytes_sent, bytes_received;
   atomic_uint_fast64_t memory_sent, memory_received; /* bytes of mapped memory, part of the above */
   atomic_uint_fast64_t submissions, presents, early_waits, paces;
   atomic_uint_fast64_t unpacked, packed; /* bytes of commands, before and after */
   atomic_uint_fast64_t frames_shown, picture_bytes;
   atomic_uint_fast64_t present_us[VP_STAGE_COUNT]; /* of all frames that were shown */
};

static inline void vp_stats_add(atomic_uint_fast64_t *counter, uint64_t n)
{
   atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void vp_stats_blocking(struct vp_stats *stats, uint32_t command);

/* The life of a connection, whose counters are 0 at first. The address stays the caller's. */
void vp_stats_begin(struct vp_stats *stats, const char *address);
void vp_stats_end(struct vp_stats *stats);

/* In a child of fork(), which has none of the connections. Async-signal-safe. */
void vp_stats_begin_anew(void);

#endif
