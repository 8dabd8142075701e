/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_THREAD_H
#define VP_UTIL_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread in somebody else's process: it blocks all signals, which are for the program's own threads. */
bool vp_thread_start(pthread_t *thread, void *(*run)(void *data), void *data);

#endif
