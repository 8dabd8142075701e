/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/memory/pack_stream.h"
#include "common/util/bytes.h"
#include "tests/unit/check.h"

/* Packing with memory of what went before: what comes out is what went in, what repeats costs little, and nothing that
 * a peer sends does harm. */

static uint64_t random_state = 88172645463325252;

static uint32_t random_u32(void)
{
   random_state ^= random_state << 13;
   random_state ^= random_state >> 7;
   random_state ^= random_state << 17;
   return (uint32_t)(random_state >> 16);
}

static uint8_t data[VP_PACK_STREAM_MAX_RAW + 1];

static void fill(size_t from, size_t to)
{
   for (size_t i = from; i < to; i++)
      data[i] = (uint8_t)random_u32();
}

/* The packed size; 0 when it does not come out as it went in. */
static size_t pass(struct vp_stream_packer *packer, struct vp_stream_unpacker *unpacker, size_t size)
{
   const uint8_t *packed, *raw;
   size_t packed_size, raw_size;
   const bool ok = CHECK(vp_stream_pack(packer, data, size, &packed, &packed_size)) &&
                   CHECK(vp_stream_unpack(unpacker, packed, packed_size, &raw, &raw_size)) && CHECK(raw_size == size) &&
                   CHECK(memcmp(raw, data, size) == 0);
   return ok ? packed_size : 0;
}

static void test_round_trips(void)
{
   struct vp_stream_packer packer = {0};
   struct vp_stream_unpacker unpacker = {0};
   const uint8_t *packed;
   size_t packed_size;
   for (size_t size = 1; size < VP_PACK_STREAM_MAX_RAW; size = size * 3 + 1) {
      fill(0, size);
      CHECK(pass(&packer, &unpacker, size) <= size + size / 100 + 100);
      memset(data, 0, size);
      CHECK(pass(&packer, &unpacker, size));
   }
   fill(0, VP_PACK_STREAM_MAX_RAW);
   CHECK(pass(&packer, &unpacker, VP_PACK_STREAM_MAX_RAW));
   CHECK(!vp_stream_pack(&packer, data, VP_PACK_STREAM_MAX_RAW + 1, &packed, &packed_size));
   CHECK(!vp_stream_pack(&packer, data, 0, &packed, &packed_size));
   CHECK(pass(&packer, &unpacker, 10)); /* nothing has changed by that */
   vp_stream_packer_finish(&packer);
   vp_stream_unpacker_finish(&unpacker);
}

/* As frames of a program do: random bytes of which a few change each time. */
static void test_repetition(void)
{
   enum { SIZE = 130000, PIECE = 13000 };
   static uint8_t frame[SIZE];
   struct vp_stream_packer packer = {0};
   struct vp_stream_unpacker unpacker = {0};
   size_t total = 0;
   fill(0, SIZE);
   memcpy(frame, data, SIZE);
   for (unsigned i = 0; i < 20; i++) {
      total = 0;
      for (unsigned j = 0; j < 50; j++)
         frame[random_u32() % SIZE] ^= 1;
      for (size_t at = 0; at < SIZE; at += PIECE) {
         memcpy(data, frame + at, PIECE);
         total += pass(&packer, &unpacker, PIECE);
      }
   }
   CHECK(total < SIZE / 50);
   vp_stream_packer_finish(&packer);
   vp_stream_unpacker_finish(&unpacker);
}

static bool is_refused(const uint8_t *packed, size_t size)
{
   struct vp_stream_unpacker unpacker = {0};
   const uint8_t *raw;
   size_t raw_size;
   const bool refused = !vp_stream_unpack(&unpacker, packed, size, &raw, &raw_size);
   vp_stream_unpacker_finish(&unpacker);
   return refused;
}

static void test_nonsense(void)
{
   enum { SIZE = 5000 };
   static uint8_t copy[2 * SIZE];
   struct vp_stream_packer packer = {0};
   const uint8_t *packed;
   size_t size;
   fill(0, SIZE / 2);
   memset(data + SIZE / 2, 7, SIZE / 2);
   CHECK(vp_stream_pack(&packer, data, SIZE, &packed, &size));
   memcpy(copy, packed, size);
   CHECK(!is_refused(copy, size));
   for (size_t shorter = 0; shorter < size; shorter += 1 + shorter / 8)
      CHECK(is_refused(copy, shorter));
   static const uint32_t lengths[] = {0, 1, SIZE - 1, SIZE + 1, VP_PACK_STREAM_MAX_RAW + 1, UINT32_MAX};
   for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
      vp_bytes_store_u32(copy, lengths[i]);
      CHECK(is_refused(copy, size));
   }
   for (unsigned i = 0; i < 2000; i++) { /* whatever happens, it is no more than was said */
      struct vp_stream_unpacker unpacker = {0};
      const uint8_t *raw;
      size_t raw_size;
      memcpy(copy, packed, size);
      for (unsigned j = 0; j <= i % 4; j++)
         copy[random_u32() % size] = (uint8_t)random_u32();
      for (unsigned j = 0; j < 3; j++) {
         if (!vp_stream_unpack(&unpacker, copy, size, &raw, &raw_size))
            break;
         CHECK(raw_size <= VP_PACK_STREAM_MAX_RAW);
      }
      vp_stream_unpacker_finish(&unpacker);
   }
   vp_stream_packer_finish(&packer);
}

/* A stream that ends, and one that wants more memory than it may. */
static void test_foreign_streams(void)
{
   static uint8_t out[2 << 20];
   ZSTD_CCtx *zstd = ZSTD_createCCtx();
   fill(0, 1000);
   vp_bytes_store_u32(out, 1000);
   size_t size = ZSTD_compress2(zstd, out + 4, sizeof(out) - 4, data, 1000);
   CHECK(!ZSTD_isError(size) && is_refused(out, 4 + size));
   ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, VP_PACK_STREAM_WINDOW + 2);
   ZSTD_inBuffer in = {data, 1000, 0};
   ZSTD_outBuffer packed = {out + 4, sizeof(out) - 4, 0};
   CHECK(ZSTD_compressStream2(zstd, &packed, &in, ZSTD_e_flush) == 0);
   CHECK(is_refused(out, 4 + packed.pos));
   ZSTD_freeCCtx(zstd);
}

int main(void)
{
   test_round_trips();
   test_repetition();
   test_nonsense();
   test_foreign_streams();
   return check_finish();
}
