/* SPDX-License-Identifier: MIT */

/* Counts the affinity mask of the calling thread, in which limits of containers by CPU sets show. */

#include <sched.h>
#include <stdatomic.h>

#include "common/util/cores.h"

static atomic_uint assumed;

void vp_cores_assume(unsigned count)
{
   atomic_store(&assumed, count);
}

unsigned vp_cores_count(void)
{
   const unsigned count = atomic_load(&assumed);
   cpu_set_t set;

   if (count)
      return count;
   return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}
