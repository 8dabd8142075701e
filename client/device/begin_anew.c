/* SPDX-License-Identifier: MIT */

/* The functions, in their order, by which parts of the driver forget in a child of fork() what they share with its
 * parent. */

#include <stddef.h>

#include "client/link/stats.h"
#include "client/mapping/in_flight.h"
#include "client/mapping/pages.h"
#include "client/mapping/pins.h"
#include "client/mapping/tracker.h"
#include "client/mapping/watch.h"
#include "client/process/fork.h"
#include "common/util/pool.h"

void (*const vp_fork_begin_anew[])(void) = {
   vp_watch_begin_anew, vp_tracker_begin_anew, vp_pins_begin_anew, vp_in_flight_begin_anew,
   vp_pages_begin_anew, vp_stats_begin_anew,   vp_pool_begin_anew, NULL,
};
