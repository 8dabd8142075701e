/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_ARENA_H
#define VP_UTIL_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Temporary memory that is freed all at once, with a cap on its total. Used
 * by one thread at a time. */
struct vp_arena {
   struct vp_arena_chunk *chunks; /* newest first */
   uint8_t *cur, *end;            /* free part of the newest chunk */
   size_t used;                   /* bytes in all chunks */
   size_t limit;                  /* cap for `used` */
};

void vp_arena_init(struct vp_arena *arena, size_t limit);

/* Frees everything. The arena can be used again. */
void vp_arena_finish(struct vp_arena *arena);

/* Forgets all allocations but keeps the first chunk for the next ones. */
void vp_arena_reset(struct vp_arena *arena);

/* Zeroed memory aligned for any type; NULL when `size` bytes do not fit under
 * the cap or the system has no memory. size == 0 gives a valid pointer. */
void *vp_arena_alloc(struct vp_arena *arena, size_t size);

/* Same for count elements of size bytes each; NULL on overflow too. */
void *vp_arena_alloc_array(struct vp_arena *arena, size_t count, size_t size);

#endif
