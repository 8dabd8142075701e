/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_DESCRIPTOR_SET_H
#define VP_SERVER_PIPELINE_DESCRIPTOR_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/core/context.h"

struct vps_memory;
struct vps_object;
struct vps_writes;

/* Which memory shaders can write to through descriptors. Only what the host may look at counts: storage buffers and
 * storage texel buffers in host-visible memory, and those of which it is not known where they are. Images are followed
 * as a class. All of this is the executing thread's; threads that replay recordings look at it, and push. */

/* More of them are not told apart in one set. */
#define VPS_MAX_DESCRIPTORS 1024u

/* Descriptors of a set are numbered through all bindings, so that what runs over the end of one goes on in the next. */
struct vps_layout_binding {
   uint32_t number, first, count;
   uint32_t first_dynamic; /* among the set's dynamic offsets, if it has some */
   bool dynamic;
   VkDescriptorType type;
};

/* The state of a VkDescriptorSetLayout. */
struct vps_set_layout {
   atomic_uint refs; /* recordings that push descriptors have some, too */
   bool late;        /* what it holds counts when it is submitted, not when it is bound */
   VkDescriptorSetLayoutCreateFlags flags;
   uint32_t dynamic_count; /* dynamic offsets that a set takes */
   uint32_t binding_count;
   struct vps_layout_binding bindings[]; /* in the order of their numbers */
};

/* A storage buffer or storage texel buffer. */
struct vps_descriptor {
   uint32_t index;
   bool dynamic, texels;
   struct vps_memory *memory; /* held; NULL: not known */
   VkDeviceSize start, end;
};

/* The state of a VkDescriptorSet, and what was pushed. Starts zeroed but for the layout. */
struct vps_descriptor_set {
   struct vps_set_layout *layout; /* held; NULL: not known */
   bool full;                     /* there are more than could be kept */
   unsigned count, capacity;
   struct vps_descriptor *descriptors; /* in the order of their indices */
};

/* Gives a new set its state. */
void vps_descriptor_set_init(struct vps_object *object, const struct vps_object *layout);

void vps_descriptor_set_finish(struct vps_descriptor_set *set);

/* Takes `layout` (may be NULL) over as that of what is pushed from now on. */
void vps_descriptor_set_relayout(struct vps_descriptor_set *set, struct vps_set_layout *layout);

/* Writes to a set. `at` is a place in ctx->used, from where on the writes' objects are found; moved behind them. */
void vps_descriptor_set_write(const struct vps_context *ctx, struct vps_descriptor_set *set,
                              const VkWriteDescriptorSet *write, unsigned *at);

/* The state of a VkPipelineLayout: the layouts of its sets, where they are known. */
struct vps_pipeline_layout {
   uint32_t push_end; /* of its push constants, in bytes */
   uint32_t count;
   struct vps_set_layout *sets[];
};

/* The layout of a set in a VkPipelineLayout; NULL: not known. */
struct vps_set_layout *vps_pipeline_layout_find(const struct vps_object *pipeline_layout, uint32_t set);

/* Whether each stage has a set of its own under the same number (VK_DESCRIPTOR_SET_LAYOUT_CREATE_PER_STAGE_BIT_NV,
 * which older headers do not have). */
static inline bool vps_set_layout_is_by_stage(const struct vps_set_layout *layout)
{
   return layout->flags & 0x40u;
}

/* The binding with a number, or NULL. The first looks among all of them; most are numbered without gaps. */
const struct vps_layout_binding *vps_set_layout_search(const struct vps_set_layout *layout, uint32_t number);

static inline const struct vps_layout_binding *vps_set_layout_find(const struct vps_set_layout *layout, uint32_t number)
{
   const bool in_place = number < layout->binding_count && layout->bindings[number].number == number;
   return in_place ? &layout->bindings[number] : vps_set_layout_search(layout, number);
}

/* The next used object of a type from there on, or NULL; *at is moved behind it. */
static inline struct vps_object *vps_next_used(const struct vps_context *ctx, unsigned *at, int32_t type)
{
   while (*at < ctx->used_count) {
      struct vps_object *object = ctx->used[(*at)++];
      if (object->type == type)
         return object;
   }
   return NULL;
}

#endif
