/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_PINS_H
#define VP_CLIENT_MAPPING_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages that are pinned, as those of buffers that io_uring has registered, are written to past the page tables: the
 * kernel notes a write when they are pinned and none after that. Whether one of these pages may be pinned, as of some
 * moment after `since` (vp_clock_ns()). Says in the log when there are pinned pages at first. Thread-safe. */
bool vp_pins_possible(const void *memory, size_t size, int64_t since);

/* Opens what tells of them, while the process can. Thread-safe. */
void vp_pins_prepare(void);

/* In a child of fork(), of which what the parent has opened tells nothing. Async-signal-safe. */
void vp_pins_begin_anew(void);

#endif
