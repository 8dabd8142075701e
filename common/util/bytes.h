/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_BYTES_H
#define VP_UTIL_BYTES_H

#include <stdint.h>

/* Little-endian integers at any address, on a machine of any byte order. */

static inline void vp_bytes_store_u32(uint8_t *out, uint32_t value)
{
   for (unsigned i = 0; i < 4; i++)
      out[i] = (uint8_t)(value >> (8 * i));
}

static inline void vp_bytes_store_u64(uint8_t *out, uint64_t value)
{
   for (unsigned i = 0; i < 8; i++)
      out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t vp_bytes_load_u32(const uint8_t *in)
{
   return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static inline uint64_t vp_bytes_load_u64(const uint8_t *in)
{
   return (uint64_t)vp_bytes_load_u32(in) | (uint64_t)vp_bytes_load_u32(in + 4) << 32;
}

#endif
