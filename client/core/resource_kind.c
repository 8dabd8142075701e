/* SPDX-License-Identifier: MIT */

/* A hash table whose keys are encoded create-infos. Entries are only added, and freed with the device. */

#include "client/core/resource_kind.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 256

bool vp_resource_kinds_init(struct vp_resource_kinds *kinds)
{
   pthread_mutex_init(&kinds->lock, NULL);
   kinds->buckets = calloc(BUCKETS, sizeof(struct vp_resource_kind *));
   return kinds->buckets != NULL;
}

void vp_resource_kinds_finish(struct vp_resource_kinds *kinds)
{
   for (size_t i = 0; kinds->buckets && i < BUCKETS; i++) {
      for (struct vp_resource_kind *kind = kinds->buckets[i]; kind;) {
         struct vp_resource_kind *next = kind->next;
         free(kind->places);
         free(kind);
         kind = next;
      }
   }
   free(kinds->buckets);
   pthread_mutex_destroy(&kinds->lock);
}

static uint32_t hash_bytes(const uint8_t *data, size_t size)
{
   uint32_t hash = 2166136261u;
   for (size_t i = 0; i < size; i++)
      hash = (hash ^ data[i]) * 16777619u;
   return hash ^ hash >> 16;
}

struct vp_resource_kind *vp_resource_kind_get(struct vp_resource_kinds *kinds, const struct vp_encoder *request)
{
   const size_t size = vp_encoder_size(request);
   if (request->failed)
      return NULL;
   pthread_mutex_lock(&kinds->lock);
   struct vp_resource_kind **bucket = &kinds->buckets[hash_bytes(request->start, size) % BUCKETS];
   struct vp_resource_kind *kind = *bucket;
   while (kind && (kind->size != size || memcmp(kind->request, request->start, size) != 0))
      kind = kind->next;
   if (!kind) {
      kind = calloc(1, sizeof(*kind) + size);
      if (kind) {
         kind->size = size;
         memcpy(kind->request, request->start, size);
         kind->next = *bucket;
         *bucket = kind;
      }
   }
   pthread_mutex_unlock(&kinds->lock);
   return kind;
}
