/* SPDX-License-Identifier: MIT */
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/util/arena.h"
#include "tests/unit/check.h"

static bool is_zero(const uint8_t *p, size_t size)
{
   for (size_t i = 0; i < size; i++) {
      if (p[i])
         return false;
   }
   return true;
}

static void test_zeroed_and_aligned(void)
{
   struct vp_arena arena;
   vp_arena_init(&arena, 1 << 20);

   for (unsigned round = 0; round < 3; round++) {
      for (size_t size = 0; size < 300; size += 7) {
         uint8_t *p = vp_arena_alloc(&arena, size);
         if (!CHECK(p != NULL))
            break;
         CHECK((uintptr_t)p % alignof(max_align_t) == 0);
         CHECK(is_zero(p, size));
         memset(p, 0xab, size); /* the next round must not see it */
      }
      vp_arena_reset(&arena);
   }
   vp_arena_finish(&arena);
}

static void test_allocations_are_apart(void)
{
   enum { COUNT = 2000 };
   struct vp_arena arena;
   uint8_t *p[COUNT];
   vp_arena_init(&arena, 16 << 20);

   for (unsigned i = 0; i < COUNT; i++) {
      p[i] = vp_arena_alloc(&arena, i + 1);
      if (!CHECK(p[i] != NULL))
         return;
      memset(p[i], (int)(i & 0xff), i + 1);
   }
   for (unsigned i = 0; i < COUNT; i++) {
      bool same = true;
      for (unsigned k = 0; k <= i; k++)
         same = same && p[i][k] == (i & 0xff);
      CHECK(same);
   }
   vp_arena_finish(&arena);
   CHECK(arena.used == 0);
}

static void test_cap(void)
{
   const size_t limit = 100001; /* not a multiple of the alignment */
   struct vp_arena arena;
   vp_arena_init(&arena, limit);

   CHECK(vp_arena_alloc(&arena, limit + 1) == NULL);
   CHECK(vp_arena_alloc(&arena, SIZE_MAX) == NULL);
   CHECK(vp_arena_alloc(&arena, limit) != NULL);
   CHECK(vp_arena_alloc(&arena, 1) == NULL);

   /* The kept chunk does not count against a request that needs all the room. */
   vp_arena_reset(&arena);
   CHECK(vp_arena_alloc(&arena, 1) != NULL);
   vp_arena_reset(&arena);
   CHECK(vp_arena_alloc(&arena, limit) != NULL);
   vp_arena_finish(&arena);

   size_t total = 0;
   while (vp_arena_alloc(&arena, 1000))
      total += 1000;
   CHECK(arena.used <= limit);
   CHECK(total >= limit - 3000);
   vp_arena_finish(&arena);

   vp_arena_init(&arena, 0);
   CHECK(vp_arena_alloc(&arena, 0) == NULL);
   vp_arena_finish(&arena);
}

static void test_array(void)
{
   struct vp_arena arena;
   vp_arena_init(&arena, 4096);

   CHECK(vp_arena_alloc_array(&arena, SIZE_MAX / 2, 3) == NULL);
   CHECK(vp_arena_alloc_array(&arena, (size_t)1 << 32, (size_t)1 << 32) == NULL);
   CHECK(vp_arena_alloc_array(&arena, 0, 100) != NULL);
   CHECK(vp_arena_alloc_array(&arena, 10, 100) != NULL);
   CHECK(vp_arena_alloc_array(&arena, 41, 100) == NULL);
   vp_arena_finish(&arena);
}

static void test_reset_frees_what_is_big(void)
{
   struct vp_arena arena;
   vp_arena_init(&arena, 256 << 20);

   CHECK(vp_arena_alloc(&arena, 64 << 20) != NULL);
   vp_arena_reset(&arena);
   CHECK(arena.used == 0);

   CHECK(vp_arena_alloc(&arena, 100) != NULL);
   const uint8_t *first = (const uint8_t *)arena.chunks;
   for (unsigned i = 0; i < 100; i++)
      CHECK(vp_arena_alloc(&arena, 100000) != NULL);
   vp_arena_reset(&arena);
   CHECK((const uint8_t *)arena.chunks == first);
   CHECK(arena.used < 1 << 20);
   vp_arena_finish(&arena);
}

int main(void)
{
   test_zeroed_and_aligned();
   test_allocations_are_apart();
   test_cap();
   test_array();
   test_reset_frees_what_is_big();
   return check_finish();
}
