/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_DECODER_H
#define VP_WIRE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/util/arena.h"

/* Reads Venus commands or replies. The input is not trusted: the first error
 * is kept, everything read after it is zero, and nothing is allocated that the
 * remaining bytes or the arena's limit do not cover. */
struct vp_decoder {
   const uint8_t *start, *cur, *end;
   struct vp_arena *arena;
   const char *error; /* NULL: none so far. A constant text. */
   unsigned depth;    /* of chains inside chains */
   uint32_t outer;    /* how many sub-layers a video's set of parameters has, while it is read */

   /* Turns the id of an existing object of that VkObjectType into a handle. */
   uint64_t (*find_handle)(struct vp_decoder *dec, int32_t type, uint64_t id);
   /* Same for an id that the command is about to give to a new object, or that
    * its handler wants as it is. */
   uint64_t (*new_handle)(struct vp_decoder *dec, int32_t type, uint64_t id);
   void *context; /* for these two */

   /* Replies: whether ids are written over the handles of the request. */
   bool keep_ids;

   /* Requests: the layout that stands for the one of images that are to be presented; 0: that itself. */
   uint32_t present_layout;
};

#define VP_DEC_MAX_DEPTH 256

/* Of nothing, `data` may be NULL. */
static inline void vp_decoder_init(struct vp_decoder *dec, const void *data, size_t size, struct vp_arena *arena)
{
   *dec = (struct vp_decoder){.start = data, .cur = data, .arena = arena};
   dec->end = size ? dec->start + size : dec->start;
}

static inline size_t vp_dec_remaining(const struct vp_decoder *dec)
{
   return (size_t)(dec->end - dec->cur);
}

/* Keeps the first error. */
void vp_dec_fail(struct vp_decoder *dec, const char *error);

/* Why vp_dec_take() has nothing to give: the data ends too early, or there was an error before. Returns NULL. */
const uint8_t *vp_dec_end(struct vp_decoder *dec);

/* The next size bytes, or NULL and an error. What is read from them by vp_get_...() needs no further check. */
static inline const uint8_t *vp_dec_take(struct vp_decoder *dec, size_t size)
{
   const uint8_t *p = dec->cur;
   if (__builtin_expect(dec->error || (size_t)(dec->end - p) < size, 0))
      return vp_dec_end(dec);
   dec->cur = p + size;
   return p;
}

static inline uint32_t vp_get_u32(const uint8_t **p)
{
   uint32_t value;
   memcpy(&value, *p, sizeof(value));
   *p += sizeof(value);
   return value;
}

static inline uint64_t vp_get_u64(const uint8_t **p)
{
   uint64_t value;
   memcpy(&value, *p, sizeof(value));
   *p += sizeof(value);
   return value;
}

static inline float vp_get_f32(const uint8_t **p)
{
   float value;
   memcpy(&value, *p, sizeof(value));
   *p += sizeof(value);
   return value;
}

static inline double vp_get_f64(const uint8_t **p)
{
   double value;
   memcpy(&value, *p, sizeof(value));
   *p += sizeof(value);
   return value;
}

static inline uint32_t vp_dec_u32(struct vp_decoder *dec)
{
   const uint8_t *p = vp_dec_take(dec, 4);
   return p ? vp_get_u32(&p) : 0;
}

static inline uint64_t vp_dec_u64(struct vp_decoder *dec)
{
   const uint8_t *p = vp_dec_take(dec, 8);
   return p ? vp_get_u64(&p) : 0;
}

/* Fails unless something that must be so is so. */
static inline void vp_dec_require(struct vp_decoder *dec, bool is_so, const char *error)
{
   if (__builtin_expect(!is_so, 0))
      vp_dec_fail(dec, error);
}

/* Whether a single pointer, whose count was read, is there: it may be 0 or 1. */
static inline bool vp_dec_flag(struct vp_decoder *dec, uint64_t count)
{
   if (count > 1)
      vp_dec_fail(dec, "a single pointer has a count above 1");
   return count == 1;
}

/* Of a reply: the same for one of its outputs, which fails when there is no place for it. */
static inline bool vp_dec_asked(struct vp_decoder *dec, uint64_t count, const void *place)
{
   const bool is_there = vp_dec_flag(dec, count);
   vp_dec_require(dec, !is_there || place, "an output was not asked for");
   return is_there && place;
}

/* How many elements an array has that may be missing. */
static inline uint64_t vp_dec_cap(const void *array, uint64_t count)
{
   return array ? count : 0;
}

/* What a layout of images that was read stands for. */
uint32_t vp_dec_image_layout(const struct vp_decoder *dec, uint32_t layout);

/* What an id that was read stands for. */
static inline uint64_t vp_dec_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   return id ? dec->find_handle(dec, type, id) : 0;
}

static inline uint64_t vp_dec_new_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   return id ? dec->new_handle(dec, type, id) : 0;
}

/* The same id, which must not be null. */
static inline uint64_t vp_dec_needed(struct vp_decoder *dec, uint64_t id, const char *missing)
{
   vp_dec_require(dec, id != 0, missing);
   return id;
}

/* A handle in a reply: the client knows it already. */
static inline void vp_dec_reply_handle(const struct vp_decoder *dec, void *handle, size_t size, uint64_t id)
{
   if (dec->keep_ids)
      memcpy(handle, &id, size);
}

/* Fails unless the next count is exactly n. */
void vp_dec_count(struct vp_decoder *dec, uint64_t n);

/* A fixed array at p, where there are enough bytes: its count, which must be this one, the elements and their filler.
 * Returns what is behind it. */
const uint8_t *vp_dec_fixed(struct vp_decoder *dec, const uint8_t *p, void *out, size_t count, size_t size);

/* Whether there are elements to read, whose count was read. They take at least wire_size bytes each (0: none); fails
 * when what is left cannot have them all. */
static inline bool vp_dec_has(struct vp_decoder *dec, uint64_t count, size_t wire_size)
{
   if (count && wire_size && count > vp_dec_remaining(dec) / wire_size)
      vp_dec_fail(dec, "an array is longer than the data");
   return count && !dec->error;
}

/* Fails unless count is what its struct says, or 0 where that is allowed. */
static inline void vp_dec_check_count(struct vp_decoder *dec, uint64_t count, uint64_t expected, bool may_be_null)
{
   vp_dec_require(dec, count == expected || (count == 0 && may_be_null), "an array's size is not what its struct says");
}

/* How many bytes so many elements take; SIZE_MAX: too many, or there was an error. */
static inline size_t vp_dec_total(const struct vp_decoder *dec, uint64_t count, size_t size)
{
   size_t total;
   return dec->error || __builtin_mul_overflow(count, size, &total) ? SIZE_MAX : total;
}

/* Says so when there is no memory. Returns it. */
static inline void *vp_dec_got(struct vp_decoder *dec, void *memory)
{
   if (!memory)
      vp_dec_fail(dec, "a command needs too much temporary memory");
   return memory;
}

/* Temporary memory; NULL and an error when there is too little. */
static inline void *vp_dec_room(struct vp_decoder *dec, uint64_t count, size_t size)
{
   const size_t total = vp_dec_total(dec, count, size);
   return vp_dec_got(dec, total == SIZE_MAX ? NULL : vp_arena_take(dec->arena, total));
}

/* The same, zeroed. */
static inline void *vp_dec_alloc(struct vp_decoder *dec, uint64_t count, size_t size)
{
   const size_t total = vp_dec_total(dec, count, size);
   return vp_dec_got(dec, total == SIZE_MAX ? NULL : vp_arena_take_zeroed(dec->arena, total));
}

/* count elements of size bytes each and their filler, copied to out. */
void vp_dec_bytes(struct vp_decoder *dec, void *out, uint64_t count, size_t size);

/* What was read, in new temporary memory. */
void *vp_dec_copy(struct vp_decoder *dec, const uint8_t *p, size_t size);

/* count elements of size bytes each as a pointer into the data, or a copy where they are not aligned; NULL for count 0.
 * For what is done with before the data is gone. */
static inline const void *vp_dec_view(struct vp_decoder *dec, uint64_t count, size_t size)
{
   if (!vp_dec_has(dec, count, size))
      return NULL;
   const size_t bytes = (size_t)count * size;
   const uint8_t *p = vp_dec_take(dec, bytes + (-bytes & 3));
   return (uintptr_t)p % size == 0 ? p : vp_dec_copy(dec, p, bytes);
}

/* As a pointer into new temporary memory; NULL for count 0. */
void *vp_dec_blob(struct vp_decoder *dec, uint64_t count, size_t size);
const char *vp_dec_string(struct vp_decoder *dec, uint64_t count);
const char *const *vp_dec_string_array(struct vp_decoder *dec, uint64_t count);

/* A new node of a chain before the rest of it; all else in it is zeros. NULL and an error when there is too little
 * memory, or the rest has a node of that type, of which there may be one. */
void *vp_dec_node(struct vp_decoder *dec, uint32_t type, size_t size, void *rest, bool once);

static inline bool vp_dec_enter(struct vp_decoder *dec)
{
   if (++dec->depth > VP_DEC_MAX_DEPTH)
      vp_dec_fail(dec, "a chain is too long");
   return !dec->error;
}

static inline void vp_dec_leave(struct vp_decoder *dec)
{
   dec->depth--;
}

#endif
