/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_COMPARE_H
#define VP_MEMORY_COMPARE_H

#include <stddef.h>
#include <stdint.h>

/* The inner loops of finding differences, as fast as memory is. `memory` may be written to meanwhile, and may be memory
 * that is slow to read (write-combined): then each of its bytes is read once, in whole lines. */

#define VP_COMPARE_PAGE ((size_t)4096)

/* How many bytes at the start of both are equal, in whole pages but for the end. */
size_t vp_compare_skip(const uint8_t *memory, const uint8_t *twin, size_t size);

/* Copies a page, or the start of one, to `copy` and to the twin, in one pass. Sets one bit for each byte that was not
 * what the twin had, the lowest for the first of 8; the rest of the last byte is 0. Returns how many there are. `mask`
 * has a byte for each 8 of `length`, begun ones included. */
size_t vp_compare_take(uint8_t *copy, const uint8_t *memory, uint8_t *twin, size_t length, uint8_t *mask);

#endif
