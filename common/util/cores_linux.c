/* SPDX-License-Identifier: MIT */
#include "common/util/cores.h"

#include <sched.h>

unsigned vp_cores_count(void)
{
   cpu_set_t set;

   return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}
