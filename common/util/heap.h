/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_HEAP_H
#define VP_UTIL_HEAP_H

/* Gives memory that was freed, and that the C library keeps for what may come, back to the system. Takes some
 * milliseconds where there is much. Thread-safe. */
void vp_heap_give_back(void);

#endif
