/* SPDX-License-Identifier: MIT */

/* Takes in what the server has changed: beside others that do so, and never while pages are compared. */

#include <pthread.h>

#include "client/mapping/imported.h"
#include "client/mapping/mapping.h"
#include "client/mapping/mapping_state.h"
#include "common/memory/delta.h"

static void store_import(void *context, size_t offset, const uint8_t *bytes, size_t length)
{
   vp_imported_put(context, offset, bytes, length);
}

static bool apply_to_import(struct vp_mapping *mapping, const uint8_t *data, size_t length)
{
   struct vp_imported_writer writer;
   writer.memory = mapping->pages.view;
   writer.twin = mapping->twin;
   writer.buffer = &mapping->window;
   writer.used = writer.count = 0;
   const bool ok = vp_delta_read(data, length, mapping->size, store_import, &writer);
   vp_imported_flush(&writer);
   return ok;
}

static void begin_applying(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->apply_lock);
   mapping->applying++;
   pthread_mutex_unlock(&mapping->apply_lock);
}

static void end_applying(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->apply_lock);
   mapping->applying--;
   pthread_cond_signal(&mapping->applied); /* one waits at most, with the lock */
   pthread_mutex_unlock(&mapping->apply_lock);
}

void vp_mapping_lock_quiet(struct vp_mapping *mapping)
{
   pthread_mutex_lock(&mapping->lock);
   pthread_mutex_lock(&mapping->apply_lock);
   while (mapping->applying)
      pthread_cond_wait(&mapping->applied, &mapping->apply_lock);
   pthread_mutex_unlock(&mapping->apply_lock);
}

bool vp_mapping_apply(struct vp_mapping *mapping, const uint8_t *data, size_t length)
{
   bool ok = true;
   pthread_mutex_lock(&mapping->lock);
   const bool own = !mapping->closed && !mapping->pages.imported;
   if (own)
      begin_applying(mapping);
   else if (!mapping->closed)
      ok = apply_to_import(mapping, data, length);
   pthread_mutex_unlock(&mapping->lock);
   if (!own)
      return ok;
   ok = vp_delta_apply(data, length, mapping->pages.alias, mapping->twin, mapping->size);
   end_applying(mapping);
   return ok;
}
