/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_MASKED_H
#define VP_MEMORY_MASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/util/bytes.h"

/* Bytes that a mask names: one bit for each, the lowest for the first of 8; the bits behind the last one are 0. A mask
 * of `length` bytes has a byte for each 8 of them, begun ones included. Nothing else is read or written. */

/* The next 64 bits, from a multiple of 64 on; zeros behind the end. */
static inline uint64_t vp_masked_word(const uint8_t *mask, size_t at, size_t length)
{
   uint8_t last[8] = {0};

   if (length - at >= 64)
      return vp_bytes_load_u64(mask + at / 8);
   memcpy(last, mask + at / 8, (length - at + 7) / 8);
   return vp_bytes_load_u64(last);
}

/* How many bytes it names. */
size_t vp_masked_count(const uint8_t *mask, size_t length);

/* Copies them to `out`, one behind the other. Returns what is behind the last. */
uint8_t *vp_masked_pack(uint8_t *out, const uint8_t *bytes, const uint8_t *mask, size_t length);

/* The other way round, to two places (`twin`: NULL for one). Others may write to the bytes between meanwhile. */
void vp_masked_unpack(uint8_t *memory, uint8_t *twin, const uint8_t *packed, const uint8_t *mask, size_t length);

/* Copies them to their places in two memories, whatever the mask is. False, with nothing done, where the processor has
 * nothing that makes it faster than to copy what is between others in pieces. */
bool vp_masked_copy(uint8_t *memory, uint8_t *twin, const uint8_t *bytes, const uint8_t *mask, size_t length);

#endif
