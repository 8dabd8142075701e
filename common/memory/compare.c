/* SPDX-License-Identifier: MIT */
#include "common/memory/compare.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define PAGE VP_COMPARE_PAGE
#define STEP ((size_t)128)

/* So far ahead of what is compared memory is asked for. The processor does that itself, but only up to the end of each
 * page. */
#define AHEAD ((size_t)1024)

#define LOW_BITS UINT64_C(0x0101010101010101)
#define LOW7_BITS UINT64_C(0x7f7f7f7f7f7f7f7f)

/* --- on any processor --- */

static size_t skip_plain(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   size_t at = 0;

   while (at < size) {
      const size_t length = size - at < PAGE ? size - at : PAGE;
      if (memcmp(memory + at, twin + at, length) != 0)
         break;
      at += length;
   }
   return at;
}

/* One bit for each of 8 bytes that differ. */
static uint8_t differing(const uint8_t *a, const uint8_t *b)
{
   uint64_t x, y;
   memcpy(&x, a, 8);
   memcpy(&y, b, 8);
   const uint64_t difference = x ^ y;
   if (!((difference - LOW_BITS) & ~difference & ~LOW7_BITS)) /* new data: no byte is 0 */
      return 0xff;
   const uint64_t high = (difference | ((difference & LOW7_BITS) + LOW7_BITS)) & ~LOW7_BITS; /* the top bits */
   return (uint8_t)((high >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

static size_t mask_plain(const uint8_t *a, const uint8_t *b, size_t length, uint8_t *mask)
{
   size_t changed = 0, i = 0;

   for (; i + 8 <= length; i += 8) {
      mask[i / 8] = differing(a + i, b + i);
      changed += (size_t)__builtin_popcount(mask[i / 8]);
   }
   if (i < length) {
      mask[i / 8] = 0;
      for (size_t j = i; j < length; j++) {
         if (a[j] != b[j]) {
            mask[i / 8] |= (uint8_t)(1u << (j - i));
            changed++;
         }
      }
   }
   return changed;
}

/* --- with the vectors of x86-64 --- */

#ifdef __x86_64__

#define WITH_AVX2 __attribute__((target("avx2,popcnt")))

static bool has_avx2(void)
{
   return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

static bool is_aligned(const uint8_t *memory)
{
   return (uintptr_t)memory % sizeof(__m256i) == 0;
}

/* Loads that go past the caches where the memory is not cached, and are ordinary ones elsewhere. */
WITH_AVX2 static __m256i load(const uint8_t *memory)
{
   return _mm256_stream_load_si256((const void *)memory);
}

WITH_AVX2 static __m256i load_twin(const uint8_t *twin)
{
   return _mm256_loadu_si256((const void *)twin);
}

WITH_AVX2 static bool step_is_equal(const uint8_t *memory, const uint8_t *twin)
{
   const __m256i a = _mm256_xor_si256(load(memory), load_twin(twin)),
                 b = _mm256_xor_si256(load(memory + 32), load_twin(twin + 32)),
                 c = _mm256_xor_si256(load(memory + 64), load_twin(twin + 64)),
                 d = _mm256_xor_si256(load(memory + 96), load_twin(twin + 96)),
                 all = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
   return _mm256_testz_si256(all, all);
}

static void ask_for(const uint8_t *memory)
{
   __builtin_prefetch((const void *)((uintptr_t)memory + AHEAD));
   __builtin_prefetch((const void *)((uintptr_t)memory + AHEAD + 64));
}

WITH_AVX2 static size_t skip_avx2(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   const size_t whole = size / PAGE * PAGE;

   for (size_t at = 0; at < whole; at += STEP) {
      ask_for(memory + at);
      ask_for(twin + at);
      if (!step_is_equal(memory + at, twin + at))
         return at / PAGE * PAGE;
   }
   return whole + skip_plain(memory + whole, twin + whole, size - whole);
}

WITH_AVX2 static void read_avx2(uint8_t *copy, const uint8_t *memory, size_t length)
{
   for (size_t at = 0; at < length; at += sizeof(__m256i))
      _mm256_storeu_si256((void *)(copy + at), load(memory + at));
}

WITH_AVX2 static size_t mask_avx2(const uint8_t *a, const uint8_t *b, size_t length, uint8_t *mask)
{
   size_t changed = 0;

   for (size_t at = 0; at < length; at += sizeof(__m256i)) {
      const uint32_t bits = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load_twin(a + at), load_twin(b + at)));
      memcpy(mask + at / 8, &bits, sizeof(bits));
      changed += (size_t)__builtin_popcount(bits);
   }
   return changed;
}

size_t vp_compare_skip(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   return has_avx2() && is_aligned(memory) ? skip_avx2(memory, twin, size) : skip_plain(memory, twin, size);
}

void vp_compare_read(uint8_t *copy, const uint8_t *memory, size_t length)
{
   if (has_avx2() && is_aligned(memory) && length % sizeof(__m256i) == 0)
      read_avx2(copy, memory, length);
   else
      memcpy(copy, memory, length);
}

size_t vp_compare_mask(const uint8_t *a, const uint8_t *b, size_t length, uint8_t *mask)
{
   const size_t whole = has_avx2() ? length / sizeof(__m256i) * sizeof(__m256i) : 0;
   const size_t changed = whole ? mask_avx2(a, b, whole, mask) : 0;

   return changed + mask_plain(a + whole, b + whole, length - whole, mask + whole / 8);
}

#else

size_t vp_compare_skip(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   return skip_plain(memory, twin, size);
}

void vp_compare_read(uint8_t *copy, const uint8_t *memory, size_t length)
{
   memcpy(copy, memory, length);
}

size_t vp_compare_mask(const uint8_t *a, const uint8_t *b, size_t length, uint8_t *mask)
{
   return mask_plain(a, b, length, mask);
}

#endif
