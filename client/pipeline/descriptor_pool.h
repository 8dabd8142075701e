/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_DESCRIPTOR_POOL_H
#define VP_CLIENT_PIPELINE_DESCRIPTOR_POOL_H

#include <stdbool.h>

#include "client/link/object.h"
#include "client/pipeline/descriptor_set_layout.h"

struct vp_descriptor_set;

/* Counts what its sets take, to know when an allocation cannot fail. Used by
 * one thread at a time, as Vulkan says. */
struct vp_descriptor_pool {
   struct vp_object base;
   uint32_t max_sets, set_count;
   struct vp_descriptor_counts capacity, used;

   /* Since the creation or the last reset: */
   bool has_freed;                    /* a set was freed */
   bool is_uncertain;                 /* a set has taken nobody knows how much */
   bool is_mixed;                     /* not all sets took the same */
   struct vp_descriptor_counts shape; /* what the first one took */

   struct vp_descriptor_set *sets;
};

/* Whether Vulkan guarantees that the sets can be allocated. */
bool vp_descriptor_pool_is_sure(const struct vp_descriptor_pool *pool, const VkDescriptorSetAllocateInfo *info);

/* Enters an allocated set and takes it out again, without destroying it. */
void vp_descriptor_pool_add(struct vp_descriptor_pool *pool, struct vp_descriptor_set *set);
void vp_descriptor_pool_remove(struct vp_descriptor_pool *pool, struct vp_descriptor_set *set);

#endif
