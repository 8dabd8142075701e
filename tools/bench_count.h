/* SPDX-License-Identifier: MIT */
#ifndef VP_TOOLS_BENCH_COUNT_H
#define VP_TOOLS_BENCH_COUNT_H

/* What the calling thread did between start and stop, besides what it was called for. */
struct bench_counts {
   unsigned long allocations, locks;
   const char *system_calls; /* "0", "1" (or more), or "null" when they cannot be seen */
   int first_system_call;    /* its number; -1: none was seen */
};

/* To be called once, by the thread whose system calls are to be seen. */
void bench_count_watch_system_calls(void);
void bench_count_start(void);
struct bench_counts bench_count_stop(void);

#endif
