/* SPDX-License-Identifier: MIT */

/* A device's list of mappings. */

#include "client/memory/mapping_list.h"

#include <pthread.h>
#include <stdlib.h>

#include "client/core/device.h"
#include "client/mapping/mapping.h"

bool vp_mapping_list_add(struct vp_device *device, struct vp_mapping *mapping)
{
   bool ok = true;
   pthread_mutex_lock(&device->memory_lock);
   if (device->mapping_count == device->mapping_capacity) {
      const size_t capacity = device->mapping_capacity ? device->mapping_capacity * 2 : 16;
      struct vp_mapping **mappings = realloc(device->mappings, capacity * sizeof(struct vp_mapping *));
      ok = mappings != NULL;
      if (ok) {
         device->mappings = mappings;
         device->mapping_capacity = capacity;
      }
   }
   if (ok)
      device->mappings[device->mapping_count++] = vp_mapping_ref(mapping);
   pthread_mutex_unlock(&device->memory_lock);
   return ok;
}

void vp_mapping_list_remove(struct vp_device *device, struct vp_mapping *mapping)
{
   bool found = false;
   pthread_mutex_lock(&device->memory_lock);
   for (size_t i = 0; i < device->mapping_count && !found; i++) {
      found = device->mappings[i] == mapping;
      if (found)
         device->mappings[i] = device->mappings[--device->mapping_count];
   }
   pthread_mutex_unlock(&device->memory_lock);
   if (found)
      vp_mapping_unref(mapping);
}

struct vp_mapping *vp_mapping_list_next(struct vp_device *device, size_t *at, bool due)
{
   struct vp_mapping *mapping = NULL;
   pthread_mutex_lock(&device->memory_lock);
   if (*at > device->mapping_count)
      *at = device->mapping_count;
   while (*at && !mapping) {
      struct vp_mapping *next = device->mappings[--*at];
      mapping = !due || vp_mapping_is_due(next) ? vp_mapping_ref(next) : NULL;
   }
   pthread_mutex_unlock(&device->memory_lock);
   return mapping;
}
