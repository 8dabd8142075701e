/* SPDX-License-Identifier: MIT */

/* Pages with few changes become runs of 64-byte blocks with a mask of their bytes; pages next to each other of which
 * nearly all has changed become one run with a list of the bytes that have not. */

#include "common/memory/delta.h"

#include <string.h>

#include "common/memory/compare.h"
#include "common/memory/masked.h"

#define PAGE VP_COMPARE_PAGE
#define BLOCK 64
#define MASKED (UINT64_C(1) << 63)
#define HOLES (UINT64_C(1) << 62)

/* A run with holes is not longer than this, so that a u16 can name each of its bytes. */
#define MAX_DENSE 65536u

/* Above this, a mask is shorter than a list of the bytes that did not change and these bytes. */
#define PAGE_HOLES (PAGE / 24)

/* One run for `length` bytes, of which the first and the last 64 have changes. */
static void store_run(struct vp_encoder *enc, const uint8_t *now, const uint8_t *mask, uint64_t offset, size_t length)
{
   const size_t changed = vp_masked_count(mask, length);
   const bool masked = changed != length;
   const size_t mask_size = masked ? (length + 7) / 8 : 0, bytes = mask_size + changed,
                padded = (bytes + 7) & ~(size_t)7;
   uint8_t *p = vp_enc_array(enc, 16 + padded, 1);
   if (!p)
      return;
   p = vp_put_u64(p, offset);
   p = vp_put_u64(p, length | (masked ? MASKED : 0));
   memcpy(p, mask, mask_size);
   p += mask_size;
   if (masked) {
      p = vp_masked_pack(p, now, mask, length);
   } else {
      memcpy(p, now, length);
      p += length;
   }
   memset(p, 0, padded - bytes);
}

/* Pages next to each other of which nearly all has changed become one run, which lists the few bytes that have not. */
struct dense_run {
   size_t length; /* of the bytes, which are the last in the encoder; 0: there is none open */
   uint64_t offset;
   unsigned hole_count;
   uint16_t holes[MAX_DENSE / PAGE * PAGE_HOLES + 1]; /* one more, which may be written to */
};

static void end_dense(struct vp_encoder *enc, struct dense_run *run)
{
   if (!run->length)
      return;
   const size_t listed = run->hole_count * sizeof(run->holes[0]), padding = -listed & 7;
   const uint64_t flags = run->hole_count ? HOLES | (uint64_t)run->hole_count << 32 : 0;
   vp_put_u64(vp_put_u64(enc->cur - run->length - 16, run->offset), run->length | flags);
   memcpy(enc->cur, run->holes, listed);
   memset(enc->cur + listed, 0, padding);
   enc->cur += listed + padding;
   run->length = 0;
}

/* Where the page at this offset would lie in a dense run, the open one or one that begins with it; NULL without memory.
 */
static uint8_t *next_dense(struct vp_encoder *enc, struct dense_run *run, uint64_t offset)
{
   if (run->offset + run->length != offset || run->length == MAX_DENSE)
      end_dense(enc, run);
   if (!run->length) {
      run->offset = offset;
      run->hole_count = 0;
   }
   const size_t head = run->length ? 0 : 16;
   return vp_encoder_reserve(enc, head + PAGE + sizeof(run->holes)) ? enc->cur + head : NULL;
}

/* Notes the lowest bit, if there is one, without a branch, which nobody could predict. */
static void note_hole(struct dense_run *run, size_t at, uint64_t *bits)
{
   run->holes[run->hole_count] = (uint16_t)(run->length + at + (unsigned)__builtin_ctzll(*bits | UINT64_C(1) << 63));
   run->hole_count += *bits != 0;
   *bits &= *bits - 1;
}

static void add_dense(struct vp_encoder *enc, struct dense_run *run, const uint8_t mask[PAGE / 8])
{
   for (size_t at = 0; at < PAGE; at += 64) {
      uint64_t bits = ~vp_masked_word(mask, at, PAGE);
      note_hole(run, at, &bits);
      note_hole(run, at, &bits);
      while (bits)
         note_hole(run, at, &bits);
   }
   enc->cur += (run->length ? 0 : 16) + PAGE;
   run->length += PAGE;
}

/* A page of which a smaller part has changed: a run for the blocks next to each other that have changes. */
static void add_sparse(struct vp_encoder *enc, const uint8_t *now, const uint8_t *mask, size_t offset, size_t length)
{
   for (size_t start = 0, end; start < length; start = end) {
      for (end = start; end < length && vp_masked_word(mask, end, length); end += BLOCK)
         ;
      const size_t stop = end < length ? end : length;
      if (stop > start)
         store_run(enc, now + start, mask + start / 8, offset + start, stop - start);
      else
         end += BLOCK;
   }
}

/* The page is read once, since it may be written to meanwhile: into the twin, and to its place in a dense run, where it
 * stays if nearly all of it has changed. */
static size_t collect_page(struct vp_encoder *enc, struct dense_run *run, const uint8_t *memory, uint8_t *twin,
                           size_t offset, size_t length)
{
   uint8_t mask[PAGE / 8], spare[PAGE];
   uint8_t *place = next_dense(enc, run, offset);
   const size_t changed = vp_compare_take(place ? place : spare, memory, twin, length, mask);
   if (place && length == PAGE && changed >= PAGE - PAGE_HOLES) {
      add_dense(enc, run, mask);
   } else {
      end_dense(enc, run);
      add_sparse(enc, twin, mask, offset, length);
   }
   return changed;
}

/* The memory and the twin begin at `base`. */
static size_t collect(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t base, size_t size,
                      size_t *position, size_t limit, const struct vp_delta_stamps *stamps)
{
   const size_t before = vp_encoder_size(enc);
   struct dense_run run;
   size_t changed = 0;
   run.length = 0;
   run.offset = 0;
   while (*position < size && vp_encoder_size(enc) - before < limit && !enc->failed) {
      const size_t at = *position - base;
      *position += vp_compare_skip(memory + at, twin + at, size - *position);
      if (*position == size)
         break;
      const size_t offset = *position, length = size - offset < PAGE ? size - offset : PAGE;
      changed += collect_page(enc, &run, memory + (offset - base), twin + (offset - base), offset, length);
      if (stamps)
         stamps->pages[offset / PAGE] = stamps->stamp;
      *position += length;
   }
   end_dense(enc, &run);
   return changed;
}

size_t vp_delta_collect(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t size, size_t *position,
                        size_t limit)
{
   return collect(enc, memory, twin, 0, size, position, limit, NULL);
}

size_t vp_delta_collect_part(struct vp_encoder *enc, const uint8_t *memory, uint8_t *twin, size_t offset, size_t length,
                             const struct vp_delta_stamps *stamps)
{
   size_t position = offset;
   return collect(enc, memory, twin, offset, offset + length, &position, SIZE_MAX, stamps);
}

/* What a payload is applied to. */
struct target {
   uint8_t *memory; /* NULL: `store` takes the bytes */
   uint8_t *twin;
   const uint8_t *pieces; /* NULL: the twin is kept everywhere */
   size_t piece_size;
   vp_delta_store *store;
   void *context;
};

static bool has_twin(const struct target *to, size_t offset)
{
   return !to->pieces || to->pieces[offset / to->piece_size];
}

/* Whether all of it has a twin, or (`twin` false) nothing. */
static bool is_all(const struct target *to, size_t offset, size_t length, bool twin)
{
   const size_t end = offset + length;
   while (offset < end && has_twin(to, offset) == twin)
      offset = to->pieces ? (offset / to->piece_size + 1) * to->piece_size : end;
   return offset >= end;
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

static void put(const struct target *to, size_t offset, const uint8_t *data, size_t length)
{
   if (to->memory) {
      memcpy(to->memory + offset, data, length);
      copy_to_twin(to, offset, data, length);
   } else if (to->store) {
      to->store(to->context, offset, data, length);
   }
}

static bool is_in_one_piece(const struct target *to, size_t offset, size_t length)
{
   return !to->pieces || length == 0 || offset / to->piece_size == (offset + length - 1) / to->piece_size;
}

/* Bytes of one byte of a mask; returns how many these were. */
static size_t put_masked(const struct target *to, size_t offset, const uint8_t *data, unsigned mask)
{
   size_t used = 0;
   while (mask) {
      const unsigned first = (unsigned)__builtin_ctz(mask), count = (unsigned)__builtin_ctz(~(mask >> first));
      put(to, offset + first, data + used, count);
      used += count;
      mask &= ~0u << (first + count);
   }
   return used;
}

static bool apply_masked(const uint8_t **data, size_t *left, const struct target *to, size_t offset, size_t length)
{
   const uint8_t *mask = *data;
   const size_t mask_size = (length + 7) / 8;
   if (*left < mask_size || (length % 8 && mask[mask_size - 1] >> length % 8))
      return false;
   const size_t used = (mask_size + vp_masked_count(mask, length) + 7) & ~(size_t)7;
   if (*left < used)
      return false;
   const uint8_t *bytes = mask + mask_size;
   if (to->memory && is_in_one_piece(to, offset, length)) {
      vp_masked_unpack(to->memory + offset, has_twin(to, offset) ? to->twin + offset : NULL, bytes, mask, length);
   } else {
      for (size_t i = 0; i < length; i += 8)
         bytes += put_masked(to, offset + i, bytes, mask[i / 8]);
   }
   *data += used;
   *left -= used;
   return true;
}

static size_t hole_at(const uint8_t *list, size_t i)
{
   uint16_t hole;
   memcpy(&hole, list + i * sizeof(hole), sizeof(hole));
   return hole;
}

/* Bytes in pieces between holes. */
static void put_between(const struct target *to, size_t offset, const uint8_t *bytes, size_t length,
                        const uint8_t *list, size_t count)
{
   size_t at = 0;
   for (size_t i = 0; i <= count; i++) {
      const size_t end = i < count ? hole_at(list, i) : length;
      put(to, offset + at, bytes + at, end - at);
      at = end + 1;
   }
}

/* One bit for each byte, but for the holes. False when these are not in order or outside. */
static bool make_mask(uint8_t mask[MAX_DENSE / 8], size_t length, const uint8_t *list, size_t count)
{
   memset(mask, 0xff, length / 8);
   if (length % 8)
      mask[length / 8] = (uint8_t)((1u << length % 8) - 1);
   for (size_t i = 0, after = 0; i < count; i++) {
      const size_t hole = hole_at(list, i);
      if (hole < after || hole >= length)
         return false;
      mask[hole / 8] &= (uint8_t) ~(1u << hole % 8);
      after = hole + 1;
   }
   return true;
}

/* Where there is no twin nobody else writes, so what is in the holes is there already and all can be copied as one. */
static void put_dense(const struct target *to, size_t offset, const uint8_t *bytes, size_t length, const uint8_t *mask,
                      const uint8_t *list, size_t count)
{
   if (to->memory && is_all(to, offset, length, false))
      memcpy(to->memory + offset, bytes, length);
   else if (!to->memory || !is_all(to, offset, length, true) ||
            !vp_masked_copy(to->memory + offset, to->twin + offset, bytes, mask, length))
      put_between(to, offset, bytes, length, list, count);
}

/* `run` is the length, the number of holes and the flag. */
static bool apply_holes(const uint8_t **data, size_t *left, const struct target *to, size_t offset, uint64_t run,
                        size_t size)
{
   const size_t length = (uint32_t)run, count = (size_t)(run >> 32 & 0xffff),
                used = (length + 2 * count + 7) & ~(size_t)7;
   const uint8_t *bytes = *data, *list = bytes + length;
   uint8_t mask[MAX_DENSE / 8];
   if (run & ~(HOLES | UINT64_C(0xffffffffffff)) || length > MAX_DENSE || length > size - offset || *left < used ||
       !make_mask(mask, length, list, count))
      return false;
   put_dense(to, offset, bytes, length, mask, list, count);
   *data += used;
   *left -= used;
   return true;
}

static bool delta_apply(const uint8_t *data, size_t length, const struct target *to, size_t size)
{
   while (length) {
      uint64_t offset, run;
      if (length < 16)
         return false;
      memcpy(&offset, data, 8);
      memcpy(&run, data + 8, 8);
      data += 16;
      length -= 16;
      const bool masked = run & MASKED;
      if (!masked && run & HOLES) {
         if (offset > size || !apply_holes(&data, &length, to, (size_t)offset, run, size))
            return false;
         continue;
      }
      run &= ~MASKED;
      if (offset > size || run > size - offset)
         return false;
      if (masked) {
         if (!apply_masked(&data, &length, to, (size_t)offset, (size_t)run))
            return false;
         continue;
      }
      const size_t padded = ((size_t)run + 7) & ~(size_t)7;
      if (length < padded)
         return false;
      put(to, (size_t)offset, data, (size_t)run);
      data += padded;
      length -= padded;
   }
   return true;
}

bool vp_delta_apply(const uint8_t *data, size_t length, uint8_t *memory, uint8_t *twin, size_t size)
{
   return delta_apply(data, length, &(struct target){.memory = memory, .twin = twin}, size);
}

bool vp_delta_apply_pieces(const uint8_t *data, size_t length, uint8_t *memory, uint8_t *twin, size_t size,
                           const uint8_t *pieces, size_t piece_size)
{
   const struct target to = {.memory = memory, .twin = twin, .pieces = pieces, .piece_size = piece_size};
   return delta_apply(data, length, &to, size);
}

bool vp_delta_read(const uint8_t *data, size_t length, size_t size, vp_delta_store *store, void *context)
{
   return delta_apply(data, length, &(struct target){.store = store, .context = context}, size);
}
