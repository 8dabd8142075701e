/* SPDX-License-Identifier: MIT */
#include "client/mapping/mapping.h"

#include "client/mapping/pages.h"
#include "common/memory/delta.h"

#include <stdlib.h>

struct vp_mapping {
   size_t size;
   uint8_t *shadow; /* the application's */
   uint8_t *twin;   /* what the server has */
};

struct vp_mapping *vp_mapping_create(size_t size)
{
   struct vp_mapping *mapping = calloc(1, sizeof(*mapping));
   if (!mapping)
      return NULL;
   mapping->size = size;
   mapping->shadow = vp_pages_alloc(size);
   mapping->twin = vp_pages_alloc(size);
   if (mapping->shadow && mapping->twin)
      return mapping;
   vp_mapping_destroy(mapping);
   return NULL;
}

void vp_mapping_destroy(struct vp_mapping *mapping)
{
   if (!mapping)
      return;
   vp_pages_free(mapping->shadow, mapping->size);
   vp_pages_free(mapping->twin, mapping->size);
   free(mapping);
}

uint8_t *vp_mapping_pointer(struct vp_mapping *mapping)
{
   return mapping->shadow;
}

size_t vp_mapping_find_change(const struct vp_mapping *mapping, size_t position)
{
   return vp_delta_find(mapping->shadow, mapping->twin, mapping->size, position);
}

size_t vp_mapping_collect(struct vp_mapping *mapping, struct vp_encoder *enc, size_t *position, size_t limit)
{
   return vp_delta_collect(enc, mapping->shadow, mapping->twin, mapping->size, position, limit);
}

bool vp_mapping_apply(struct vp_mapping *mapping, const uint8_t *data, size_t length)
{
   return vp_delta_apply(data, length, mapping->shadow, mapping->twin, mapping->size);
}
