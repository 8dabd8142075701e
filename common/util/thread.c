/* SPDX-License-Identifier: MIT */

/* All signals are blocked around pthread_create(), because the new thread inherits the mask. */

#include "common/util/thread.h"

#include <signal.h>

bool vp_thread_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
   sigset_t all, before;
   sigfillset(&all);
   sigdelset(&all, SIGSYS); /* the kernel kills who blocks it and makes a call that a sandbox traps */
   pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits this */
   const bool ok = !pthread_create(thread, NULL, run, data);
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   return ok;
}
