/* SPDX-License-Identifier: MIT */

/* Life of a mapping, and what others note of it: whether it is writable, stale or closed, its place in the stream. */

#include "client/mapping/mapping.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client/mapping/imported.h"
#include "client/mapping/in_flight.h"
#include "client/mapping/mapping_state.h"
#include "client/mapping/pins.h"
#include "client/mapping/tracker.h"

/* One page more: with a distance of a power of two, bytes of memory and twin would fight for the same lines of the
 * processor's cache. */
static size_t twin_size(const struct vp_mapping *mapping)
{
   return mapping->pages.size + VP_PAGE_SIZE;
}

static void finish(struct vp_mapping *mapping)
{
   if (mapping->pages.view) {
      vp_mapping_fork_remove(&mapping->fork);
      vp_watch_stop(&mapping->watch);
      vp_private_pages_destroy(mapping->twin, twin_size(mapping));
      vp_private_pages_destroy(mapping->changed, mapping->pages.size / VP_PAGE_SIZE);
   }
   vp_pages_destroy(&mapping->window);
   free(mapping->chunks);
   vp_pages_destroy(&mapping->pages);
   pthread_mutex_destroy(&mapping->lock);
   pthread_cond_destroy(&mapping->applied);
   pthread_mutex_destroy(&mapping->apply_lock);
   free(mapping);
}

void vp_mapping_prepare(void)
{
   vp_pages_prepare();
   vp_pins_prepare();
   vp_in_flight_prepare();
   vp_tracker_get();
}

static struct vp_mapping *create_mapping(uint64_t id, size_t size, void *import)
{
   vp_mapping_prepare();
   struct vp_mapping *mapping = calloc(1, sizeof(*mapping));
   if (!mapping)
      return NULL;
   pthread_mutex_init(&mapping->lock, NULL);
   pthread_mutex_init(&mapping->apply_lock, NULL);
   pthread_cond_init(&mapping->applied, NULL);
   atomic_init(&mapping->refs, 1);
   atomic_init(&mapping->place, VP_NO_PLACE);
   mapping->id = id;
   mapping->size = size;
   mapping->unsure = VP_NO_CHUNK;
   if (import)
      vp_pages_import(&mapping->pages, import, size);
   else if (!vp_pages_create(&mapping->pages, size))
      goto fail;
   vp_mapping_fork_add(&mapping->fork, &mapping->pages);
   mapping->chunk_count = (mapping->pages.size + VP_CHUNK_SIZE - 1) / VP_CHUNK_SIZE;
   mapping->chunks = calloc(mapping->chunk_count, sizeof(*mapping->chunks));
   mapping->twin = vp_private_pages_create(twin_size(mapping));
   mapping->changed = vp_private_pages_create(mapping->pages.size / VP_PAGE_SIZE);
   if (!mapping->chunks || !mapping->twin || !mapping->changed ||
       (import && !vp_pages_create(&mapping->window, VP_IMPORTED_BUFFER)))
      goto fail;
   vp_watch_start(&mapping->watch, vp_tracker_get(), &mapping->pages);
   return mapping;
fail:
   finish(mapping);
   return NULL;
}

struct vp_mapping *vp_mapping_create(uint64_t id, size_t size)
{
   return create_mapping(id, size, NULL);
}

struct vp_mapping *vp_mapping_import(uint64_t id, void *memory, size_t size)
{
   return create_mapping(id, size, memory);
}

struct vp_mapping *vp_mapping_ref(struct vp_mapping *mapping)
{
   atomic_fetch_add(&mapping->refs, 1);
   return mapping;
}

void vp_mapping_unref(struct vp_mapping *mapping)
{
   if (mapping && atomic_fetch_sub(&mapping->refs, 1) == 1)
      finish(mapping);
}

uint64_t vp_mapping_id(const struct vp_mapping *mapping)
{
   return mapping->id;
}

uint8_t *vp_mapping_pointer(const struct vp_mapping *mapping)
{
   return mapping->pages.view;
}

/* Nothing is armed at the new place, so all that was ever written is compared once. */
bool vp_mapping_move(struct vp_mapping *mapping, void *address, bool reserve)
{
   pthread_mutex_lock(&mapping->lock);
   vp_mapping_fork_remove(&mapping->fork);
   vp_watch_stop(&mapping->watch);
   const bool ok = vp_pages_move_view(&mapping->pages, address, reserve);
   vp_watch_start(&mapping->watch, vp_tracker_get(), &mapping->pages);
   mapping->unsure = VP_NO_CHUNK;
   for (size_t i = 0; i < mapping->chunk_count; i++) {
      mapping->chunks[i].armed = mapping->chunks[i].resting = false;
      memset(mapping->chunks[i].open, 0, sizeof(mapping->chunks[i].open));
      memset(mapping->chunks[i].closing, 0, sizeof(mapping->chunks[i].closing));
   }
   vp_mapping_fork_add(&mapping->fork, &mapping->pages);
   pthread_mutex_unlock(&mapping->lock);
   return ok;
}

void vp_mapping_set_writable(struct vp_mapping *mapping, bool writable)
{
   pthread_mutex_lock(&mapping->lock);
   mapping->writable = writable;
   if (writable)
      mapping->maybe_changed = true;
   pthread_mutex_unlock(&mapping->lock);
}

bool vp_mapping_is_writable(struct vp_mapping *mapping)
{
   return mapping->writable;
}

bool vp_mapping_set_stale(struct vp_mapping *mapping, bool stale)
{
   pthread_mutex_lock(&mapping->lock);
   mapping->stale = stale;
   const bool writable = mapping->writable;
   pthread_mutex_unlock(&mapping->lock);
   return writable;
}

bool vp_mapping_is_stale(struct vp_mapping *mapping)
{
   return mapping->stale;
}

void vp_mapping_set_place(struct vp_mapping *mapping, uint64_t place)
{
   uint64_t none = VP_NO_PLACE;
   atomic_compare_exchange_strong(&mapping->place, &none, place);
}

uint64_t vp_mapping_place(struct vp_mapping *mapping)
{
   return mapping->place;
}

void vp_mapping_set_batch(struct vp_mapping *mapping, uint64_t batch)
{
   mapping->batch = batch;
}

uint64_t vp_mapping_batch(const struct vp_mapping *mapping)
{
   return mapping->batch;
}

/* Memory of the application's may vanish right after. */
void vp_mapping_close(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->lock);
   mapping->closed = true;
   vp_watch_stop(&mapping->watch);
   pthread_mutex_unlock(&mapping->lock);
}

bool vp_mapping_is_closed(const struct vp_mapping *mapping)
{
   return mapping->closed;
}
