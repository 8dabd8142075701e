/* SPDX-License-Identifier: MIT */
/* Several threads and the GPU share pages, cache lines and words.
 *
 * One large memory is mapped all the time, and some smaller ones whenever somebody uses them: the first one who needs
 * it maps it and the last one unmaps it, whichever thread that is, while the GPU may be using it for others. All of
 * them are cut into chunks of random sizes, of which each belongs to one thread. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define THREADS 4
#define MEMORIES 3 /* the first is the large one */
#define LARGE_SIZE (3 * 1024 * 1024 + 1237)
#define SHARED_SIZE (5 * 1024 * 1024 + 77)
#define MAX_CHUNKS 8192
#define MAX_CHUNK 5000
#define MAX_REGIONS 16

struct chunk {
   uint32_t offset, size;
};

/* The chunks of one thread in one memory. Only the bytes of these are meant in the model and in an old state of it. */
struct share {
   struct chunk chunks[MAX_CHUNKS];
   unsigned count;
   uint8_t *model, *before;
};

struct memory {
   struct area area;
   uint32_t size;
   pthread_mutex_t lock; /* of mapping and unmapping */
   unsigned users;       /* who want it mapped */
   struct share shares[THREADS];
};

struct chunks {
   struct memory memories[MEMORIES];
   struct area hidden[THREADS]; /* memory that only the GPU sees, as large as the largest copy */
};

/* --- mapping --- */

static uint8_t *begin_use(struct worker *w, struct memory *memory)
{
   pthread_mutex_lock(&memory->lock);
   if (memory->users++ == 0)
      area_map(w->world, &memory->area);
   pthread_mutex_unlock(&memory->lock);
   return memory->area.map;
}

static void end_use(struct worker *w, struct memory *memory)
{
   pthread_mutex_lock(&memory->lock);
   if (--memory->users == 0)
      area_unmap(w->world, &memory->area);
   pthread_mutex_unlock(&memory->lock);
}

static void compare_share(struct worker *w, const struct share *share, const uint8_t *map, const char *what)
{
   for (unsigned i = 0; i < share->count; i++) {
      const struct chunk *chunk = &share->chunks[i];
      compare(w, what, share->model + chunk->offset, map + chunk->offset, chunk->size, chunk->offset);
   }
}

/* Maps the end of it only, when nobody uses it, and compares what belongs to us there. */
static void look_at_part(struct worker *w, struct memory *memory)
{
   const struct share *share = &memory->shares[w->index];
   const uint32_t offset = below(&w->random, memory->size);
   void *part;
   pthread_mutex_lock(&memory->lock);
   if (memory->users == 0) {
      MUST(w->world, vkMapMemory(w->world->device, memory->area.memory, offset, VK_WHOLE_SIZE, 0, &part));
      for (unsigned i = 0; i < share->count; i++) {
         const struct chunk *chunk = &share->chunks[i];
         if (chunk->offset >= offset)
            compare(w, "a part of a shared memory", share->model + chunk->offset,
                    (uint8_t *)part + (chunk->offset - offset), chunk->size, chunk->offset);
      }
      vkUnmapMemory(w->world->device, memory->area.memory);
   }
   pthread_mutex_unlock(&memory->lock);
}

/* --- changes --- */

/* A counter that goes up, and sometimes back to where it began. */
static void count_up(struct worker *w, uint8_t *to, uint8_t *model)
{
   uint32_t counter;
   memcpy(&counter, to, sizeof(counter));
   counter = one_in(&w->random, 4) ? 0 : counter + 1;
   memcpy(model, &counter, sizeof(counter));
   host_store(w, to, model, sizeof(counter));
}

/* One random change within a chunk, in memory and model alike. */
static void change_chunk(struct worker *w, struct share *share, uint8_t *map, const struct chunk *chunk)
{
   const uint32_t first = chunk->offset + below(&w->random, chunk->size);
   const uint32_t size = 1 + below(&w->random, chunk->offset + chunk->size - first);
   switch (below(&w->random, 5)) {
   case 0:
      if (chunk->size >= sizeof(uint32_t))
         count_up(w, map + chunk->offset, share->model + chunk->offset);
      break;
   case 1: /* what was there some time ago */
      memcpy(share->model + first, share->before + first, size);
      host_store(w, map + first, share->model + first, size);
      break;
   default:
      host_change(w, map + first, share->model + first, size);
   }
}

static const struct chunk *random_chunk(struct worker *w, const struct share *share, unsigned count)
{
   return &share->chunks[below(&w->random, count)];
}

/* More than fits into one frame. */
static void change_all(struct worker *w, struct share *share, uint8_t *map)
{
   for (unsigned i = 0; i < share->count; i++) {
      const struct chunk *chunk = &share->chunks[i];
      random_bytes(&w->random, share->model + chunk->offset, chunk->size);
      memcpy(map + chunk->offset, share->model + chunk->offset, chunk->size);
   }
}

static void remember(struct share *share)
{
   for (unsigned i = 0; i < share->count; i++) {
      const struct chunk *chunk = &share->chunks[i];
      memcpy(share->before + chunk->offset, share->model + chunk->offset, chunk->size);
   }
}

/* Copies between some of our first `count` chunks, straight or by way of memory that the host does not see. The model
 * learns it too. */
static void record_copies(struct worker *w, struct share *share, unsigned count, VkBuffer buffer)
{
   const struct chunks *state = w->part_state;
   const VkBuffer hidden = state->hidden[w->index].buffer;
   for (unsigned i = 1 + below(&w->random, MAX_REGIONS); i > 0; i--) {
      const struct chunk *from = random_chunk(w, share, count), *to = random_chunk(w, share, count);
      if (from == to)
         continue;
      uint32_t size = from->size < to->size ? from->size : to->size;
      size = 1 + below(&w->random, size);
      const uint32_t source = from->offset + below(&w->random, from->size - size + 1);
      const uint32_t target = to->offset + below(&w->random, to->size - size + 1);
      if (one_in(&w->random, 2)) {
         gpu_copy(w, buffer, source, buffer, target, size);
      } else {
         gpu_copy(w, buffer, source, hidden, 3, size);
         gpu_copy(w, hidden, 3, buffer, target, size);
      }
      memcpy(share->model + target, share->model + source, size);
   }
}

/* --- rounds --- */

/* Some of the chunks are the GPU's in this round; the host goes on changing the others while the GPU works. What is
 * there is not always looked at: a program may write without ever reading. */
static void round_memory(struct worker *w, struct memory *memory, uint8_t *map, const char *what)
{
   struct share *share = &memory->shares[w->index];
   const unsigned count = share->count, gpu_count = 2 + below(&w->random, count - 4);

   for (unsigned i = below(&w->random, 12); i > 0; i--)
      change_chunk(w, share, map, random_chunk(w, share, count));
   gpu_begin(w);
   record_copies(w, share, gpu_count, memory->area.buffer);
   gpu_submit(w);
   for (unsigned i = below(&w->random, 40); i > 0; i--)
      change_chunk(w, share, map, &share->chunks[gpu_count + below(&w->random, count - gpu_count)]);
   gpu_wait(w);
   if (!one_in(&w->random, 4))
      compare_share(w, share, map, what);
   gpu_recycle(w);
   if (one_in(&w->random, 8))
      remember(share);
}

static void round_shared(struct worker *w, struct memory *memory)
{
   look_at_part(w, memory);
   uint8_t *map = begin_use(w, memory);
   if (one_in(&w->random, 4))
      change_all(w, &memory->shares[w->index], map);
   round_memory(w, memory, map, "a shared memory");
   end_use(w, memory);
}

static void chunks_round(struct worker *w)
{
   struct chunks *state = w->part_state;
   if (below(&w->random, 3))
      round_memory(w, &state->memories[0], state->memories[0].area.map, "the large memory");
   else
      round_shared(w, &state->memories[1 + below(&w->random, MEMORIES - 1)]);
}

/* --- set-up --- */

/* Deals the bytes of a memory out to the threads. */
static void deal_chunks(struct world *world, struct memory *memory, uint64_t *random)
{
   for (uint32_t offset = 0; offset < memory->size;) {
      struct share *share = &memory->shares[below(random, THREADS)];
      uint32_t size = 1 + below(random, below(random, 3) ? 24 : MAX_CHUNK);
      if (size > memory->size - offset)
         size = memory->size - offset;
      if (share->count == MAX_CHUNKS)
         give_up(world, "too many chunks", VK_ERROR_UNKNOWN);
      share->chunks[share->count++] = (struct chunk){offset, size};
      offset += size;
   }
}

/* Models and memory begin in the same random state. */
static void memory_create(struct world *world, struct memory *memory, uint32_t size, uint64_t *random)
{
   memory->size = size;
   pthread_mutex_init(&memory->lock, NULL);
   deal_chunks(world, memory, random);
   area_create(world, &memory->area, size, COPY_USAGE, true);
   area_map(world, &memory->area);
   for (unsigned i = 0; i < THREADS; i++) {
      struct share *share = &memory->shares[i];
      share->model = must_alloc(size);
      share->before = must_alloc(size);
      for (unsigned j = 0; j < share->count; j++) {
         const struct chunk *chunk = &share->chunks[j];
         random_bytes(random, share->model + chunk->offset, chunk->size);
         memcpy(memory->area.map + chunk->offset, share->model + chunk->offset, chunk->size);
      }
      remember(share);
   }
}

static void *chunks_create(struct world *world, uint64_t *random)
{
   struct chunks *state = must_alloc(sizeof(*state));
   memory_create(world, &state->memories[0], LARGE_SIZE, random);
   for (unsigned i = 1; i < MEMORIES; i++) {
      memory_create(world, &state->memories[i], SHARED_SIZE, random);
      area_unmap(world, &state->memories[i].area);
   }
   for (unsigned i = 0; i < THREADS; i++)
      area_create(world, &state->hidden[i], MAX_CHUNK + 3, COPY_USAGE, false);
   return state;
}

static void chunks_destroy(struct world *world, void *part_state)
{
   struct chunks *state = part_state;
   for (unsigned i = 0; i < MEMORIES; i++) {
      struct memory *memory = &state->memories[i];
      area_destroy(world, &memory->area);
      pthread_mutex_destroy(&memory->lock);
      for (unsigned j = 0; j < THREADS; j++) {
         free(memory->shares[j].model);
         free(memory->shares[j].before);
      }
   }
   for (unsigned i = 0; i < THREADS; i++)
      area_destroy(world, &state->hidden[i]);
   free(state);
}

const struct part part_chunks = {
   .name = "chunks",
   .threads = THREADS,
   .with_heap = true,
   .create = chunks_create,
   .round = chunks_round,
   .destroy = chunks_destroy,
};
