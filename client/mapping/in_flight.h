/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_IN_FLIGHT_H
#define VP_CLIENT_MAPPING_IN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads of this process that a device does by itself: the kernel takes the pages when the read begins (which counts as
 * the write), and the bytes come whenever the device has them, past all protection. So a page must not go unwatched for
 * such a write because it has been quiet: it may be waited for.
 *
 * What can be seen of them from inside: threads that wait in a read into a range of memory, and that there is a ring
 * for asynchronous reads (io_uring, aio), which may be about anything. */

/* Opens what the looks need, while the process can. Where /proc is not there, nothing is ever seen. Thread-safe. */
void vp_in_flight_prepare(void);

/* In a child of fork(), of which what the parent has opened tells nothing. Async-signal-safe. */
void vp_in_flight_begin_anew(void);

/* Whether no read that began before `since_ns` (vp_clock_ns()) can still write to this memory. False as well when that
 * is not known yet: looking takes a while, so it is not done often. What such reads have written is there when this
 * returns. Thread-safe. */
bool vp_in_flight_is_over(const void *memory, size_t length, int64_t since_ns);

#endif
