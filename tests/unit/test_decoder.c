/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/wire/decoder.h"
#include "tests/unit/check.h"

#define LIMIT ((size_t)64 << 10)

/* A decoder on memory of exactly its size, so that the address sanitizer sees a byte too many. */
struct fixture {
   struct vp_decoder dec;
   struct vp_arena arena;
   uint8_t *data;
};

static void start(struct fixture *f, const void *data, size_t size)
{
   f->data = malloc(size ? size : 1);
   if (!f->data)
      abort();
   if (size)
      memcpy(f->data, data, size);
   vp_arena_init(&f->arena, LIMIT);
   vp_decoder_init(&f->dec, f->data, size, &f->arena);
}

static void end(struct fixture *f)
{
   CHECK(f->arena.used <= LIMIT);
   CHECK(f->dec.cur >= f->dec.start && f->dec.cur <= f->dec.end);
   vp_arena_finish(&f->arena);
   free(f->data);
}

static uint64_t seen_id;
static int32_t seen_type;

static uint64_t find_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   seen_id = id;
   seen_type = type;
   if (id == 13)
      vp_dec_fail(dec, "thirteen");
   return id + 100;
}

static uint64_t new_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   (void)dec;
   (void)type;
   return id + 200;
}

static void test_values(void)
{
   static const uint8_t data[] = {4, 3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0x80, 0x3f,
                                  0, 0, 0, 0, 0,    0,    0,    0xc0, 1,    0,    0,    0,    0, 0, 0,    0};
   struct fixture f;

   start(&f, data, sizeof(data));
   CHECK(vp_dec_u32(&f.dec) == 0x01020304);
   CHECK(vp_dec_u64(&f.dec) == 0x1122334455667788);
   const uint8_t *p = vp_dec_take(&f.dec, 4 + 8);
   CHECK(p && vp_get_f32(&p) == 1.0f && vp_get_f64(&p) == -2.0);
   CHECK(vp_dec_flag(&f.dec, vp_dec_u64(&f.dec)));
   CHECK(!f.dec.error && vp_dec_remaining(&f.dec) == 0);
   CHECK(vp_dec_u32(&f.dec) == 0 && f.dec.error);
   end(&f);
}

enum read { READ_U32, READ_U64, READ_BYTES, READ_FLAG, READ_HANDLE, READ_NEW_HANDLE, READ_REPLY_HANDLE, READS };

static uint64_t do_read(struct vp_decoder *dec, enum read what)
{
   uint64_t handle = 0;

   switch (what) {
   case READ_U32:
      return vp_dec_u32(dec);
   case READ_U64:
      return vp_dec_u64(dec);
   case READ_BYTES:
      return vp_dec_take(dec, 8) != NULL;
   case READ_FLAG:
      return vp_dec_flag(dec, vp_dec_u64(dec));
   case READ_HANDLE:
      return vp_dec_handle(dec, 1, vp_dec_u64(dec));
   case READ_NEW_HANDLE:
      return vp_dec_new_handle(dec, 1, vp_dec_u64(dec));
   case READ_REPLY_HANDLE:
      vp_dec_reply_handle(dec, &handle, sizeof(handle), vp_dec_u64(dec));
      return handle;
   case READS:
      break;
   }
   abort();
}

/* A value that is not all there is an error, gives 0 and takes nothing. */
static void test_every_value_at_the_end(void)
{
   static const size_t sizes[READS] = {4, 8, 8, 8, 8, 8, 8};
   static const uint8_t data[8] = {1};

   for (unsigned what = 0; what < READS; what++) {
      for (size_t size = 0; size <= sizes[what]; size++) {
         struct fixture f;
         start(&f, data, size);
         f.dec.find_handle = find_handle;
         f.dec.new_handle = new_handle;
         f.dec.keep_ids = true;
         const uint64_t value = do_read(&f.dec, (enum read)what);
         CHECK((f.dec.error != NULL) == (size < sizes[what]));
         CHECK((value != 0) == (size == sizes[what]));
         CHECK(vp_dec_remaining(&f.dec) == (size < sizes[what] ? size : 0));
         end(&f);
      }
   }
}

static void test_error_is_sticky(void)
{
   static const uint8_t data[64] = {1, 0, 0, 0, 1};
   struct fixture f;
   uint8_t out[4] = {9, 9, 9, 9};

   start(&f, data, sizeof(data));
   f.dec.find_handle = find_handle;
   f.dec.new_handle = new_handle;
   f.dec.keep_ids = true;
   vp_dec_fail(&f.dec, "first");
   vp_dec_fail(&f.dec, "second");
   CHECK(strcmp(f.dec.error, "first") == 0);
   for (unsigned what = 0; what < READS; what++)
      CHECK(do_read(&f.dec, (enum read)what) == 0);
   CHECK(!vp_dec_has(&f.dec, 1, 1));
   CHECK(!vp_dec_blob(&f.dec, 1, 1));
   CHECK(!vp_dec_string(&f.dec, 1));
   CHECK(!vp_dec_string_array(&f.dec, 1));
   CHECK(!vp_dec_alloc(&f.dec, 1, 1));
   CHECK(!vp_dec_enter(&f.dec));
   vp_dec_leave(&f.dec);
   vp_dec_bytes(&f.dec, out, 4, 1);
   CHECK(out[0] == 9);
   CHECK(f.dec.cur == f.dec.start && f.arena.used == 0 && strcmp(f.dec.error, "first") == 0);
   end(&f);
}

static void test_flag(void)
{
   static const uint64_t values[] = {0, 1, 2, 1ull << 32, UINT64_MAX};

   for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
      struct fixture f;
      start(&f, &values[i], 8);
      CHECK(vp_dec_flag(&f.dec, vp_dec_u64(&f.dec)) == (values[i] == 1));
      CHECK((f.dec.error != NULL) == (values[i] > 1));
      end(&f);
   }
}

static void test_handles(void)
{
   static const uint64_t ids[] = {0, 5, 0, 6, 7, 8, 13};
   struct fixture f;
   uint64_t kept = 1;
   uint32_t small[2] = {1, 2};

   start(&f, ids, sizeof(ids));
   f.dec.find_handle = find_handle;
   f.dec.new_handle = new_handle;
   seen_id = 0;
   CHECK(vp_dec_handle(&f.dec, 3, vp_dec_u64(&f.dec)) == 0 && seen_id == 0); /* null is nobody's business */
   CHECK(vp_dec_handle(&f.dec, 4, vp_dec_u64(&f.dec)) == 105 && seen_id == 5 && seen_type == 4);
   CHECK(vp_dec_new_handle(&f.dec, 3, vp_dec_u64(&f.dec)) == 0);
   CHECK(vp_dec_new_handle(&f.dec, 3, vp_dec_u64(&f.dec)) == 206);
   vp_dec_reply_handle(&f.dec, &kept, sizeof(kept), vp_dec_u64(&f.dec));
   CHECK(kept == 1); /* the client's own handle stays */
   f.dec.keep_ids = true;
   vp_dec_reply_handle(&f.dec, small, sizeof(small[0]), vp_dec_u64(&f.dec));
   CHECK(small[0] == 8 && small[1] == 2);
   vp_dec_handle(&f.dec, 4, vp_dec_u64(&f.dec));
   CHECK(f.dec.error && strcmp(f.dec.error, "thirteen") == 0);
   end(&f);
}

/* A count is refused when the elements cannot all be there, before anything is allocated. */
static void test_array_count(void)
{
   for (size_t extra = 0; extra < 40; extra++) {
      for (uint64_t count = 0; count < 12; count++) {
         uint8_t data[8 + 40] = {(uint8_t)count};
         struct fixture f;
         start(&f, data, 8 + extra);
         CHECK(vp_dec_has(&f.dec, vp_dec_u64(&f.dec), 4) == (count && count * 4 <= extra));
         CHECK((f.dec.error != NULL) == (count * 4 > extra));
         end(&f);
      }
   }

   static const uint64_t huge[] = {UINT64_MAX, UINT64_MAX / 4, UINT64_MAX / 4 + 2, 1ull << 62, 1ull << 32};
   for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
      for (size_t size = 1; size <= 16; size++) {
         uint8_t data[16] = {0};
         memcpy(data, &huge[i], 8);
         struct fixture f;
         start(&f, data, sizeof(data));
         CHECK(!vp_dec_has(&f.dec, vp_dec_u64(&f.dec), size) && f.dec.error);
         end(&f);
         start(&f, data, sizeof(data));
         CHECK(!vp_dec_blob(&f.dec, vp_dec_u64(&f.dec), size) && f.dec.error && f.arena.used == 0);
         end(&f);
         start(&f, data, sizeof(data));
         CHECK(!vp_dec_string(&f.dec, vp_dec_u64(&f.dec)) && f.dec.error && f.arena.used == 0);
         end(&f);
         start(&f, data, sizeof(data));
         CHECK(!vp_dec_string_array(&f.dec, vp_dec_u64(&f.dec)) && f.dec.error && f.arena.used == 0);
         end(&f);
      }
   }
}

static void test_fixed_count(void)
{
   const uint64_t given = 3;

   for (uint64_t wanted = 0; wanted < 6; wanted++) {
      struct fixture f;
      start(&f, &given, 8);
      vp_dec_count(&f.dec, wanted);
      CHECK((f.dec.error != NULL) == (wanted != given));
      end(&f);
   }
}

static void test_check_count(void)
{
   static const struct {
      uint64_t count, expected;
      bool may_be_null, ok;
   } cases[] = {
      {0, 0, false, true}, {3, 3, false, true}, {0, 3, false, false},         {0, 3, true, true},
      {2, 3, true, false}, {4, 3, true, false}, {UINT64_MAX, 3, true, false}, {3, 0, true, false},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      struct fixture f;
      start(&f, NULL, 0);
      vp_dec_check_count(&f.dec, cases[i].count, cases[i].expected, cases[i].may_be_null);
      CHECK((f.dec.error == NULL) == cases[i].ok);
      end(&f);
   }
}

/* The filler belongs to the array; without it the array is not all there. */
static void test_bytes(void)
{
   for (size_t count = 0; count < 12; count++) {
      const size_t padded = (count + 3) & ~(size_t)3;
      for (size_t size = 0; size <= padded + 4; size++) {
         static const uint8_t data[] = "abcdefghijklmnop";
         uint8_t *out = malloc(count ? count : 1);
         struct fixture f;
         if (!out)
            abort();
         start(&f, data, size);
         vp_dec_bytes(&f.dec, out, count, 1);
         CHECK((f.dec.error == NULL) == (size >= padded));
         if (!f.dec.error)
            CHECK(memcmp(out, data, count) == 0 && vp_dec_remaining(&f.dec) == size - padded);
         free(out);
         end(&f);
      }
   }

   struct fixture f;
   uint8_t out[8];
   start(&f, "12345678", 8);
   vp_dec_bytes(&f.dec, out, UINT64_MAX / 2 + 2, 4); /* the product wraps to 4 */
   CHECK(f.dec.error && f.dec.cur == f.dec.start);
   end(&f);
}

static void test_strings(void)
{
   static const uint8_t terminated[] = {3, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', 0, 0};
   static const uint8_t not_terminated[] = {4, 0, 0, 0, 0, 0, 0, 0, 'w', 'x', 'y', 'z'};
   static const uint8_t array[] = {2,   0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
                                   'a', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
   static const uint8_t hole[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9};
   struct fixture f;

   start(&f, terminated, sizeof(terminated));
   const char *text = vp_dec_string(&f.dec, vp_dec_u64(&f.dec));
   CHECK(text && strcmp(text, "hi") == 0 && !f.dec.error);
   end(&f);

   /* it ends all the same */
   start(&f, not_terminated, sizeof(not_terminated));
   text = vp_dec_string(&f.dec, vp_dec_u64(&f.dec));
   CHECK(text && strcmp(text, "wxy") == 0 && !f.dec.error);
   end(&f);

   start(&f, array, sizeof(array));
   const char *const *texts = vp_dec_string_array(&f.dec, vp_dec_u64(&f.dec));
   CHECK(texts && strcmp(texts[0], "a") == 0 && strcmp(texts[1], "") == 0 && !f.dec.error);
   end(&f);
   for (size_t size = 0; size < sizeof(array); size++) {
      start(&f, array, size);
      vp_dec_string_array(&f.dec, vp_dec_u64(&f.dec));
      CHECK(f.dec.error);
      end(&f);
   }

   start(&f, hole, sizeof(hole));
   vp_dec_string_array(&f.dec, vp_dec_u64(&f.dec));
   CHECK(f.dec.error);
   end(&f);
}

static void test_depth(void)
{
   struct fixture f;

   start(&f, "", 0);
   for (unsigned i = 0; i < VP_DEC_MAX_DEPTH; i++)
      CHECK(vp_dec_enter(&f.dec));
   for (unsigned i = 0; i < VP_DEC_MAX_DEPTH; i++)
      vp_dec_leave(&f.dec);
   CHECK(f.dec.depth == 0);
   for (unsigned i = 0; i < VP_DEC_MAX_DEPTH; i++)
      CHECK(vp_dec_enter(&f.dec));
   CHECK(!vp_dec_enter(&f.dec) && f.dec.error);
   end(&f);
}

static void test_memory_limit(void)
{
   static const uint64_t counts[] = {LIMIT + 1, UINT64_MAX, UINT64_MAX / 16 + 1, 1ull << 40};
   struct fixture f;

   for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
      start(&f, NULL, 0);
      CHECK(!vp_dec_alloc(&f.dec, counts[i], 16) && f.dec.error && f.arena.used == 0);
      end(&f);
   }

   start(&f, NULL, 0);
   unsigned blocks = 0;
   while (vp_dec_alloc(&f.dec, 1, 1000))
      blocks++;
   CHECK(f.dec.error && blocks >= LIMIT / 1000 - 4 && blocks <= LIMIT / 1000);
   end(&f);

   /* the data may be there and the memory for it not */
   uint8_t *big = calloc(1, 2 * LIMIT);
   const uint64_t size = 2 * LIMIT - 8;
   if (!big)
      abort();
   memcpy(big, &size, 8);
   start(&f, big, 2 * LIMIT);
   CHECK(!vp_dec_blob(&f.dec, vp_dec_u64(&f.dec), 1) && f.dec.error && f.arena.used == 0);
   end(&f);
   free(big);
}

int main(void)
{
   test_values();
   test_every_value_at_the_end();
   test_error_is_sticky();
   test_flag();
   test_handles();
   test_array_count();
   test_fixed_count();
   test_check_count();
   test_bytes();
   test_strings();
   test_depth();
   test_memory_limit();
   return check_finish();
}
