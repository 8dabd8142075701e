/* SPDX-License-Identifier: MIT */

/* Runs LZ4 or zstd, and tells the policy what samples of the data and whole payloads cost in this thread's processor
 * time. */

#include "common/memory/pack.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "common/util/bytes.h"
#include "common/util/clock.h"

/* Less is not worth the trouble. */
#define MIN_SIZE 512

/* A sample is so many pieces from all over the payload. */
#define SAMPLE_PIECES 4
#define SAMPLE_PIECE ((size_t)4096)
#define SAMPLE_SIZE (SAMPLE_PIECES * SAMPLE_PIECE)

#define ZSTD_LEVEL 1

_Static_assert(VP_PACK_MAX_RAW <= LZ4_MAX_INPUT_SIZE, "an LZ4 block takes any payload");

static const char *const compression_names[] = {
   [VP_COMPRESS_AUTO] = "auto", [VP_COMPRESS_NONE] = "none", [VP_COMPRESS_LZ4] = "lz4", [VP_COMPRESS_ZSTD] = "zstd"};

bool vp_compression_parse(const char *text, enum vp_compression *mode)
{
   for (size_t i = 0; text && i < sizeof(compression_names) / sizeof(compression_names[0]); i++) {
      if (strcmp(text, compression_names[i]) == 0) {
         *mode = (enum vp_compression)i;
         return true;
      }
   }
   return false;
}

const char *vp_compression_name(enum vp_compression mode)
{
   return compression_names[mode];
}

void vp_packer_init(struct vp_packer *packer, enum vp_compression mode)
{
   *packer = (struct vp_packer){.mode = mode};
   vp_pack_policy_init(&packer->policy, vp_clock_ns());
}

void vp_packer_finish(struct vp_packer *packer)
{
   free(packer->out);
   free(packer->lz4);
   ZSTD_freeCCtx(packer->zstd);
   *packer = (struct vp_packer){0};
}

/* Pages of it that are never written to cost nothing. */
static bool ensure_memory(struct vp_packer *packer)
{
   if (!packer->out)
      packer->out = malloc(VP_PACK_HEADER_SIZE + VP_PACK_MAX_RAW);
   if (!packer->lz4)
      packer->lz4 = malloc((size_t)LZ4_sizeofState());
   if (!packer->zstd)
      packer->zstd = ZSTD_createCCtx();
   return packer->out && packer->lz4 && packer->zstd;
}

/* Time in which this thread was running: a codec is not slow because others have the processor. */
static uint64_t cpu_ns(void)
{
   struct timespec now;
   clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
   return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Bytes that the codec made of the data, in packer->out behind the header; 0 when that would not save anything. */
static size_t compress(struct vp_packer *packer, enum vp_codec codec, const uint8_t *data, size_t size)
{
   uint8_t *out = packer->out + VP_PACK_HEADER_SIZE;
   const size_t limit = size - VP_PACK_HEADER_SIZE - 1;

   if (codec == VP_CODEC_LZ4)
      return (size_t)LZ4_compress_fast_extState(packer->lz4, (const char *)data, (char *)out, (int)size, (int)limit, 1);
   const size_t packed = ZSTD_compressCCtx(packer->zstd, out, limit, data, size, ZSTD_LEVEL);
   return ZSTD_isError(packed) ? 0 : packed;
}

static size_t compress_and_measure(struct vp_packer *packer, enum vp_codec codec, const uint8_t *data, size_t size)
{
   const uint64_t start_ns = cpu_ns();
   const size_t packed = compress(packer, codec, data, size);

   vp_pack_policy_measured(&packer->policy, codec, size, packed ? packed : size, cpu_ns() - start_ns);
   return packed;
}

static void try_sample(struct vp_packer *packer, const uint8_t *data, size_t size)
{
   uint8_t sample[SAMPLE_SIZE];
   size_t sample_size = size;

   if (size > SAMPLE_SIZE) {
      const size_t step = (size - SAMPLE_PIECE) / (SAMPLE_PIECES - 1);
      for (size_t i = 0; i < SAMPLE_PIECES; i++)
         memcpy(sample + i * SAMPLE_PIECE, data + i * step, SAMPLE_PIECE);
      data = sample;
      sample_size = SAMPLE_SIZE;
   }
   for (enum vp_codec codec = VP_CODEC_LZ4; codec < VP_CODECS; codec++)
      compress_and_measure(packer, codec, data, sample_size);
}

static enum vp_codec choose_codec(struct vp_packer *packer, const uint8_t *data, size_t size)
{
   switch (packer->mode) {
   case VP_COMPRESS_NONE:
      return VP_CODEC_NONE;
   case VP_COMPRESS_LZ4:
      return VP_CODEC_LZ4;
   case VP_COMPRESS_ZSTD:
      return VP_CODEC_ZSTD;
   case VP_COMPRESS_AUTO:
      break;
   }
   if (vp_pack_policy_wants_sample(&packer->policy, size) && ensure_memory(packer))
      try_sample(packer, data, size);
   return vp_pack_policy_choose(&packer->policy);
}

bool vp_packer_pack(struct vp_packer *packer, const uint8_t *data, size_t size, const uint8_t **out, size_t *out_size)
{
   if (size < MIN_SIZE || size > VP_PACK_MAX_RAW)
      return false;
   const enum vp_codec codec = choose_codec(packer, data, size);
   if (codec == VP_CODEC_NONE || !ensure_memory(packer))
      return false;
   const size_t packed = compress_and_measure(packer, codec, data, size);
   if (packed == 0)
      return false;
   vp_bytes_store_u32(packer->out, codec);
   vp_bytes_store_u32(packer->out + 4, (uint32_t)size);
   *out = packer->out;
   *out_size = VP_PACK_HEADER_SIZE + packed;
   return true;
}

void vp_packer_sent(struct vp_packer *packer, size_t bytes, uint64_t blocked_ns)
{
   vp_pack_policy_sent(&packer->policy, bytes, blocked_ns, vp_clock_ns());
}

void vp_unpacker_finish(struct vp_unpacker *unpacker)
{
   free(unpacker->raw);
   ZSTD_freeDCtx(unpacker->zstd);
   *unpacker = (struct vp_unpacker){0};
}

static bool unpack_lz4(uint8_t *raw, size_t raw_size, const uint8_t *data, size_t size)
{
   return LZ4_decompress_safe((const char *)data, (char *)raw, (int)size, (int)raw_size) == (int)raw_size;
}

/* The decoder of zstd would take several frames, or frames that it skips. */
static bool unpack_zstd(struct vp_unpacker *unpacker, size_t raw_size, const uint8_t *data, size_t size)
{
   if (!unpacker->zstd && !(unpacker->zstd = ZSTD_createDCtx()))
      return false;
   return ZSTD_findFrameCompressedSize(data, size) == size &&
          ZSTD_decompressDCtx(unpacker->zstd, unpacker->raw, raw_size, data, size) == raw_size;
}

bool vp_unpack(struct vp_unpacker *unpacker, const uint8_t *data, size_t size, const uint8_t **raw, size_t *raw_size)
{
   if (size <= VP_PACK_HEADER_SIZE || size > VP_PACK_HEADER_SIZE + VP_PACK_MAX_RAW)
      return false;
   const uint32_t codec = vp_bytes_load_u32(data), length = vp_bytes_load_u32(data + 4);
   data += VP_PACK_HEADER_SIZE;
   size -= VP_PACK_HEADER_SIZE;
   if (length == 0 || length > VP_PACK_MAX_RAW || (codec != VP_CODEC_LZ4 && codec != VP_CODEC_ZSTD))
      return false;
   /* Once, as large as it can be: pages that no payload reaches cost nothing. */
   if (!unpacker->raw && !(unpacker->raw = malloc(VP_PACK_MAX_RAW)))
      return false;
   *raw = unpacker->raw;
   *raw_size = length;
   return codec == VP_CODEC_LZ4 ? unpack_lz4(unpacker->raw, length, data, size)
                                : unpack_zstd(unpacker, length, data, size);
}
