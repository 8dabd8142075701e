/* SPDX-License-Identifier: MIT */

/* One zstd context for each direction, flushed at the end of each payload; what does not unpack to exactly the size it
 * says is refused. */

#include "common/memory/pack_stream.h"

#include <stdlib.h>
#include <zstd.h>

#include "common/util/bytes.h"

/* The fastest: what repeats is found by any. */
#define LEVEL 1

/* Large enough for whatever comes out of one payload, with what zstd says at the beginning and for each flush. */
#define OUT_SIZE (VP_PACK_STREAM_HEADER_SIZE + ZSTD_COMPRESSBOUND(VP_PACK_STREAM_MAX_RAW) + 1024)

void vp_stream_packer_finish(struct vp_stream_packer *packer)
{
   ZSTD_freeCCtx(packer->zstd);
   free(packer->out);
   *packer = (struct vp_stream_packer){0};
}

static bool begin_packing(struct vp_stream_packer *packer)
{
   if (!packer->out)
      packer->out = malloc(OUT_SIZE);
   if (!packer->out)
      return false;
   packer->zstd = ZSTD_createCCtx();
   return packer->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, LEVEL)) &&
          !ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_windowLog, VP_PACK_STREAM_WINDOW));
}

bool vp_stream_pack(struct vp_stream_packer *packer, const uint8_t *data, size_t size, const uint8_t **out,
                    size_t *out_size)
{
   if (packer->broken || size == 0 || size > VP_PACK_STREAM_MAX_RAW)
      return false;
   if (!packer->zstd && !begin_packing(packer)) {
      packer->broken = true;
      return false;
   }
   ZSTD_inBuffer in = {data, size, 0};
   ZSTD_outBuffer packed = {packer->out + VP_PACK_STREAM_HEADER_SIZE, OUT_SIZE - VP_PACK_STREAM_HEADER_SIZE, 0};
   const size_t left = ZSTD_compressStream2(packer->zstd, &packed, &in, ZSTD_e_flush);
   packer->broken = left != 0 || in.pos != size; /* no memory; the other side has no use for the next ones then */
   vp_bytes_store_u32(packer->out, (uint32_t)size);
   *out = packer->out;
   *out_size = VP_PACK_STREAM_HEADER_SIZE + packed.pos;
   return !packer->broken;
}

void vp_stream_unpacker_finish(struct vp_stream_unpacker *unpacker)
{
   ZSTD_freeDCtx(unpacker->zstd);
   free(unpacker->raw);
   *unpacker = (struct vp_stream_unpacker){0};
}

static bool begin_unpacking(struct vp_stream_unpacker *unpacker)
{
   unpacker->raw = malloc(VP_PACK_STREAM_MAX_RAW + 1);
   unpacker->zstd = ZSTD_createDCtx();
   return unpacker->raw && unpacker->zstd &&
          !ZSTD_isError(ZSTD_DCtx_setParameter(unpacker->zstd, ZSTD_d_windowLogMax, VP_PACK_STREAM_WINDOW));
}

bool vp_stream_unpack(struct vp_stream_unpacker *unpacker, const uint8_t *data, size_t size, const uint8_t **raw,
                      size_t *raw_size)
{
   if (size <= VP_PACK_STREAM_HEADER_SIZE)
      return false;
   const uint32_t length = vp_bytes_load_u32(data);
   if (length == 0 || length > VP_PACK_STREAM_MAX_RAW || (!unpacker->zstd && !begin_unpacking(unpacker)))
      return false;
   ZSTD_inBuffer in = {data + VP_PACK_STREAM_HEADER_SIZE, size - VP_PACK_STREAM_HEADER_SIZE, 0};
   ZSTD_outBuffer out = {unpacker->raw, length + 1, 0}; /* room that nothing may use, else there is more */
   size_t in_before, out_before, more;
   do {
      in_before = in.pos;
      out_before = out.pos;
      more = ZSTD_decompressStream(unpacker->zstd, &out, &in);
   } while (!ZSTD_isError(more) && more != 0 && (in.pos != in_before || out.pos != out_before));
   *raw = unpacker->raw;
   *raw_size = length;
   return !ZSTD_isError(more) && more != 0 && in.pos == in.size && out.pos == length;
}
