/* SPDX-License-Identifier: MIT */
#include "common/memory/delta.h"

#include <string.h>

#define PAGE 4096
#define BLOCK 64
#define MASKED (UINT64_C(1) << 63)

/* One bit for each of 8 bytes that differ. */
static uint8_t differing(const uint8_t *a, const uint8_t *b)
{
   const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
   uint64_t x, y;
   memcpy(&x, a, 8);
   memcpy(&y, b, 8);
   const uint64_t difference = x ^ y;
   const uint64_t high = (difference | ((difference & low7) + low7)) & ~low7; /* the top bit of each byte */
   return (uint8_t)((high >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

/* The mask of `length` bytes (at most a page); returns how many differ. */
static size_t make_mask(const uint8_t *now, const uint8_t *twin, size_t length, uint8_t mask[PAGE / 8])
{
   size_t changed = 0, i = 0;
   for (; i + 8 <= length; i += 8) {
      mask[i / 8] = differing(now + i, twin + i);
      changed += (size_t)__builtin_popcount(mask[i / 8]);
   }
   if (i < length) {
      mask[i / 8] = 0;
      for (size_t j = i; j < length; j++) {
         if (now[j] != twin[j]) {
            mask[i / 8] |= (uint8_t)(1u << (j - i));
            changed++;
         }
      }
   }
   return changed;
}

static uint8_t *store_masked(uint8_t *out, const uint8_t *now, const uint8_t *mask, size_t length)
{
   for (size_t i = 0; i < length; i += 8) {
      if (mask[i / 8] == 0xff) {
         memcpy(out, now + i, 8);
         out += 8;
         continue;
      }
      for (unsigned bits = mask[i / 8]; bits; bits &= bits - 1)
         *out++ = now[i + (unsigned)__builtin_ctz(bits)];
   }
   return out;
}

/* One run for `length` bytes, of which the first and the last 64 have changes. */
static size_t store_run(struct vp_encoder *enc, const uint8_t *now, const uint8_t *twin, uint64_t offset, size_t length)
{
   uint8_t mask[PAGE / 8];
   const size_t changed = make_mask(now, twin, length, mask);
   const bool masked = changed != length;
   const size_t mask_size = masked ? (length + 7) / 8 : 0, bytes = mask_size + changed,
                padded = (bytes + 7) & ~(size_t)7;
   uint8_t *p = vp_enc_array(enc, 16 + padded, 1);
   if (!p)
      return 0;
   p = vp_put_u64(p, offset);
   p = vp_put_u64(p, length | (masked ? MASKED : 0));
   memcpy(p, mask, mask_size);
   p += mask_size;
   if (masked) {
      p = store_masked(p, now, mask, length);
   } else {
      memcpy(p, now, length);
      p += length;
   }
   memset(p, 0, padded - bytes);
   return changed;
}

/* The page is read once, into `now`, since it may be written to meanwhile. */
static size_t collect_page(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t offset, size_t length)
{
   uint8_t now[PAGE];
   size_t changed = 0;
   memcpy(now, memory, length);
   for (size_t start = 0; start < length;) {
      const size_t first = length - start < BLOCK ? length - start : BLOCK;
      if (!memcmp(now + start, twin + start, first)) {
         start += first;
         continue;
      }
      size_t end = start + first;
      while (end < length) {
         const size_t next = length - end < BLOCK ? length - end : BLOCK;
         if (!memcmp(now + end, twin + end, next))
            break;
         end += next;
      }
      changed += store_run(enc, now + start, twin + start, offset + start, end - start);
      start = end;
   }
   memcpy(twin, now, length);
   return changed;
}

size_t vp_delta_find(const uint8_t *memory, const uint8_t *twin, size_t size, size_t position)
{
   while (position < size) {
      const size_t length = size - position < PAGE ? size - position : PAGE;
      if (memcmp(memory + position, twin + position, length) != 0)
         return position;
      position += length;
   }
   return size;
}

size_t vp_delta_collect(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t size, size_t *position,
                        size_t limit)
{
   const size_t before = vp_encoder_size(enc);
   size_t changed = 0;
   while (*position < size && vp_encoder_size(enc) - before < limit && !enc->failed) {
      const size_t offset = *position, length = size - offset < PAGE ? size - offset : PAGE;
      if (memcmp(memory + offset, twin + offset, length) != 0)
         changed += collect_page(enc, memory + offset, twin + offset, offset, length);
      *position += length;
   }
   return changed;
}

/* What a payload is applied to. */
struct target {
   uint8_t *memory, *twin;
   const uint8_t *pieces; /* NULL: the twin is kept everywhere */
   size_t piece_size;
};

static bool has_twin(const struct target *to, size_t offset)
{
   return !to->pieces || to->pieces[offset / to->piece_size];
}

static void copy_to_twin(const struct target *to, size_t offset, const uint8_t *data, size_t length)
{
   while (length > 0) {
      const size_t room = to->pieces ? to->piece_size - offset % to->piece_size : length,
                   part = length < room ? length : room;
      if (has_twin(to, offset))
         memcpy(to->twin + offset, data, part);
      offset += part;
      data += part;
      length -= part;
   }
}

static bool apply_masked(const uint8_t **data, size_t *left, const struct target *to, size_t offset, size_t length)
{
   const uint8_t *mask = *data;
   const size_t mask_size = (length + 7) / 8;
   size_t changed = 0;
   if (*left < mask_size)
      return false;
   for (size_t i = 0; i < mask_size; i++)
      changed += (size_t)__builtin_popcount(mask[i]);
   if (length % 8 && mask[mask_size - 1] >> length % 8)
      return false;
   const size_t used = (mask_size + changed + 7) & ~(size_t)7;
   if (*left < used)
      return false;
   const uint8_t *bytes = mask + mask_size;
   for (size_t i = 0; i < length; i += 8) {
      for (unsigned bits = mask[i / 8]; bits; bits &= bits - 1) {
         const size_t at = offset + i + (unsigned)__builtin_ctz(bits);
         to->memory[at] = *bytes;
         if (has_twin(to, at))
            to->twin[at] = *bytes;
         bytes++;
      }
   }
   *data += used;
   *left -= used;
   return true;
}

bool vp_delta_apply_pieces(const uint8_t *data, size_t length, uint8_t *memory, uint8_t *twin, size_t size,
                           const uint8_t *pieces, size_t piece_size)
{
   const struct target to = {.memory = memory, .twin = twin, .pieces = pieces, .piece_size = piece_size};
   while (length) {
      uint64_t offset, run;
      if (length < 16)
         return false;
      memcpy(&offset, data, 8);
      memcpy(&run, data + 8, 8);
      data += 16;
      length -= 16;
      const bool masked = run & MASKED;
      run &= ~MASKED;
      if (offset > size || run > size - offset)
         return false;
      if (masked) {
         if (!apply_masked(&data, &length, &to, (size_t)offset, (size_t)run))
            return false;
         continue;
      }
      const size_t padded = ((size_t)run + 7) & ~(size_t)7;
      if (length < padded)
         return false;
      memcpy(memory + offset, data, (size_t)run);
      copy_to_twin(&to, (size_t)offset, data, (size_t)run);
      data += padded;
      length -= padded;
   }
   return true;
}

bool vp_delta_apply(const uint8_t *data, size_t length, uint8_t *memory, uint8_t *twin, size_t size)
{
   return vp_delta_apply_pieces(data, length, memory, twin, size, NULL, 0);
}
