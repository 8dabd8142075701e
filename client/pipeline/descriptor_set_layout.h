/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_DESCRIPTOR_SET_LAYOUT_H
#define VP_CLIENT_PIPELINE_DESCRIPTOR_SET_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "client/link/object.h"

struct vp_device;
struct vp_resource_kind;

/* What pools hold and sets take from them: the types of Vulkan 1.0 by their
 * value, then these. */
enum {
   VP_DESCRIPTOR_INLINE_BYTES = VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT + 1,
   VP_DESCRIPTOR_INLINE_BLOCKS,
   VP_DESCRIPTOR_ACCELERATION_STRUCTURE,
   VP_DESCRIPTOR_KIND_COUNT,
};

struct vp_descriptor_counts {
   uint64_t of[VP_DESCRIPTOR_KIND_COUNT];
};

/* Adds descriptors of a type (of inline uniform blocks: bytes). False, and
 * nothing added, for a type that is not counted here. */
bool vp_descriptor_counts_add(struct vp_descriptor_counts *counts, VkDescriptorType type, uint32_t n);

struct vp_descriptor_binding {
   uint32_t number, count; /* inline uniform block: bytes */
   VkDescriptorType type;
   bool has_immutable_samplers;
};

/* Sets and pipeline layouts outlive the VkDescriptorSetLayout that they were
 * made with, and so does this for them. Constant after its creation. */
struct vp_descriptor_set_layout {
   struct vp_object base;
   atomic_uint references;
   bool has_immutable_samplers; /* in any binding */
   bool is_countable;           /* `counts` is all that a set takes from a pool, but for its variable binding */
   struct vp_descriptor_counts counts;
   const struct vp_descriptor_binding *variable; /* the binding whose count is up to each set, or NULL */
   struct vp_resource_kind *kind;                /* for descriptor buffers; NULL: it is not, or there was no memory */
   uint32_t binding_count;
   struct vp_descriptor_binding bindings[]; /* the ones that are not empty, by number */
};

/* NULL is fine for both. Thread-safe. */
struct vp_descriptor_set_layout *vp_descriptor_set_layout_ref(struct vp_descriptor_set_layout *layout);
void vp_descriptor_set_layout_unref(struct vp_device *device, struct vp_descriptor_set_layout *layout);

/* The binding with that number; NULL when there is none or it is empty. */
const struct vp_descriptor_binding *vp_descriptor_set_layout_find(const struct vp_descriptor_set_layout *layout,
                                                                  uint32_t number);

#endif
