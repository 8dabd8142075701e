/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_PINS_H
#define VP_CLIENT_MAPPING_PINS_H

#include <stdbool.h>
#include <stdint.h>

/* Pages that are pinned, as those of buffers that io_uring has registered, are written to past the page tables: the
 * kernel notes a write when they are pinned and none after that. It says how many there are and not which. Whether
 * there were any at some moment after `since` (vp_clock_ns()); that is said in the log, once. Thread-safe. */
bool vp_pins_exist(int64_t since);

/* Opens what tells of them, while the process can. Thread-safe. */
void vp_pins_prepare(void);

/* In a child of fork(), of which what the parent has opened tells nothing. Async-signal-safe. */
void vp_pins_begin_anew(void);

#endif
