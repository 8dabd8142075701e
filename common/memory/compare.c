/* SPDX-License-Identifier: MIT */

/* Compares memory with its twin by AVX2 where the processor has it, with loads that go past the caches for uncached
 * memory, and by words of 64 bits elsewhere. */

#include "common/memory/compare.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define PAGE VP_COMPARE_PAGE
#define STEP ((size_t)128)

/* So far ahead of what is compared memory is asked for, where that helps: processors do it themselves, but only up to
 * the end of each page. Intel's win a tenth with it, AMD's lose a fifth. */
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

static size_t take_plain(uint8_t *copy, const uint8_t *memory, uint8_t *twin, size_t length, uint8_t *mask)
{
   memcpy(copy, memory, length);
   const size_t changed = mask_plain(copy, twin, length, mask);
   memcpy(twin, copy, length);
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

/* From anywhere, in memory that is cached. */
WITH_AVX2 static __m256i load_cached(const uint8_t *memory)
{
   return _mm256_loadu_si256((const void *)memory);
}

WITH_AVX2 static bool step_is_equal(const uint8_t *memory, const uint8_t *twin)
{
   const __m256i a = _mm256_xor_si256(load(memory), load_cached(twin)),
                 b = _mm256_xor_si256(load(memory + 32), load_cached(twin + 32)),
                 c = _mm256_xor_si256(load(memory + 64), load_cached(twin + 64)),
                 d = _mm256_xor_si256(load(memory + 96), load_cached(twin + 96)),
                 all = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
   return _mm256_testz_si256(all, all);
}

static void ask_for(const uint8_t *memory)
{
   __builtin_prefetch((const void *)((uintptr_t)memory + AHEAD));
   __builtin_prefetch((const void *)((uintptr_t)memory + AHEAD + 64));
}

static void ask_for_both(const uint8_t *memory, const uint8_t *twin)
{
   ask_for(memory);
   ask_for(twin);
}

WITH_AVX2 static size_t skip_avx2(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   const size_t whole = size / PAGE * PAGE;
   const bool asks = __builtin_cpu_is("intel");

   for (size_t at = 0; at < whole; at += STEP) {
      if (asks)
         ask_for_both(memory + at, twin + at);
      if (!step_is_equal(memory + at, twin + at))
         return at / PAGE * PAGE;
   }
   return whole + skip_plain(memory + whole, twin + whole, size - whole);
}

/* One line of 64 bytes. */
WITH_AVX2 static inline uint64_t take_line(uint8_t *copy, const uint8_t *memory, bool aligned, uint8_t *twin)
{
   const __m256i low = aligned ? load(memory) : load_cached(memory),
                 high = aligned ? load(memory + 32) : load_cached(memory + 32);
   const uint32_t low_same = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, load_cached(twin))),
                  high_same = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, load_cached(twin + 32)));

   _mm256_storeu_si256((void *)copy, low);
   _mm256_storeu_si256((void *)(copy + 32), high);
   _mm256_storeu_si256((void *)twin, low);
   _mm256_storeu_si256((void *)(twin + 32), high);
   return ~((uint64_t)high_same << 32 | low_same);
}

WITH_AVX2 static size_t take_avx2(uint8_t *copy, const uint8_t *memory, uint8_t *twin, size_t length, uint8_t *mask)
{
   const bool aligned = is_aligned(memory), asks = __builtin_cpu_is("intel");
   size_t changed = 0;

   for (size_t at = 0; at < length; at += STEP) {
      if (asks)
         ask_for_both(memory + at, twin + at);
      for (size_t line = at; line < at + STEP; line += 64) {
         const uint64_t bits = take_line(copy + line, memory + line, aligned, twin + line);
         memcpy(mask + line / 8, &bits, sizeof(bits));
         changed += (size_t)__builtin_popcountll(bits);
      }
   }
   return changed;
}

size_t vp_compare_skip(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   return has_avx2() && is_aligned(memory) ? skip_avx2(memory, twin, size) : skip_plain(memory, twin, size);
}

size_t vp_compare_take(uint8_t *copy, const uint8_t *memory, uint8_t *twin, size_t length, uint8_t *mask)
{
   const size_t whole = has_avx2() ? length / STEP * STEP : 0;
   const size_t changed = whole ? take_avx2(copy, memory, twin, whole, mask) : 0;

   return changed + take_plain(copy + whole, memory + whole, twin + whole, length - whole, mask + whole / 8);
}

#else

size_t vp_compare_skip(const uint8_t *memory, const uint8_t *twin, size_t size)
{
   return skip_plain(memory, twin, size);
}

size_t vp_compare_take(uint8_t *copy, const uint8_t *memory, uint8_t *twin, size_t length, uint8_t *mask)
{
   return take_plain(copy, memory, twin, length, mask);
}

#endif
