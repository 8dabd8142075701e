/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_ENCODER_H
#define VP_WIRE_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The wire is little-endian and so is every host we build for; values are
 * copied as they are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the codec copies little-endian memory");

/* Which parts of Vulkan the peer's decoder knows (from its hello). */
struct vp_wire_peer {
   uint32_t vk_xml_version;
   uint32_t extension_mask[32];
};

/* Writes Venus commands into a growing buffer. An allocation that fails sets
 * `failed`, which stays set; what is written after that is lost. */
struct vp_encoder {
   uint8_t *start, *cur;
   uint8_t *end;                    /* room up to here is taken without a call */
   uint8_t *limit;                  /* the end of the memory */
   size_t piece;                    /* not 0: behind so many bytes there is no other room than what was asked for */
   const struct vp_wire_peer *peer; /* NULL: the peer knows everything */
   uint32_t outer;                  /* how many sub-layers a video's set of parameters has, while it is written */
   bool failed;
};

/* The most that vp_enc_space() gives at once. */
#define VP_ENC_MAX_RUN 4096

/* What an array takes that is larger than any buffer, which has half of it at most. Generated code adds up MAX_ARRAYS
 * of them (protocol/gen/lines.py), which also 32 bits hold. */
#define VP_ENC_TOO_MUCH (SIZE_MAX / 8)

bool vp_encoder_init(struct vp_encoder *enc);

/* With room for so many bytes at once. */
bool vp_encoder_init_sized(struct vp_encoder *enc, size_t capacity);
void vp_encoder_finish(struct vp_encoder *enc);

/* Makes room for size more bytes. */
bool vp_encoder_grow(struct vp_encoder *enc, size_t size);

/* Makes room for size more bytes, so that writing them cannot fail. False, and nothing has failed yet, without memory.
 */
bool vp_encoder_reserve(struct vp_encoder *enc, size_t size);

static inline size_t vp_encoder_size(const struct vp_encoder *enc)
{
   return (size_t)(enc->cur - enc->start);
}

/* Empties the buffer and keeps its memory. */
void vp_encoder_reset(struct vp_encoder *enc);

/* Empties the buffer, and keeps no more than about so many bytes of memory. */
void vp_encoder_trim(struct vp_encoder *enc, size_t keep);

/* Room for size <= VP_ENC_MAX_RUN bytes, which the caller writes. Never NULL:
 * after a failure it is memory whose content does not matter. What was written
 * before stays as it is, since a stream holds the commands of others, too. */
static inline uint8_t *vp_enc_space(struct vp_encoder *enc, size_t size)
{
   if (__builtin_expect((size_t)(enc->end - enc->cur) < size, 0) && !vp_encoder_grow(enc, size))
      return enc->end;
   uint8_t *p = enc->cur;
   enc->cur += size;
   return p;
}

/* What count elements of size bytes take, rounded up to 4; VP_ENC_TOO_MUCH when that is more than a buffer has. */
static inline size_t vp_enc_extent(uint64_t count, size_t size)
{
   if (count > VP_ENC_TOO_MUCH / 2 / size)
      return VP_ENC_TOO_MUCH;
   return size % 4 ? (count * size + 3) & ~(size_t)3 : count * size;
}

/* Room for any number of bytes. NULL without memory. */
static inline uint8_t *vp_enc_room(struct vp_encoder *enc, size_t size)
{
   if (__builtin_expect((size_t)(enc->end - enc->cur) < size, 0) && !vp_encoder_grow(enc, size))
      return NULL;
   uint8_t *p = enc->cur;
   enc->cur += size;
   return p;
}

/* Room for count elements of size bytes, rounded up to 4 with zeros; NULL
 * after a failure. */
uint8_t *vp_enc_array(struct vp_encoder *enc, uint64_t count, size_t size);

/* count elements of size bytes that look the same in memory and on the wire. */
void vp_enc_bytes(struct vp_encoder *enc, const void *data, uint64_t count, size_t size);

/* NULL becomes count 0. */
void vp_enc_string(struct vp_encoder *enc, const char *text);
void vp_enc_string_array(struct vp_encoder *enc, const char *const *texts, uint64_t count);

static inline uint8_t *vp_put_u32(uint8_t *p, uint32_t value)
{
   memcpy(p, &value, 4);
   return p + 4;
}

static inline uint8_t *vp_put_u64(uint8_t *p, uint64_t value)
{
   memcpy(p, &value, 8);
   return p + 8;
}

static inline uint8_t *vp_put_f32(uint8_t *p, float value)
{
   memcpy(p, &value, 4);
   return p + 4;
}

static inline uint8_t *vp_put_f64(uint8_t *p, double value)
{
   memcpy(p, &value, 8);
   return p + 8;
}

/* A fixed array: its size is known, so is its filler. */
static inline uint8_t *vp_put_fixed(uint8_t *p, const void *data, size_t count, size_t size)
{
   p = vp_put_u64(p, count);
   const size_t bytes = count * size, padded = (bytes + 3) & ~(size_t)3;
   memcpy(p, data, bytes);
   memset(p + bytes, 0, padded - bytes);
   return p + padded;
}

/* memcpy() for what is mostly short: two copies that overlap, without a call. */
static inline void vp_put_bytes(uint8_t *p, const uint8_t *data, size_t size)
{
   if (size > 32 || size < 4) {
      memcpy(p, data, size);
   } else if (size >= 16) {
      memcpy(p, data, 16);
      memcpy(p + size - 16, data + size - 16, 16);
   } else if (size >= 8) {
      memcpy(p, data, 8);
      memcpy(p + size - 8, data + size - 8, 8);
   } else {
      memcpy(p, data, 4);
      memcpy(p + size - 4, data + size - 4, 4);
   }
}

/* count elements of size bytes, rounded up to 4 with zeros. */
static inline uint8_t *vp_put_array(uint8_t *p, const void *data, uint64_t count, size_t size)
{
   const size_t bytes = count * size, padded = vp_enc_extent(count, size);
   if (!bytes)
      return p;
   if (padded != bytes)
      vp_put_u32(p + padded - 4, 0);
   vp_put_bytes(p, data, bytes);
   return p + padded;
}

/* char name[count]: what follows the NUL is not for others to see. */
static inline uint8_t *vp_put_text(uint8_t *p, const char *text, size_t count)
{
   const char *nul = memchr(text, 0, count);
   const size_t length = nul ? (size_t)(nul - text) : count, padded = (count + 3) & ~(size_t)3;
   p = vp_put_u64(p, count);
   memcpy(p, text, length);
   memset(p + length, 0, padded - length);
   return p + padded;
}

static inline void vp_enc_u32(struct vp_encoder *enc, uint32_t value)
{
   vp_put_u32(vp_enc_space(enc, 4), value);
}

static inline void vp_enc_u64(struct vp_encoder *enc, uint64_t value)
{
   vp_put_u64(vp_enc_space(enc, 8), value);
}

/* Whether a chain node that came with one of these extensions may be sent. */
static inline bool vp_enc_peer_has(const struct vp_encoder *enc, uint32_t extension)
{
   if (!enc->peer || !(enc->peer->extension_mask[0] & 1))
      return true;
   return extension / 32 < 32 && (enc->peer->extension_mask[extension / 32] >> extension % 32 & 1);
}

static inline bool vp_enc_peer_has_version(const struct vp_encoder *enc, uint32_t version)
{
   return !enc->peer || enc->peer->vk_xml_version >= version;
}

#endif
