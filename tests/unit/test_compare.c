/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/memory/compare.h"
#include "tests/unit/check.h"

/* The loops that find differences, against plain ones, at every alignment and length at which they go other ways. */

#define PAGE VP_COMPARE_PAGE
#define SIZE (3 * PAGE + 100)

static uint32_t random_state = 12345;

static uint32_t below(uint32_t n)
{
   random_state = random_state * 1664525 + 1013904223;
   return (random_state >> 8) % n;
}

/* `offset` bytes behind an aligned place, with its exact size, for the address sanitizer. */
static uint8_t *allocate(size_t offset, size_t size, void **block)
{
   if (posix_memalign(block, 64, offset + size + (offset + size == 0)) != 0)
      abort();
   return (uint8_t *)*block + offset;
}

static size_t expected_skip(const uint8_t *a, const uint8_t *b, size_t size)
{
   size_t at = 0;
   while (at < size && a[at] == b[at])
      at++;
   return at == size ? size : at / PAGE * PAGE;
}

/* All of it is copied to both, and nothing behind it; bits are set for what the twin had not. */
static void check_take(const uint8_t *memory, const uint8_t *twin, size_t twin_offset, size_t length)
{
   uint8_t mask[PAGE / 8], copy[PAGE + 1];
   void *block;
   uint8_t *taken = allocate(twin_offset, length + 1, &block);
   size_t differing = 0;

   memset(mask, 0xa5, sizeof(mask));
   memset(copy, 0x5a, sizeof(copy));
   memcpy(taken, twin, length);
   taken[length] = 0x5a;
   const size_t count = vp_compare_take(copy, memory, taken, length, mask);
   for (size_t i = 0; i < length; i++) {
      CHECK((memory[i] != twin[i]) == (mask[i / 8] >> i % 8 & 1));
      differing += memory[i] != twin[i];
   }
   CHECK(count == differing);
   if (length % 8)
      CHECK(mask[length / 8] >> length % 8 == 0);
   for (size_t i = (length + 7) / 8; i < sizeof(mask); i++)
      CHECK(mask[i] == 0xa5);
   CHECK(memcmp(copy, memory, length) == 0 && copy[length] == 0x5a);
   CHECK(memcmp(taken, memory, length) == 0 && taken[length] == 0x5a);
   free(block);
}

static void test_lengths(size_t a_offset, size_t b_offset, size_t size)
{
   void *a_block, *b_block;
   uint8_t *a = allocate(a_offset, size, &a_block), *b = allocate(b_offset, size, &b_block);

   for (size_t i = 0; i < size; i++)
      a[i] = b[i] = (uint8_t)below(256);
   CHECK(vp_compare_skip(a, b, size) == size);
   for (unsigned round = 0; round < 20 && size > 0; round++) {
      const size_t length = size < PAGE ? size : PAGE;
      b[below((uint32_t)size)] ^= (uint8_t)(1u << below(8));
      if (round % 8 == 7) { /* much of it */
         for (size_t i = below((uint32_t)size); i < size; i++)
            b[i] = (uint8_t)below(256);
      }
      CHECK(vp_compare_skip(a, b, size) == expected_skip(a, b, size));
      check_take(a, b, b_offset, length);
      if (round % 5 == 4)
         memcpy(b, a, size);
   }
   free(a_block);
   free(b_block);
}

/* Every byte alone is found, wherever it lies. */
static void test_each_byte(void)
{
   void *a_block, *b_block;
   uint8_t *a = allocate(0, SIZE, &a_block), *b = allocate(0, SIZE, &b_block);

   memset(a, 7, SIZE);
   memset(b, 7, SIZE);
   for (size_t i = 0; i < SIZE; i++) {
      a[i] = (uint8_t)(7 ^ 1 << i % 8);
      CHECK(vp_compare_skip(a, b, SIZE) == i / PAGE * PAGE);
      a[i] = 7;
   }
   free(a_block);
   free(b_block);
}

int main(void)
{
   static const size_t offsets[] = {0, 1, 8, 16, 31, 32},
                       sizes[] = {0,  1,   7,   8,        31,   32,       33,       63,  64,
                                  65, 127, 129, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, SIZE};

   for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
      for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
         test_lengths(offsets[i], 0, sizes[k]);
         test_lengths(offsets[i], offsets[i] + 3, sizes[k]);
      }
   }
   test_each_byte();
   return check_finish();
}
