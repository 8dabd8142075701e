/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_POOL_H
#define VP_UTIL_POOL_H

/* Threads of this process that help where one thread is slower than memory. */

/* How many are worth having on this machine: with few cores, none. */
unsigned vp_pool_suitable(void);

/* So many may help from now on. They are started when there is something to do, and end with the process. */
void vp_pool_allow(unsigned helpers);

/* In a child of fork(), which has none of them. Async-signal-safe. */
void vp_pool_begin_anew(void);

/* Calls work(argument) on this thread and on those that help, at the same time, and returns when all of them are done.
 * When the helpers work for somebody else, or cannot be started, it is called on this thread alone; `work` shares out
 * what there is to do by itself. Thread-safe. */
void vp_pool_run(void (*work)(void *argument), void *argument);

#endif
