/* SPDX-License-Identifier: MIT */

/* The encoder's buffer, which doubles when it is full, and what generated encoders call for arrays and strings. */

#include "common/wire/encoder.h"

#include <stdlib.h>

#define INITIAL_CAPACITY ((size_t)16 << 10)

/* Behind the end there is room for what vp_enc_space() promises when there is no memory. */
#define RESERVE VP_ENC_MAX_RUN

bool vp_encoder_init(struct vp_encoder *enc)
{
   return vp_encoder_init_sized(enc, INITIAL_CAPACITY);
}

bool vp_encoder_init_sized(struct vp_encoder *enc, size_t capacity)
{
   *enc = (struct vp_encoder){.start = malloc(capacity + RESERVE)};
   enc->limit = enc->start ? enc->start + capacity : NULL;
   vp_encoder_reset(enc);
   return enc->start != NULL;
}

static size_t capacity_of(const struct vp_encoder *enc)
{
   return (size_t)(enc->limit - enc->start);
}

/* With room for so much at least. */
static void set_end(struct vp_encoder *enc, size_t needed)
{
   const size_t capacity = capacity_of(enc);
   if (enc->piece && enc->piece < capacity)
      enc->end = enc->start + (needed > enc->piece ? needed : enc->piece);
   else
      enc->end = enc->limit;
}

void vp_encoder_reset(struct vp_encoder *enc)
{
   enc->cur = enc->start;
   enc->failed = false;
   set_end(enc, 0);
}

void vp_encoder_finish(struct vp_encoder *enc)
{
   free(enc->start);
   *enc = (struct vp_encoder){0};
}

void vp_encoder_trim(struct vp_encoder *enc, size_t keep)
{
   struct vp_encoder smaller;
   vp_encoder_reset(enc);
   if (capacity_of(enc) <= keep || !vp_encoder_init(&smaller))
      return;
   smaller.peer = enc->peer;
   smaller.piece = enc->piece;
   vp_encoder_finish(enc);
   *enc = smaller;
}

bool vp_encoder_grow(struct vp_encoder *enc, size_t size)
{
   const size_t used = vp_encoder_size(enc);
   size_t capacity = capacity_of(enc);
   size_t needed;
   if (enc->failed || __builtin_add_overflow(used, size, &needed) || needed > VP_ENC_TOO_MUCH / 2)
      goto fail;
   if (capacity < needed) {
      while (capacity < needed)
         capacity *= 2;
      uint8_t *start = realloc(enc->start, capacity + RESERVE);
      if (!start)
         goto fail;
      enc->start = start;
      enc->cur = start + used;
      enc->limit = start + capacity;
   }
   set_end(enc, needed);
   return true;
fail:
   enc->failed = true;
   return false;
}

bool vp_encoder_reserve(struct vp_encoder *enc, size_t size)
{
   if (enc->failed)
      return false;
   const bool ok = (size_t)(enc->end - enc->cur) >= size || vp_encoder_grow(enc, size);
   enc->failed = false;
   return ok;
}

uint8_t *vp_enc_array(struct vp_encoder *enc, uint64_t count, size_t size)
{
   const size_t padded = vp_enc_extent(count, size);
   uint8_t *p = enc->failed ? NULL : vp_enc_room(enc, padded);
   if (p)
      memset(p + count * size, 0, padded - count * size);
   return p;
}

void vp_enc_bytes(struct vp_encoder *enc, const void *data, uint64_t count, size_t size)
{
   uint8_t *p = vp_enc_array(enc, count, size);
   if (p && count)
      memcpy(p, data, count * size);
}

void vp_enc_string(struct vp_encoder *enc, const char *text)
{
   const size_t size = text ? strlen(text) + 1 : 0;
   vp_enc_u64(enc, size);
   vp_enc_bytes(enc, text, size, 1);
}

void vp_enc_string_array(struct vp_encoder *enc, const char *const *texts, uint64_t count)
{
   vp_enc_u64(enc, count);
   for (uint64_t i = 0; i < count; i++)
      vp_enc_string(enc, texts[i]);
}
