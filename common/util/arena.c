/* SPDX-License-Identifier: MIT */

/* A pointer moves through chunks of malloc(), which become larger as more is taken; one of them is kept when all is
 * freed. */

#include "common/util/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIRST_CHUNK_SIZE ((size_t)32 << 10)

void vp_arena_init(struct vp_arena *arena, size_t limit)
{
   *arena = (struct vp_arena){.limit = limit};
}

static void arena_pop_chunk(struct vp_arena *arena)
{
   struct vp_arena_chunk *chunk = arena->chunks;

   arena->chunks = chunk->next;
   arena->used -= chunk->size;
   free(chunk);
}

void vp_arena_finish(struct vp_arena *arena)
{
   while (arena->chunks)
      arena_pop_chunk(arena);
   arena->cur = arena->end = NULL;
}

void vp_arena_clear(struct vp_arena *arena)
{
   while (arena->chunks && arena->chunks->next)
      arena_pop_chunk(arena);

   /* A single huge request must not be kept for ever. */
   if (arena->chunks && arena->chunks->size > VP_ARENA_KEEP)
      arena_pop_chunk(arena);

   arena->cur = arena->chunks ? arena->chunks->data : NULL;
   arena->end = arena->chunks ? arena->chunks->data + arena->chunks->size : NULL;
   if (arena->chunks)
      ASAN_POISON_MEMORY_REGION(arena->chunks->data, arena->chunks->size);
}

/* Adds a chunk with room for `size` bytes. */
static bool arena_grow(struct vp_arena *arena, size_t size)
{
   /* An empty chunk that is too small only stands in the way of the cap. */
   if (arena->chunks && !arena->chunks->next && arena->cur == arena->chunks->data)
      vp_arena_finish(arena);

   const size_t left = arena->limit - arena->used;
   if (size > left || size > SIZE_MAX - sizeof(struct vp_arena_chunk))
      return false;

   size_t chunk_size = arena->used > FIRST_CHUNK_SIZE ? arena->used : FIRST_CHUNK_SIZE;
   if (chunk_size > VP_ARENA_KEEP)
      chunk_size = VP_ARENA_KEEP;
   if (chunk_size > left)
      chunk_size = left;
   if (chunk_size < size)
      chunk_size = size;

   struct vp_arena_chunk *chunk = malloc(sizeof(*chunk) + chunk_size);
   if (!chunk)
      return false;

   chunk->next = arena->chunks;
   chunk->size = chunk_size;
   arena->chunks = chunk;
   arena->used += chunk_size;
   arena->cur = chunk->data;
   arena->end = chunk->data + chunk_size;
   ASAN_POISON_MEMORY_REGION(chunk->data, chunk_size);
   return true;
}

void *vp_arena_take_more(struct vp_arena *arena, size_t size)
{
   if (size == 0)
      size = 1;
   if (size > (size_t)(arena->end - arena->cur) && !arena_grow(arena, size))
      return NULL;

   uint8_t *p = arena->cur;
   const size_t room = (size_t)(arena->end - p);
   const size_t padding = alignof(max_align_t) - 1 - (size + VP_ARENA_GAP - 1) % alignof(max_align_t) + VP_ARENA_GAP;
   arena->cur += padding < room - size ? size + padding : room;
   assert((uintptr_t)p % alignof(max_align_t) == 0);
   ASAN_UNPOISON_MEMORY_REGION(p, size);
   return p;
}

/* A chunk of its own, of which the system makes the pages that are touched. */
static void *take_chunk(struct vp_arena *arena, size_t size)
{
   struct vp_arena_chunk *chunk = NULL;

   if (size <= arena->limit - arena->used)
      chunk = calloc(1, sizeof(*chunk) + size);
   if (!chunk)
      return NULL;
   chunk->next = arena->chunks;
   chunk->size = size;
   arena->chunks = chunk;
   arena->used += size;
   arena->cur = arena->end = chunk->data + size;
   return chunk->data;
}

void *vp_arena_take_zeroed(struct vp_arena *arena, size_t size)
{
   if (size > VP_ARENA_KEEP)
      return take_chunk(arena, size);
   void *memory = vp_arena_take(arena, size);
   return memory ? memset(memory, 0, size) : NULL;
}
