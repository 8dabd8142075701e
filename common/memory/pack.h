/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_PACK_H
#define VP_MEMORY_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory/pack_policy.h"

/* Compression of memory traffic where it pays. A packed payload is u32 codec
 * (enum vp_codec, not 0), u32 raw size, then what the codec made: one LZ4 block
 * or one zstd frame. */
#define VP_PACK_HEADER_SIZE 8

/* No payload is larger before it is packed. */
#define VP_PACK_MAX_RAW ((size_t)4 << 20)

enum vp_compression {
   VP_COMPRESS_AUTO, /* where it pays */
   VP_COMPRESS_NONE,
   VP_COMPRESS_LZ4, /* whatever becomes smaller, with this codec, on any link */
   VP_COMPRESS_ZSTD,
};

/* "auto", "none", "lz4" or "zstd". False, and *mode untouched, for anything else (NULL included). */
bool vp_compression_parse(const char *text, enum vp_compression *mode);

/* The other way round; static text. */
const char *vp_compression_name(enum vp_compression mode);

/* One for each direction of a connection. Calls for one packer must not overlap. */
struct vp_packer {
   enum vp_compression mode;
   struct vp_pack_policy policy;
   uint8_t *out; /* this and the codecs' memory: only once something is packed */
   void *lz4;
   struct ZSTD_CCtx_s *zstd;
};

void vp_packer_init(struct vp_packer *packer, enum vp_compression mode);
void vp_packer_finish(struct vp_packer *packer);

/* Packs a payload, if that pays. *out is the packer's and valid until the next
 * call. False: send it as it is (it is not worth it, larger than VP_PACK_MAX_RAW, or memory is
 * short). */
bool vp_packer_pack(struct vp_packer *packer, const uint8_t *data, size_t size, const uint8_t **out, size_t *out_size);

/* Tells, after each send, how many bytes went out, packed or not, and how long the sender had to wait for room in the
 * socket's buffer (0 when it had not). A link that nobody waits for counts as fast, so a socket that buffers a lot
 * hides a slow one: limit it with TCP_NOTSENT_LOWAT. */
void vp_packer_sent(struct vp_packer *packer, size_t bytes, uint64_t blocked_ns);

/* The receiver's side; zeroed to begin with. Calls for one unpacker must not overlap. */
struct vp_unpacker {
   uint8_t *raw;
   struct ZSTD_DCtx_s *zstd;
};

void vp_unpacker_finish(struct vp_unpacker *unpacker);

/* Unpacks a payload of any content. *raw is the unpacker's and valid until the
 * next call. False when it is malformed or memory is short. */
bool vp_unpack(struct vp_unpacker *unpacker, const uint8_t *data, size_t size, const uint8_t **raw, size_t *raw_size);

#endif
