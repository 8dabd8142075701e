/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_RESOURCE_KIND_H
#define VP_CLIENT_CORE_RESOURCE_KIND_H

#include <pthread.h>
#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "common/wire/encoder.h"

/* Images and buffers that were created alike can all be created, and have the same requirements: asked of the first,
 * answered for the others. So it is with set layouts for descriptor buffers and the places of their bindings. */
struct vp_resource_kind {
   struct vp_resource_kind *next;
   bool made; /* the server could create one */
   /* For the whole resource, and for each plane of a disjoint image. */
   struct {
      bool known;
      VkMemoryRequirements requirements;
      VkMemoryDedicatedRequirements dedicated;
   } answers[4];
   VkDeviceSize *places; /* of descriptor set layouts: see client/pipeline/descriptor_buffer.c. NULL: not known yet */
   size_t size;
   uint8_t request[]; /* the encoded creation */
};

struct vp_resource_kinds {
   pthread_mutex_t lock;
   struct vp_resource_kind **buckets;
};

bool vp_resource_kinds_init(struct vp_resource_kinds *kinds);
void vp_resource_kinds_finish(struct vp_resource_kinds *kinds);

/* The kind with that encoded creation; made if it is new. NULL without memory.
 * Kinds live as long as the device. */
struct vp_resource_kind *vp_resource_kind_get(struct vp_resource_kinds *kinds, const struct vp_encoder *request);

#endif
