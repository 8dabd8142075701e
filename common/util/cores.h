/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_CORES_H
#define VP_UTIL_CORES_H

/* With fewer cores than this, threads that share out work are in the way of those that have some already. */
#define VP_MIN_CORES_TO_SHARE 4u

/* How many cores this process may use. */
unsigned vp_cores_count(void);

/* From now on it is this many, whatever the system says; 0: what that says. For tests. */
void vp_cores_assume(unsigned count);

#endif
