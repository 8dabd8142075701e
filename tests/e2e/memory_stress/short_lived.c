/* SPDX-License-Identifier: MIT */
/* Memory that lives for a moment: mapped before the GPU writes to it, while it does, or for the first time afterwards,
 * and freed while it is mapped. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

static void fill(struct worker *w, struct area *area, uint8_t *model, uint32_t size)
{
   area_map(w->world, area);
   random_bytes(&w->random, model, size);
   host_store(w, area->map, model, size);
}

static void short_lived_round(struct worker *w)
{
   struct world *world = w->world;
   const uint32_t size = 1 + below(&w->random, one_in(&w->random, 2) ? 300 : 300000);
   const uint32_t part = 1 + below(&w->random, size), at = below(&w->random, size - part + 1);
   const bool early = one_in(&w->random, 2);
   uint8_t *model = must_alloc(size), *source_model = must_alloc(size);
   struct area area, source;

   area_create(world, &area, size, COPY_USAGE, true);
   area_create(world, &source, size, COPY_USAGE, true);
   fill(w, &source, source_model, size);
   if (early)
      fill(w, &area, model, size);
   gpu_begin(w);
   if (!early)
      gpu_copy(w, source.buffer, 0, area.buffer, 0, size);
   gpu_copy(w, source.buffer, at, area.buffer, at, part);
   gpu_submit(w);
   memcpy(model + (early ? at : 0), source_model + (early ? at : 0), early ? part : size);
   if (!early && one_in(&w->random, 2))
      area_map(world, &area); /* while the GPU is at it */
   gpu_wait(w);
   if (!area.map)
      area_map(world, &area);
   compare(w, "a short-lived memory", model, area.map, size, 0);
   gpu_recycle(w);
   area_destroy(world, &source);
   area_destroy(world, &area);
   free(source_model);
   free(model);
}

/* There is nothing that lasts. */
static void *short_lived_create(struct world *world, uint64_t *random)
{
   (void)world, (void)random;
   return NULL;
}

static void short_lived_destroy(struct world *world, void *part_state)
{
   (void)world, (void)part_state;
}

const struct part part_short_lived = {
   .name = "short-lived",
   .threads = 1,
   .create = short_lived_create,
   .round = short_lived_round,
   .destroy = short_lived_destroy,
};
