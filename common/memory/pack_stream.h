/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_PACK_STREAM_H
#define VP_MEMORY_PACK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compression of what repeats: each payload is packed with all that went before it in view, as far back as the window
 * reaches, so of commands that were said in the same way a moment ago little is left. A packed payload is u32 raw size,
 * then the next blocks of one zstd stream, which never ends and whose window is at most 2^VP_PACK_STREAM_WINDOW bytes.
 * Both sides take about 2 MiB, once something is packed. */
#define VP_PACK_STREAM_HEADER_SIZE 4
#define VP_PACK_STREAM_WINDOW 20

/* No payload is larger before it is packed. */
#define VP_PACK_STREAM_MAX_RAW ((size_t)1 << 20)

/* The sender's side; zeroed to begin with. Calls must not overlap. */
struct vp_stream_packer {
   struct ZSTD_CCtx_s *zstd;
   uint8_t *out;
   bool broken;
};

void vp_stream_packer_finish(struct vp_stream_packer *packer);

/* Packs a payload. *out is the packer's and valid until the next call; it must be sent. False: send the payload as it
 * is (it is empty or larger than VP_PACK_STREAM_MAX_RAW, or memory is short). */
bool vp_stream_pack(struct vp_stream_packer *packer, const uint8_t *data, size_t size, const uint8_t **out,
                    size_t *out_size);

/* The receiver's side; zeroed to begin with. Calls must not overlap. */
struct vp_stream_unpacker {
   struct ZSTD_DCtx_s *zstd;
   uint8_t *raw;
};

void vp_stream_unpacker_finish(struct vp_stream_unpacker *unpacker);

/* Unpacks the next payload, of any content. *raw is the unpacker's and valid until the next call. False when it is
 * malformed or memory is short; after that, nothing more can be unpacked. */
bool vp_stream_unpack(struct vp_stream_unpacker *unpacker, const uint8_t *data, size_t size, const uint8_t **raw,
                      size_t *raw_size);

#endif
