/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_POOL_H
#define VP_SERVER_POOL_H

/* Threads of a worker process that help where one thread is slower than memory. */

/* How many are worth having on this machine: with few cores, none. */
unsigned vps_pool_suitable(void);

/* So many may help from now on. They are started when there is something to do, and end with the process. */
void vps_pool_allow(unsigned helpers);

/* Calls work(argument) on this thread and on those that help, at the same time, and returns when all of them are done.
 * When the helpers work for somebody else, or cannot be started, it is called on this thread alone; `work` shares out
 * what there is to do by itself. Thread-safe. */
void vps_pool_run(void (*work)(void *argument), void *argument);

#endif
