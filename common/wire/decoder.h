/* SPDX-License-Identifier: MIT */
#ifndef VP_WIRE_DECODER_H
#define VP_WIRE_DECODER_H

#include "common/util/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Reads Venus commands or replies. The input is not trusted: the first error
 * is kept, everything read after it is zero, and nothing is allocated that the
 * remaining bytes or the arena's limit do not cover. */
struct vp_decoder {
   const uint8_t *start, *cur, *end;
   struct vp_arena *arena;
   const char *error; /* NULL: none so far. A constant text. */
   unsigned depth;    /* of chains inside chains */

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

static inline void vp_decoder_init(struct vp_decoder *dec, const void *data, size_t size, struct vp_arena *arena)
{
   *dec = (struct vp_decoder){.start = data, .cur = data, .arena = arena};
   dec->end = dec->start + size;
}

static inline size_t vp_dec_remaining(const struct vp_decoder *dec)
{
   return (size_t)(dec->end - dec->cur);
}

/* Keeps the first error. */
void vp_dec_fail(struct vp_decoder *dec, const char *error);

uint32_t vp_dec_u32(struct vp_decoder *dec);
uint64_t vp_dec_u64(struct vp_decoder *dec);
/* A VkImageLayout. */
uint32_t vp_dec_image_layout(struct vp_decoder *dec);

float vp_dec_f32(struct vp_decoder *dec);
double vp_dec_f64(struct vp_decoder *dec);

/* The count of a single pointer: 0 or 1. */
bool vp_dec_flag(struct vp_decoder *dec);

uint64_t vp_dec_handle(struct vp_decoder *dec, int32_t type);
uint64_t vp_dec_new_handle(struct vp_decoder *dec, int32_t type);

/* A handle in a reply: the client knows it already. */
void vp_dec_reply_handle(struct vp_decoder *dec, void *handle, size_t size);

/* Fails unless the next count is exactly n. */
void vp_dec_count(struct vp_decoder *dec, uint64_t n);

/* A count of elements that take at least wire_size bytes each (0: none). */
uint64_t vp_dec_array_count(struct vp_decoder *dec, size_t wire_size);

/* Fails unless count is what its struct says, or 0 where that is allowed. */
void vp_dec_check_count(struct vp_decoder *dec, uint64_t count, uint64_t expected, bool may_be_null);

/* Zeroed temporary memory; NULL and an error when there is too little. */
void *vp_dec_alloc(struct vp_decoder *dec, uint64_t count, size_t size);

/* count elements of size bytes each and their filler, copied to out. */
void vp_dec_bytes(struct vp_decoder *dec, void *out, uint64_t count, size_t size);

/* As a pointer into new temporary memory; NULL for count 0. */
void *vp_dec_blob(struct vp_decoder *dec, size_t size, uint64_t *count);
const char *vp_dec_string(struct vp_decoder *dec);
const char *const *vp_dec_string_array(struct vp_decoder *dec, uint64_t *count);

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
