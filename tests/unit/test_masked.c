/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory/masked.h"
#include "tests/unit/check.h"

/* Packing the bytes that a mask names, against a plain loop, at every length and alignment at which it goes other ways.
 * All memory has its exact size, for the address sanitizer. */

#define MAX_LENGTH ((size_t)300)

static uint32_t random_state = 4321;

static uint32_t next_random(void)
{
   random_state = random_state * 1664525 + 1013904223;
   return random_state >> 8;
}

static uint8_t *random_bytes(size_t size)
{
   uint8_t *bytes = malloc(size + (size == 0));
   if (!bytes)
      abort();
   for (size_t i = 0; i < size; i++)
      bytes[i] = (uint8_t)next_random();
   return bytes;
}

enum { RANDOM, FEW, MOST, ALL, NONE, COLOURS, PATTERNS };

static bool is_set(unsigned pattern, size_t i)
{
   switch (pattern) {
   case RANDOM:
      return next_random() & 1;
   case FEW:
      return next_random() % 40 == 0;
   case MOST:
      return next_random() % 40 != 0;
   case COLOURS:
      return i % 4 != 3;
   default:
      return pattern == ALL;
   }
}

static uint8_t *make_mask(unsigned pattern, size_t length)
{
   uint8_t *mask = calloc(length / 8 + 1, 1);
   if (!mask)
      abort();
   for (size_t i = 0; i < length; i++)
      mask[i / 8] |= (uint8_t)(is_set(pattern, i) << i % 8);
   return mask;
}

static bool is_named(const uint8_t *mask, size_t i)
{
   return mask[i / 8] >> i % 8 & 1;
}

static void check_unpack(const uint8_t *packed, const uint8_t *bytes, const uint8_t *mask, size_t length, bool twice)
{
   uint8_t *memory = random_bytes(length), *twin = random_bytes(length), *before = random_bytes(length),
           *twin_before = random_bytes(length);
   size_t wrong = 0;

   memcpy(before, memory, length);
   memcpy(twin_before, twin, length);
   vp_masked_unpack(memory, twice ? twin : NULL, packed, mask, length);
   for (size_t i = 0; i < length; i++) {
      wrong += memory[i] != (is_named(mask, i) ? bytes[i] : before[i]);
      wrong += twin[i] != (twice && is_named(mask, i) ? bytes[i] : twin_before[i]);
   }
   CHECK(wrong == 0);
   free(memory);
   free(twin);
   free(before);
   free(twin_before);
}

static void check_copy(const uint8_t *bytes, const uint8_t *mask, size_t length)
{
   uint8_t *memory = random_bytes(length), *twin = random_bytes(length), *before = random_bytes(length),
           *twin_before = random_bytes(length);
   size_t wrong = 0;

   memcpy(before, memory, length);
   memcpy(twin_before, twin, length);
   const bool done = vp_masked_copy(memory, twin, bytes, mask, length);
   for (size_t i = 0; i < length; i++) {
      wrong += memory[i] != (done && is_named(mask, i) ? bytes[i] : before[i]);
      wrong += twin[i] != (done && is_named(mask, i) ? bytes[i] : twin_before[i]);
   }
   CHECK(wrong == 0);
   free(memory);
   free(twin);
   free(before);
   free(twin_before);
}

static void check_one(unsigned pattern, size_t length)
{
   uint8_t *bytes = random_bytes(length), *mask = make_mask(pattern, length);
   size_t count = 0, wrong = 0;

   for (size_t i = 0; i < length; i++)
      count += is_named(mask, i);
   CHECK(vp_masked_count(mask, length) == count);
   uint8_t *packed = random_bytes(count);
   CHECK(vp_masked_pack(packed, bytes, mask, length) == packed + count);
   for (size_t i = 0, at = 0; i < length; i++) {
      if (is_named(mask, i))
         wrong += packed[at++] != bytes[i];
   }
   CHECK(wrong == 0);
   check_unpack(packed, bytes, mask, length, false);
   check_unpack(packed, bytes, mask, length, true);
   check_copy(bytes, mask, length);
   free(bytes);
   free(mask);
   free(packed);
}

#ifndef __SANITIZE_THREAD__ /* it would report what this is about */

#define ROUNDS 20000

struct other {
   volatile uint8_t *bytes; /* every second one is this thread's */
   atomic_bool stop;
   size_t lost;
};

static void *write_between(void *argument)
{
   struct other *other = argument;

   for (uint8_t value = 1; !atomic_load_explicit(&other->stop, memory_order_relaxed); value++) {
      for (size_t i = 1; i < MAX_LENGTH; i += 2)
         other->bytes[i] = value;
      for (size_t i = 1; i < MAX_LENGTH; i += 2)
         other->lost += other->bytes[i] != value;
   }
   return NULL;
}

/* Bytes that the mask does not name are another thread's, which writes there all the while. */
static void test_neighbours(void)
{
   uint8_t *memory = random_bytes(MAX_LENGTH), *packed = random_bytes(MAX_LENGTH / 2),
           *mask = random_bytes(MAX_LENGTH / 8 + 1);
   struct other other = {.bytes = memory};
   pthread_t thread;

   memset(mask, 0x55, MAX_LENGTH / 8);
   mask[MAX_LENGTH / 8] = 0x05; /* the last four bytes */
   if (pthread_create(&thread, NULL, write_between, &other) != 0)
      abort();
   for (unsigned i = 0; i < ROUNDS; i++)
      vp_masked_unpack(memory, NULL, packed, mask, MAX_LENGTH);
   atomic_store(&other.stop, true);
   pthread_join(thread, NULL);
   CHECK(other.lost == 0);
   free(memory);
   free(packed);
   free(mask);
}

#endif

int main(void)
{
   for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
      for (size_t length = 0; length <= MAX_LENGTH; length++)
         check_one(pattern, length);
   }
#ifndef __SANITIZE_THREAD__
   test_neighbours();
#endif
   return check_finish();
}
