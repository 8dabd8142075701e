/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_SPIN_H
#define VP_UTIL_SPIN_H

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

/* Until the socket has something to receive, or room for what is to be sent, or it is time to sleep. Whether it has. */
bool vp_spin_for_data(int fd, int64_t end_ns);
bool vp_spin_for_room(int fd, int64_t end_ns);

#endif
