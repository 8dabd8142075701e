/* SPDX-License-Identifier: MIT */

/* Packs, unpacks and copies by the compress and expand instructions of AVX-512 where the processor has them, and in
 * runs of at most 8 bytes elsewhere. */

#include "common/memory/masked.h"

#include <stdbool.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

size_t vp_masked_count(const uint8_t *mask, size_t length)
{
   size_t count = 0;

   for (size_t at = 0; at < length; at += 64)
      count += (size_t)__builtin_popcountll(vp_masked_word(mask, at, length));
   return count;
}

/* --- on any processor --- */

/* At most 8 bytes. */
static inline void copy_few(uint8_t *to, const uint8_t *from, unsigned count)
{
   if (count & 8)
      memcpy(to, from, 8);
   if (count & 4) {
      memcpy(to, from, 4);
      to += 4;
      from += 4;
   }
   if (count & 2) {
      memcpy(to, from, 2);
      to += 2;
      from += 2;
   }
   if (count & 1)
      *to = *from;
}

/* The next bits that are set, of a mask that is not 0; takes them off. */
static inline unsigned take_run(unsigned *mask, unsigned *count)
{
   const unsigned first = (unsigned)__builtin_ctz(*mask);

   *count = (unsigned)__builtin_ctz(~(*mask >> first));
   *mask &= ~0u << (first + *count);
   return first;
}

static uint8_t *pack_plain(uint8_t *out, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   for (size_t at = 0; at < length; at += 8) {
      unsigned count;
      for (unsigned bits = mask[at / 8]; bits; out += count) {
         const unsigned first = take_run(&bits, &count);
         copy_few(out, bytes + at + first, count);
      }
   }
   return out;
}

static void unpack_plain(uint8_t *memory, uint8_t *twin, const uint8_t *packed, const uint8_t *mask, size_t length)
{
   for (size_t at = 0; at < length; at += 8) {
      unsigned count;
      for (unsigned bits = mask[at / 8]; bits; packed += count) {
         const size_t place = at + take_run(&bits, &count);
         copy_few(memory + place, packed, count);
         if (twin)
            copy_few(twin + place, packed, count);
      }
   }
}

/* --- with the vectors of x86-64 --- */

#ifdef __x86_64__

#define WITH_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))

static bool has_avx512(void)
{
   return __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("popcnt");
}

/* So many low bits, at most 64. */
static uint64_t low_bits(unsigned count)
{
   return count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
}

WITH_AVX512 static uint8_t *pack_avx512(uint8_t *out, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   for (size_t at = 0; at < length; at += 64) {
      const uint64_t bits = vp_masked_word(mask, at, length);
      const unsigned count = (unsigned)__builtin_popcountll(bits);
      const __m512i all = _mm512_maskz_loadu_epi8(bits, bytes + at);
      _mm512_mask_storeu_epi8(out, low_bits(count), _mm512_maskz_compress_epi8(bits, all));
      out += count;
   }
   return out;
}

WITH_AVX512 static void unpack_avx512(uint8_t *memory, uint8_t *twin, const uint8_t *packed, const uint8_t *mask,
                                      size_t length)
{
   for (size_t at = 0; at < length; at += 64) {
      const uint64_t bits = vp_masked_word(mask, at, length);
      const unsigned count = (unsigned)__builtin_popcountll(bits);
      const __m512i all = _mm512_maskz_expand_epi8(bits, _mm512_maskz_loadu_epi8(low_bits(count), packed));
      _mm512_mask_storeu_epi8(memory + at, bits, all);
      if (twin)
         _mm512_mask_storeu_epi8(twin + at, bits, all);
      packed += count;
   }
}

WITH_AVX512 static void copy_avx512(uint8_t *memory, uint8_t *twin, const uint8_t *bytes, const uint8_t *mask,
                                    size_t length)
{
   for (size_t at = 0; at < length; at += 64) {
      const uint64_t bits = vp_masked_word(mask, at, length);
      const __m512i all = _mm512_maskz_loadu_epi8(bits, bytes + at);
      _mm512_mask_storeu_epi8(memory + at, bits, all);
      _mm512_mask_storeu_epi8(twin + at, bits, all);
   }
}

bool vp_masked_copy(uint8_t *memory, uint8_t *twin, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   const bool fast = has_avx512();

   if (fast)
      copy_avx512(memory, twin, bytes, mask, length);
   return fast;
}

uint8_t *vp_masked_pack(uint8_t *out, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   return has_avx512() ? pack_avx512(out, bytes, mask, length) : pack_plain(out, bytes, mask, length);
}

void vp_masked_unpack(uint8_t *memory, uint8_t *twin, const uint8_t *packed, const uint8_t *mask, size_t length)
{
   if (has_avx512())
      unpack_avx512(memory, twin, packed, mask, length);
   else
      unpack_plain(memory, twin, packed, mask, length);
}

#else

uint8_t *vp_masked_pack(uint8_t *out, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   return pack_plain(out, bytes, mask, length);
}

void vp_masked_unpack(uint8_t *memory, uint8_t *twin, const uint8_t *packed, const uint8_t *mask, size_t length)
{
   unpack_plain(memory, twin, packed, mask, length);
}

bool vp_masked_copy(uint8_t *memory, uint8_t *twin, const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   (void)memory;
   (void)twin;
   (void)bytes;
   (void)mask;
   (void)length;
   return false;
}

#endif
