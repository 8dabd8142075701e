/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_SPIN_H
#define VP_UTIL_SPIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/util/clock.h"

/* Looking again and again for a short time before one sleeps: to fall asleep and to be woken takes longer than many a
 * batch takes a GPU. Other threads that want the core get it. All functions are thread-safe. */

/* Nobody spins until it is allowed; with few cores it should not be: whoever is waited for needs them. */
bool vp_spin_is_suitable(void);
void vp_spin_allow(bool allowed);

/* After each look that was in vain. False: it is time to sleep, since it is later than `end_ns` (of vp_clock_ns()). */
bool vp_spin(int64_t end_ns);

/* Looks until the condition holds, for so long at most. What it looks at must be atomic, or this thread's. */
#define VP_SPIN_UNTIL(condition, longest_ns)                       \
   do {                                                            \
      const int64_t vp_spin_end_ns = vp_clock_ns() + (longest_ns); \
      while (!(condition) && vp_spin(vp_spin_end_ns))              \
         ;                                                         \
   } while (0)

/* The same, and then sleeps on `cond`, without limit: the condition holds afterwards. Whoever makes it true has the
 * lock while it does, and while it signals `cond`; so it is done with both when this is over. */
#define VP_SPIN_THEN_SLEEP(condition, longest_ns, cond, lock) \
   do {                                                       \
      VP_SPIN_UNTIL(condition, longest_ns);                   \
      pthread_mutex_lock(lock);                               \
      while (!(condition))                                    \
         pthread_cond_wait(cond, lock);                       \
      pthread_mutex_unlock(lock);                             \
   } while (0)

/* Until the socket has something to receive, or room for what is to be sent, or it is time to sleep. Whether it has. */
bool vp_spin_for_data(int fd, int64_t end_ns);
bool vp_spin_for_room(int fd, int64_t end_ns);

#endif
