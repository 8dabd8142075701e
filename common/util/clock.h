/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_CLOCK_H
#define VP_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Time since an arbitrary point, never set back. */

static inline int64_t vp_clock_ns(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t vp_clock_ms(void)
{
   return vp_clock_ns() / 1000000;
}

#endif
