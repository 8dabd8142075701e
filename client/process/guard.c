/* SPDX-License-Identifier: MIT */

/* A thread waits for the GPU with the cancellation state that the application has set, and releases the lock if it is
 * cancelled there. */

#include "client/process/guard.h"

/* The driver's own threads are not cancelled. */
_Thread_local int vp_guard_cancel_state = PTHREAD_CANCEL_DISABLE;

static void unlock(void *lock)
{
   pthread_mutex_unlock(lock);
}

int vp_guard_wait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *deadline)
{
   int result;
   pthread_cleanup_push(unlock, lock);
   pthread_setcancelstate(vp_guard_cancel_state, NULL);
   result = deadline ? pthread_cond_timedwait(cond, lock, deadline) : pthread_cond_wait(cond, lock);
   pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
   pthread_cleanup_pop(0);
   return result;
}
