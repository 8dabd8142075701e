/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_GUARD_H
#define VP_CLIENT_PROCESS_GUARD_H

#include <pthread.h>

/* Stands before each entry point but those that only record (generated, in vp_entry.c), for what may happen to a
 * process:
 *
 * - A thread that is cancelled in the middle would leave our locks behind. So it is cancelled when it is back, or while
 * it waits for the GPU, which is where a thread is cancelled with other drivers.
 * - In a child of fork() the parent's objects are not touched: their locks may be held by threads that are not there.
 *   Calls with a result fail, others do nothing (client/device/inherited.h).
 *
 * And programs destroy what a creation that failed leaves in its output: that is null. */

struct vp_guard {
   int before, outer;
};

/* What the application has set for its thread, while that is within one of our entry points. */
extern _Thread_local int vp_guard_cancel_state;

static inline struct vp_guard vp_guard_enter(void)
{
   struct vp_guard guard = {.outer = vp_guard_cancel_state};
   pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard.before);
   vp_guard_cancel_state = guard.before;
   return guard;
}

static inline void vp_guard_leave(struct vp_guard guard)
{
   vp_guard_cancel_state = guard.outer;
   pthread_setcancelstate(guard.before, NULL);
}

/* pthread_cond_wait(), or pthread_cond_timedwait() with a deadline. The thread may be cancelled in it if the
 * application allows that: it must have no other lock than `lock`, which is released then, and nothing may depend on
 * its going on. */
int vp_guard_wait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *deadline);

#endif
