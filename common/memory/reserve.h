/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_RESERVE_H
#define VP_MEMORY_RESERVE_H

#include <stdint.h>

/* How much memory of a heap of this size the server keeps back for each device. What is said without waiting for an
 * answer, of which the client has at most half as much under way, can always be had with it. */
static inline uint64_t vp_reserve_size(uint64_t heap_size)
{
   const uint64_t most = UINT64_C(32) << 20, share = heap_size / 64;
   return share < most ? share : most;
}

/* How many objects it keeps back; of those of which it has not answered for any later command the client may have half
 * as many. */
#define VP_RESERVE_OBJECTS 8192u

#endif
