/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_CLOCK_H
#define VP_UTIL_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
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

/* For how long threads of this process have had a processor, added up. */
static inline int64_t vp_clock_process_ns(void)
{
   struct timespec now;

   clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
   return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* For a condition that is waited for with deadlines: makes them times of this clock. False without memory. */
static inline bool vp_clock_cond_init(pthread_cond_t *cond)
{
   pthread_condattr_t attributes;

   if (pthread_condattr_init(&attributes) != 0)
      return false;
   pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
   const bool ok = pthread_cond_init(cond, &attributes) == 0;
   pthread_condattr_destroy(&attributes);
   return ok;
}

/* A deadline for such a condition. */
static inline struct timespec vp_clock_deadline(int64_t ns)
{
   return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* The deadline that is `timeout` nanoseconds from now, or so late that it makes no difference. */
static inline struct timespec vp_clock_after(uint64_t timeout)
{
   const uint64_t second = 1000000000, longest = INT32_MAX / 2; /* which no time_t overflows with */
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   time.tv_sec += (time_t)(timeout / second > longest ? longest : timeout / second);
   time.tv_nsec += (long)(timeout % second);
   if (time.tv_nsec >= (long)second) {
      time.tv_nsec -= (long)second;
      time.tv_sec++;
   }
   return time;
}

#endif
