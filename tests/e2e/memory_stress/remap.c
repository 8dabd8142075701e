/* SPDX-License-Identifier: MIT */
/* A memory that is mapped for each access and unmapped again; the GPU writes to it while it is unmapped, or mapped once
 * more while the GPU is at it. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define SIZE (200 * 1024 + 19)
#define MAX_WRITES 6

/* A random place that begins and ends at words. */
static VkBufferCopy random_words(struct worker *w, uint32_t end)
{
   const uint32_t words = end / 4, first = below(&w->random, words);
   const VkDeviceSize count = 1 + below(&w->random, words - first);
   return (VkBufferCopy){.dstOffset = (VkDeviceSize)first * 4, .size = count * 4};
}

static void gpu_fill(struct worker *w, struct mirror *mirror, const VkBufferCopy *place)
{
   const uint32_t value = (uint32_t)next_random(&w->random);
   vkCmdFillBuffer(w->commands, mirror->area.buffer, place->dstOffset, place->size, value);
   gpu_barrier(w);
   for (VkDeviceSize i = 0; i < place->size; i += 4)
      memcpy(mirror->model + place->dstOffset + i, &value, 4);
}

/* In the first `end` bytes. */
static void gpu_write(struct worker *w, struct mirror *mirror, uint32_t end)
{
   gpu_begin(w);
   for (unsigned i = 1 + below(&w->random, MAX_WRITES); i > 0; i--) {
      const VkBufferCopy place = random_words(w, end);
      gpu_fill(w, mirror, &place);
   }
   gpu_submit(w);
}

/* What is mapped begins anywhere. */
static uint32_t map_from_somewhere(struct worker *w, struct mirror *mirror)
{
   const uint32_t offset = one_in(&w->random, 2) ? 0 : below(&w->random, SIZE);
   MUST(w->world,
        vkMapMemory(w->world->device, mirror->area.memory, offset, SIZE - offset, 0, (void **)&mirror->area.map));
   return offset;
}

static void host_part(struct worker *w, struct mirror *mirror)
{
   const uint32_t offset = map_from_somewhere(w, mirror);
   compare(w, "a memory mapped again", mirror->model + offset, mirror->area.map, SIZE - offset, offset);
   for (unsigned i = below(&w->random, 4); i > 0; i--) {
      const uint32_t first = below(&w->random, SIZE - offset), size = 1 + below(&w->random, SIZE - offset - first);
      host_change(w, mirror->area.map + first, mirror->model + offset + first, size);
   }
   area_unmap(w->world, &mirror->area);
}

static void remap_round(struct worker *w)
{
   struct mirror *mirror = w->part_state;
   const bool meanwhile = one_in(&w->random, 2);
   const uint32_t end = meanwhile ? 4 + below(&w->random, SIZE - 4) : SIZE;
   host_part(w, mirror);
   gpu_write(w, mirror, end);
   if (meanwhile) { /* the rest is the host's */
      area_map(w->world, &mirror->area);
      mirror_change(w, mirror, end, SIZE - end);
      area_unmap(w->world, &mirror->area);
   }
   gpu_wait(w);
   if (one_in(&w->random, 2)) {
      gpu_recycle(w);
      gpu_write(w, mirror, SIZE); /* with nothing of the host in between */
      gpu_wait(w);
   }
   host_part(w, mirror);
   gpu_recycle(w);
}

static void *remap_create(struct world *world, uint64_t *random)
{
   struct mirror *mirror = must_alloc(sizeof(*mirror));
   mirror_create(world, mirror, SIZE, COPY_USAGE, random);
   area_unmap(world, &mirror->area);
   return mirror;
}

static void remap_destroy(struct world *world, void *part_state)
{
   mirror_destroy(world, part_state);
   free(part_state);
}

const struct part part_remap = {
   .name = "remap",
   .threads = 1,
   .create = remap_create,
   .round = remap_round,
   .destroy = remap_destroy,
};
