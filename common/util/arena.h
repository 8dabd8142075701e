/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_ARENA_H
#define VP_UTIL_ARENA_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Under the address sanitizer only what was given out can be touched, and there is a gap after it. */
#if defined(__SANITIZE_ADDRESS__)
#define VP_ARENA_POISON
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VP_ARENA_POISON
#endif
#endif
#ifdef VP_ARENA_POISON
#include <sanitizer/asan_interface.h>
#define VP_ARENA_GAP ((size_t)1)
#else
#define ASAN_POISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#define VP_ARENA_GAP ((size_t)0)
#endif

struct vp_arena_chunk {
   struct vp_arena_chunk *next;
   size_t size;
   alignas(max_align_t) uint8_t data[];
};

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

/* A larger chunk is not kept. */
#define VP_ARENA_KEEP ((size_t)4 << 20)

/* vp_arena_reset() when there is more than one chunk, or a large one. */
void vp_arena_clear(struct vp_arena *arena);

/* Forgets all allocations but keeps the first chunk for the next ones. */
static inline void vp_arena_reset(struct vp_arena *arena)
{
   struct vp_arena_chunk *chunk = arena->chunks;

   if (!chunk || arena->cur == chunk->data)
      return;
   if (chunk->next || chunk->size > VP_ARENA_KEEP) {
      vp_arena_clear(arena);
      return;
   }
   arena->cur = chunk->data;
   ASAN_POISON_MEMORY_REGION(chunk->data, chunk->size);
}

/* Zeros. What is large takes memory only where it is written to. */
void *vp_arena_take_zeroed(struct vp_arena *arena, size_t size);

/* vp_arena_take() when the newest chunk may be too small. */
void *vp_arena_take_more(struct vp_arena *arena, size_t size);

/* Memory aligned for any type; NULL when `size` bytes do not fit under the cap or the system has no memory. size == 0
 * gives a valid pointer. */
static inline void *vp_arena_take(struct vp_arena *arena, size_t size)
{
   const size_t room = (size_t)(arena->end - arena->cur);
   const size_t padded = (size + VP_ARENA_GAP + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);

   if (size == 0 || size > room || padded > room)
      return vp_arena_take_more(arena, size);
   uint8_t *p = arena->cur;
   arena->cur += padded;
   ASAN_UNPOISON_MEMORY_REGION(p, size);
   return p;
}

/* The same, zeroed. */
static inline void *vp_arena_alloc(struct vp_arena *arena, size_t size)
{
   void *memory = vp_arena_take(arena, size);
   return memory ? memset(memory, 0, size) : NULL;
}

/* Same for count elements of size bytes each; NULL on overflow too. */
static inline void *vp_arena_alloc_array(struct vp_arena *arena, size_t count, size_t size)
{
   size_t total;
   return __builtin_mul_overflow(count, size, &total) ? NULL : vp_arena_alloc(arena, total);
}

#endif
