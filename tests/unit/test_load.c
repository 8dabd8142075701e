/* SPDX-License-Identifier: MIT */
/* How busy a server is: in bytes, and compared. */
#include <string.h>

#include "common/net/load.h"
#include "tests/unit/check.h"

static void test_bytes(void)
{
   const struct vp_load load = {
      .sessions = 1, .places = 0x01020304, .gpus = 3, .memory = UINT64_C(1) << 40, .memory_taken = 5};
   uint8_t bytes[VP_LOAD_SIZE + 1] = {0}, others[VP_LOAD_SIZE];
   struct vp_load again;

   vp_load_store(bytes, &load);
   CHECK(memcmp(bytes, "\1\0\0\0\4\3\2\1\3\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\5\0\0\0\0\0\0\0", VP_LOAD_SIZE) == 0);
   CHECK(vp_load_load(&again, bytes, VP_LOAD_SIZE));
   vp_load_store(others, &again);
   CHECK(memcmp(bytes, others, VP_LOAD_SIZE) == 0 && again.places == load.places && again.gpus == 3);
   CHECK(vp_load_load(&again, bytes, VP_LOAD_SIZE + 1) && again.memory_taken == 5);
   CHECK(!vp_load_load(&again, bytes, VP_LOAD_SIZE - 1));
}

/* Each is less busy than the next. */
static void test_comparison(void)
{
   static const struct vp_load loads[] = {
      {.sessions = 0, .places = 1, .gpus = 1, .memory = 10},
      {.sessions = 0, .places = 8, .gpus = 4, .memory = 10, .memory_taken = 1},
      {.sessions = 0, .places = 8, .gpus = 4, .memory = 10, .memory_taken = 11},
      {.sessions = 3, .places = 8, .gpus = 4},
      {.sessions = 1, .places = 8, .gpus = 0, .memory = 10}, /* as many as 1 */
      {.sessions = 0xfffffffe, .places = 0xffffffff, .gpus = 1},
      {.sessions = 8, .places = 8, .gpus = 0xffffffff, .memory = 100},
      {.sessions = 9, .places = 8, .gpus = 4},
      {.sessions = 0, .places = 0, .gpus = 0}, /* it takes nobody; the order among these means nothing */
   };
   const size_t count = sizeof(loads) / sizeof(loads[0]);

   for (size_t i = 0; i < count; i++) {
      CHECK(vp_load_compare(&loads[i], &loads[i]) == 0);
      for (size_t k = i + 1; k < count - 1; k++)
         CHECK(vp_load_compare(&loads[i], &loads[k]) < 0 && vp_load_compare(&loads[k], &loads[i]) > 0);
      if (i < 6)
         CHECK(vp_load_compare(&loads[i], &loads[count - 1]) < 0);
   }
}

int main(void)
{
   test_bytes();
   test_comparison();
   return check_finish();
}
