/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/wire/encoder.h"
#include "tests/unit/check.h"

/* The linker sends the encoder's calls here (see tests/CMakeLists.txt). */
void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);

static unsigned allocations, allocations_allowed = UINT32_MAX;

void *__wrap_malloc(size_t size)
{
   return allocations++ < allocations_allowed ? __real_malloc(size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
   return allocations++ < allocations_allowed ? __real_realloc(memory, size) : NULL;
}

static void allow_allocations(unsigned count)
{
   allocations = 0;
   allocations_allowed = count;
}

static bool holds(const struct vp_encoder *enc, const void *data, size_t size)
{
   return !enc->failed && vp_encoder_size(enc) == size && memcmp(enc->start, data, size) == 0;
}

static void test_values(void)
{
   static const uint8_t expected[] = {0x04, 0x03, 0x02, 0x01, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
   uint8_t bytes[64];
   struct vp_encoder enc;

   CHECK(vp_encoder_init(&enc));
   vp_enc_u32(&enc, 0x01020304);
   vp_enc_u64(&enc, 0x1122334455667788);
   CHECK(holds(&enc, expected, sizeof(expected)));
   vp_encoder_reset(&enc);
   CHECK(vp_encoder_size(&enc) == 0 && !enc.failed && enc.start);

   uint8_t *p = vp_put_f32(bytes, 1.0f);
   CHECK(p == bytes + 4 && memcmp(bytes, "\0\0\x80\x3f", 4) == 0);
   p = vp_put_f64(bytes, -2.0);
   CHECK(p == bytes + 8 && memcmp(bytes, "\0\0\0\0\0\0\0\xc0", 8) == 0);
   vp_encoder_finish(&enc);
}

static void test_filler_is_zero(void)
{
   uint8_t bytes[64];
   struct vp_encoder enc;
   CHECK(vp_encoder_init(&enc));

   for (size_t size = 0; size < 20; size++) {
      const size_t padded = (size + 3) & ~(size_t)3;
      vp_encoder_reset(&enc);
      memset(enc.start, 0xee, 64);
      vp_enc_bytes(&enc, "abcdefghijklmnopqrstuvw", size, 1);
      CHECK(vp_encoder_size(&enc) == padded && memcmp(enc.start, "abcdefghijklmnopqrstuvw", size) == 0);
      for (size_t i = size; i < padded; i++)
         CHECK(enc.start[i] == 0);
      CHECK(enc.start[padded] == 0xee);
   }

   memset(bytes, 0xee, sizeof(bytes));
   const uint8_t *p = vp_put_fixed(bytes, "abcde", 5, 1);
   CHECK(p == bytes + 16 && memcmp(bytes, "\5\0\0\0\0\0\0\0abcde\0\0\0\xee", 17) == 0);

   /* what follows the NUL stays here; a text need not have one */
   memset(bytes, 0xee, sizeof(bytes));
   p = vp_put_text(bytes, "ab\0secret", 9);
   CHECK(p == bytes + 20 && memcmp(bytes, "\x9\0\0\0\0\0\0\0ab\0\0\0\0\0\0\0\0\0\0\xee", 21) == 0);
   p = vp_put_text(bytes, "abcd", 4);
   CHECK(p == bytes + 12 && memcmp(bytes, "\4\0\0\0\0\0\0\0abcd", 12) == 0);
   vp_encoder_finish(&enc);
}

static void test_strings(void)
{
   static const char *const texts[] = {"a", "", "four"};
   static const uint8_t expected[] = {
      0, 0, 0, 0, 0, 0, 0, 0,                                 /* no string */
      1, 0, 0, 0, 0, 0, 0, 0, 0,   0,   0,   0,               /* "" */
      3, 0, 0, 0, 0, 0, 0, 0,                                 /* the array */
      2, 0, 0, 0, 0, 0, 0, 0, 'a', 0,   0,   0,               /* "a" */
      1, 0, 0, 0, 0, 0, 0, 0, 0,   0,   0,   0,               /* "" */
      5, 0, 0, 0, 0, 0, 0, 0, 'f', 'o', 'u', 'r', 0, 0, 0, 0, /* "four" */
      0, 0, 0, 0, 0, 0, 0, 0,                                 /* no array */
   };
   struct vp_encoder enc;

   CHECK(vp_encoder_init(&enc));
   vp_enc_string(&enc, NULL);
   vp_enc_string(&enc, "");
   vp_enc_string_array(&enc, texts, 3);
   vp_enc_string_array(&enc, NULL, 0);
   CHECK(holds(&enc, expected, sizeof(expected)));
   vp_encoder_finish(&enc);
}

/* Everything written stays when the buffer moves. */
static void test_growth(void)
{
   enum { VALUES = 300000 };
   struct vp_encoder enc;
   bool same = true;

   CHECK(vp_encoder_init(&enc));
   allow_allocations(UINT32_MAX);
   for (uint32_t i = 0; i < VALUES; i++)
      vp_enc_u32(&enc, i * 2654435761u);
   CHECK(!enc.failed && vp_encoder_size(&enc) == (size_t)4 * VALUES);
   CHECK(allocations > 0 && allocations < 12); /* it doubles */
   for (uint32_t i = 0; i < VALUES; i++) {
      const uint32_t expected = i * 2654435761u;
      same = same && memcmp(enc.start + 4 * (size_t)i, &expected, 4) == 0;
   }
   CHECK(same);

   /* a reset keeps the memory */
   vp_encoder_reset(&enc);
   allocations = 0;
   for (uint32_t i = 0; i < VALUES; i++)
      vp_enc_u32(&enc, i);
   CHECK(allocations == 0 && !enc.failed);
   vp_encoder_finish(&enc);
   CHECK(!enc.start && vp_encoder_size(&enc) == 0);
}

/* One array that is larger than the buffer, and a reservation at every distance from its end. */
static void test_exact_fit(void)
{
   for (size_t left = 0; left <= 16; left++) {
      struct vp_encoder enc;
      CHECK(vp_encoder_init(&enc));
      const size_t capacity = (size_t)(enc.end - enc.start);
      uint8_t *p = vp_enc_array(&enc, capacity - left - left % 4, 1);
      if (!CHECK(p != NULL))
         return;
      memset(p, 7, capacity - left - left % 4);
      vp_enc_u64(&enc, 0x0101010101010101);
      memset(vp_enc_space(&enc, VP_ENC_MAX_RUN), 1, VP_ENC_MAX_RUN);
      CHECK(!enc.failed && enc.cur <= enc.end);
      CHECK(enc.start[0] == 7 && enc.cur[-1] == 1 && enc.cur[-VP_ENC_MAX_RUN - 8] == 1);
      CHECK(enc.cur[-VP_ENC_MAX_RUN - 9] != 1);
      CHECK(vp_enc_array(&enc, 3 * capacity, 8) && !enc.failed && enc.cur <= enc.end);
      p = vp_enc_room(&enc, (size_t)(enc.end - enc.cur) + left);
      CHECK(p && !enc.failed && enc.cur <= enc.end && p < enc.cur);
      vp_encoder_finish(&enc);
   }
}

/* Behind a piece there is room for what was asked for and no more, so that somebody is asked again; without moving what
 * is there. */
static void test_piece(void)
{
   enum { PIECE = 64 << 10, LONG = 300000 };
   struct vp_encoder enc;

   CHECK(vp_encoder_init(&enc));
   enc.piece = PIECE;
   for (uint32_t i = 0; i < PIECE / 4; i++)
      vp_enc_u32(&enc, i);
   CHECK(enc.cur == enc.end && vp_encoder_size(&enc) == PIECE);
   allow_allocations(1);
   CHECK(vp_enc_array(&enc, LONG, 1) && enc.cur == enc.end);
   for (uint32_t i = 0; i < 1000; i++) {
      vp_enc_u32(&enc, i);
      CHECK(enc.cur == enc.end);
   }
   CHECK(!enc.failed && vp_encoder_size(&enc) == PIECE + LONG + 4000);
   CHECK(vp_encoder_reserve(&enc, 100) && enc.end == enc.cur + 100);
   allow_allocations(UINT32_MAX);
   vp_encoder_reset(&enc);
   CHECK(enc.end == enc.start + PIECE);
   vp_encoder_trim(&enc, PIECE);
   CHECK(enc.piece == PIECE && enc.end < enc.start + PIECE);
   vp_encoder_finish(&enc);
}

static void test_no_memory_at_all(void)
{
   struct vp_encoder enc;

   allow_allocations(0);
   CHECK(!vp_encoder_init(&enc));
   CHECK(allocations == 1 && !enc.start);
   vp_encoder_finish(&enc);
   allow_allocations(UINT32_MAX);
}

/* The error stays, later writes are harmless and ask for nothing, and a reset makes the encoder usable again. */
static void test_sticky_failure(void)
{
   static const char *const texts[] = {"text", "more text"};
   static uint8_t big[100000];
   struct vp_encoder enc;

   allow_allocations(1);
   CHECK(vp_encoder_init(&enc));
   for (unsigned i = 0; i < 100000 && !enc.failed; i++)
      vp_enc_u64(&enc, i);
   CHECK(enc.failed && allocations == 2);

   allow_allocations(UINT32_MAX); /* memory is back, but what was lost is lost */
   for (unsigned i = 0; i < 20000; i++) {
      vp_enc_u32(&enc, i);
      memset(vp_enc_space(&enc, VP_ENC_MAX_RUN), 1, VP_ENC_MAX_RUN);
      CHECK(enc.cur <= enc.end && enc.failed);
   }
   for (uint64_t i = 0; i < 1000; i++) /* what was there before is not touched */
      CHECK(memcmp(enc.start + i * 8, &i, 8) == 0);
   CHECK(!vp_enc_array(&enc, 1, 1) && !vp_encoder_grow(&enc, 1));
   vp_enc_bytes(&enc, big, sizeof(big), 1);
   vp_enc_string(&enc, "text");
   vp_enc_string_array(&enc, texts, 2);
   CHECK(enc.failed && allocations == 0);

   vp_encoder_reset(&enc);
   CHECK(!enc.failed);
   vp_enc_bytes(&enc, big, sizeof(big), 1);
   CHECK(holds(&enc, big, sizeof(big)));
   vp_encoder_finish(&enc);
}

/* At whichever allocation memory ends, the result is the whole data or a failure. */
static void test_each_allocation_fails(void)
{
   unsigned failures = 0;

   for (unsigned allowed = 0; allowed < 20; allowed++) {
      struct vp_encoder enc;
      allow_allocations(allowed);
      if (!vp_encoder_init(&enc)) {
         failures++;
         continue;
      }
      for (unsigned i = 0; i < 30000; i++) {
         vp_enc_u64(&enc, i);
         vp_enc_string(&enc, "some text");
      }
      CHECK(enc.failed == (allocations > allowed));
      CHECK(enc.failed || vp_encoder_size(&enc) == (size_t)30000 * (8 + 8 + 12));
      failures += enc.failed;
      vp_encoder_finish(&enc);
   }
   CHECK(failures > 3 && failures < 20);
   allow_allocations(UINT32_MAX);
}

static void test_impossible_sizes(void)
{
   static const struct {
      uint64_t count;
      size_t size;
   } sizes[] = {
      {UINT64_MAX, 1},   {UINT64_MAX, 8},       {UINT64_MAX / 8 + 2, 8}, {UINT64_MAX - 2, 1},
      {SIZE_MAX / 2, 1}, {SIZE_MAX / 4 + 1, 1}, {SIZE_MAX / 16 + 1, 1},  {(uint64_t)1 << 32, SIZE_MAX / 2 + 1},
   };

   for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
      struct vp_encoder enc;
      CHECK(vp_encoder_init(&enc));
      vp_enc_u32(&enc, 1);
      allow_allocations(0);
      CHECK(!vp_enc_array(&enc, sizes[i].count, sizes[i].size));
      CHECK(enc.failed);
      vp_encoder_reset(&enc);
      CHECK(vp_enc_extent(sizes[i].count, sizes[i].size) == VP_ENC_TOO_MUCH);
      CHECK(!vp_enc_room(&enc, 4 + VP_ENC_TOO_MUCH + vp_enc_extent(sizes[i].count, sizes[i].size)));
      CHECK(enc.failed);
      allow_allocations(UINT32_MAX);
      vp_encoder_finish(&enc);
   }

   struct vp_encoder enc;
   CHECK(vp_encoder_init(&enc));
   CHECK(!vp_encoder_grow(&enc, SIZE_MAX) && enc.failed);
   vp_encoder_reset(&enc);
   CHECK(!vp_encoder_grow(&enc, SIZE_MAX - 3) && enc.failed);
   vp_encoder_reset(&enc);
   CHECK(!vp_encoder_grow(&enc, VP_ENC_TOO_MUCH / 2 + 1) && enc.failed);
   vp_encoder_finish(&enc);
}

/* What a run of elements takes is what is written of them, and no byte of it is left as it was. */
static void test_extent(void)
{
   uint8_t data[64], memory[80];

   for (size_t i = 0; i < sizeof(data); i++)
      data[i] = (uint8_t)(i + 1);
   for (size_t count = 0; count <= 64; count++) {
      const size_t extent = vp_enc_extent(count, 1);
      memset(memory, 0xaa, sizeof(memory));
      CHECK(extent % 4 == 0 && extent >= count && extent < count + 4);
      CHECK(vp_put_array(memory, count ? data : NULL, count, 1) == memory + extent);
      CHECK(memcmp(memory, data, count) == 0 && memory[extent] == 0xaa);
      for (size_t i = count; i < extent; i++)
         CHECK(memory[i] == 0);
   }
   CHECK(vp_enc_extent(3, 20) == 60 && vp_enc_extent(3, 2) == 8);
}

static void test_peer(void)
{
   const struct vp_wire_peer peer = {.vk_xml_version = 5, .extension_mask = {1 | 1u << 3, 1u << 31}};
   const struct vp_wire_peer silent = {.vk_xml_version = 4};
   struct vp_encoder enc = {0};

   CHECK(vp_enc_peer_has(&enc, 3) && vp_enc_peer_has_version(&enc, UINT32_MAX));
   enc.peer = &peer;
   CHECK(vp_enc_peer_has(&enc, 3) && vp_enc_peer_has(&enc, 63));
   CHECK(!vp_enc_peer_has(&enc, 4) && !vp_enc_peer_has(&enc, 64) && !vp_enc_peer_has(&enc, 1023));
   CHECK(!vp_enc_peer_has(&enc, 1024) && !vp_enc_peer_has(&enc, UINT32_MAX));
   CHECK(vp_enc_peer_has_version(&enc, 5) && !vp_enc_peer_has_version(&enc, 6));
   enc.peer = &silent; /* says nothing about extensions */
   CHECK(vp_enc_peer_has(&enc, 3) && !vp_enc_peer_has_version(&enc, 5));
}

int main(void)
{
   test_values();
   test_filler_is_zero();
   test_strings();
   test_growth();
   test_exact_fit();
   test_piece();
   test_no_memory_at_all();
   test_sticky_failure();
   test_each_allocation_fails();
   test_impossible_sizes();
   test_extent();
   test_peer();
   return check_finish();
}
