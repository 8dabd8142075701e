/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_SLOW_H
#define VP_TESTS_SLOW_H

/* What tests multiply their limits of time with: tests/run says it, for sanitizers and for a machine that is busy. */

#include <stdlib.h>

static inline unsigned slow_factor(void)
{
   const char *text = getenv("VP_SLOW");
   const int times = text ? atoi(text) : 1;
   return times > 1 ? (unsigned)times : 1;
}

#endif
