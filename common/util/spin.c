/* SPDX-License-Identifier: MIT */

/* Looks with sched_yield() in between, or polls a descriptor without a timeout, until the deadline; not at all where it
 * was not allowed. */

#include "common/util/spin.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/util/cores.h"

static atomic_bool is_allowed;

bool vp_spin_is_suitable(void)
{
   return vp_cores_count() >= VP_MIN_CORES_TO_SHARE;
}

void vp_spin_allow(bool allowed)
{
   atomic_store(&is_allowed, allowed);
}

bool vp_spin(int64_t end_ns)
{
   if (!atomic_load_explicit(&is_allowed, memory_order_relaxed) || vp_clock_ns() >= end_ns)
      return false;
   sched_yield();
   return true;
}

static bool spin_for(int fd, short events, int64_t end_ns)
{
   struct pollfd pollfd = {.fd = fd, .events = events};
   bool found = false;

   while (!found && vp_spin(end_ns))
      found = poll(&pollfd, 1, 0) > 0;
   return found;
}

bool vp_spin_for_data(int fd, int64_t end_ns)
{
   return spin_for(fd, POLLIN, end_ns);
}

bool vp_spin_for_room(int fd, int64_t end_ns)
{
   return spin_for(fd, POLLOUT, end_ns);
}
