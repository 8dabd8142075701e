/* SPDX-License-Identifier: MIT */

/* Numbers the descriptors of a layout through which shaders may write to buffers, and keeps in each set a sorted list
 * of those that name memory which counts. */

#include "server/pipeline/descriptor_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/memory/buffer.h"
#include "server/memory/memory.h"
#include "server/memory/writes.h"

#define FIRST_CAPACITY 4u

/* --- layouts --- */

static void unref_layout(void *state)
{
   struct vps_set_layout *layout = state;

   if (layout && atomic_fetch_sub(&layout->refs, 1) == 1)
      free(layout);
}

static struct vps_set_layout *ref_layout(struct vps_set_layout *layout)
{
   if (layout)
      atomic_fetch_add(&layout->refs, 1);
   return layout;
}

static bool is_dynamic(VkDescriptorType type)
{
   return type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC || type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC;
}

/* Whether shaders may write to a buffer through it. */
static bool is_storage(VkDescriptorType type)
{
   return type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER || type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC ||
          type == VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
}

static bool is_late(const VkDescriptorSetLayoutCreateInfo *info)
{
   const VkDescriptorSetLayoutBindingFlagsCreateInfo *flags =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO);

   for (uint32_t i = 0; flags && flags->pBindingFlags && i < flags->bindingCount; i++) {
      if (flags->pBindingFlags[i] & VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT)
         return true;
   }
   return false;
}

static int compare_bindings(const void *a, const void *b)
{
   const struct vps_layout_binding *x = a, *y = b;
   return x->number < y->number ? -1 : x->number > y->number;
}

/* False when there are more descriptors than can be numbered. */
static bool number_bindings(struct vps_set_layout *layout)
{
   for (uint32_t i = 0; i < layout->binding_count; i++) {
      struct vps_layout_binding *binding = &layout->bindings[i], *previous = binding - 1;
      if (i > 0 && __builtin_add_overflow(previous->first, previous->count, &binding->first))
         return false;
      binding->first_dynamic = layout->dynamic_count;
      if (binding->dynamic && __builtin_add_overflow(layout->dynamic_count, binding->count, &layout->dynamic_count))
         return false;
   }
   return true;
}

void vps_observe_vkCreateDescriptorSetLayout(struct vps_context *ctx,
                                             const struct vp_cmd_vkCreateDescriptorSetLayout *a)
{
   const VkDescriptorSetLayoutCreateInfo *info = a->pCreateInfo;
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pSetLayout);
   const uint32_t count = info->pBindings ? info->bindingCount : 0;

   if (!object || object->poison)
      return;
   struct vps_set_layout *layout = calloc(1, sizeof(*layout) + count * sizeof(layout->bindings[0]));
   if (!layout)
      return;
   atomic_init(&layout->refs, 1);
   layout->late = is_late(info);
   layout->flags = info->flags;
   layout->binding_count = count;
   for (uint32_t i = 0; i < count; i++) {
      layout->bindings[i] = (struct vps_layout_binding){
         .number = info->pBindings[i].binding,
         .count = info->pBindings[i].descriptorCount,
         .dynamic = is_dynamic(info->pBindings[i].descriptorType),
         .type = info->pBindings[i].descriptorType,
      };
   }
   qsort(layout->bindings, count, sizeof(layout->bindings[0]), compare_bindings);
   if (!number_bindings(layout)) {
      free(layout);
      return;
   }
   object->state = layout;
   object->release = unref_layout;
}

const struct vps_layout_binding *vps_set_layout_search(const struct vps_set_layout *layout, uint32_t number)
{
   const struct vps_layout_binding wanted = {.number = number};

   return bsearch(&wanted, layout->bindings, layout->binding_count, sizeof(wanted), compare_bindings);
}

static void release_pipeline_layout(void *state)
{
   struct vps_pipeline_layout *layout = state;

   for (uint32_t i = 0; i < layout->count; i++)
      unref_layout(layout->sets[i]);
   free(layout);
}

void vps_observe_vkCreatePipelineLayout(struct vps_context *ctx, const struct vp_cmd_vkCreatePipelineLayout *a)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pPipelineLayout);
   const VkPipelineLayoutCreateInfo *info = a->pCreateInfo;
   const uint32_t count = info->pSetLayouts ? info->setLayoutCount : 0;
   unsigned at = 0;

   if (!object || object->poison)
      return;
   struct vps_pipeline_layout *layout = calloc(1, sizeof(*layout) + count * sizeof(struct vps_set_layout *));
   if (!layout)
      return;
   layout->count = count;
   for (uint32_t i = 0; info->pPushConstantRanges && i < info->pushConstantRangeCount; i++) {
      const uint32_t end = info->pPushConstantRanges[i].offset + info->pPushConstantRanges[i].size;
      layout->push_end = end > layout->push_end ? end : layout->push_end;
   }
   for (uint32_t i = 0; i < count; i++) {
      const struct vps_object *set =
         info->pSetLayouts[i] ? vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT) : NULL;
      layout->sets[i] = set ? ref_layout(set->state) : NULL;
   }
   object->state = layout;
   object->release = release_pipeline_layout;
}

struct vps_set_layout *vps_pipeline_layout_find(const struct vps_object *pipeline_layout, uint32_t set)
{
   const struct vps_pipeline_layout *layout = pipeline_layout->state;
   return layout && set < layout->count ? layout->sets[set] : NULL;
}

/* --- what a set holds --- */

static void drop_descriptors(struct vps_descriptor_set *set)
{
   for (unsigned i = 0; i < set->count; i++)
      vps_memory_unref(set->descriptors[i].memory);
   set->count = 0;
}

void vps_descriptor_set_finish(struct vps_descriptor_set *set)
{
   drop_descriptors(set);
   unref_layout(set->layout);
   free(set->descriptors);
   *set = (struct vps_descriptor_set){0};
}

static void release_set(void *state)
{
   vps_descriptor_set_finish(state);
   free(state);
}

void vps_descriptor_set_init(struct vps_object *object, const struct vps_object *layout)
{
   struct vps_descriptor_set *set = calloc(1, sizeof(*set));
   if (!set)
      return;
   set->layout = layout ? ref_layout(layout->state) : NULL;
   object->state = set;
   object->release = release_set;
}

static bool is_same_layout(const struct vps_set_layout *a, const struct vps_set_layout *b)
{
   if (!a || !b || a->binding_count != b->binding_count)
      return a == b;
   for (uint32_t i = 0; i < a->binding_count; i++) {
      if (a->bindings[i].number != b->bindings[i].number || a->bindings[i].count != b->bindings[i].count)
         return false;
   }
   return true;
}

void vps_descriptor_set_relayout(struct vps_descriptor_set *set, struct vps_set_layout *layout)
{
   if (set->layout == layout)
      return;
   if (!is_same_layout(set->layout, layout)) { /* what was pushed before is not there any more */
      drop_descriptors(set);
      set->full = false;
   }
   ref_layout(layout);
   unref_layout(set->layout);
   set->layout = layout;
}

/* The first descriptor that is not before an index. */
static unsigned descriptor_set_find(const struct vps_descriptor_set *set, uint32_t index)
{
   unsigned low = 0, high = set->count;

   while (low < high) {
      const unsigned middle = (low + high) / 2;
      if (set->descriptors[middle].index < index)
         low = middle + 1;
      else
         high = middle;
   }
   return low;
}

/* They are overwritten with something that does not count. */
static void clear(struct vps_descriptor_set *set, uint32_t index, uint32_t count)
{
   const unsigned first = descriptor_set_find(set, index);
   unsigned end = first;

   while (end < set->count && set->descriptors[end].index - index < count)
      vps_memory_unref(set->descriptors[end++].memory);
   if (end == first)
      return;
   memmove(set->descriptors + first, set->descriptors + end, (set->count - end) * sizeof(*set->descriptors));
   set->count -= end - first;
}

static bool make_room_for_bindings(struct vps_descriptor_set *set)
{
   if (set->count < set->capacity)
      return true;
   const unsigned wanted = set->capacity ? set->capacity * 2 : FIRST_CAPACITY;
   struct vps_descriptor *grown =
      wanted <= VPS_MAX_DESCRIPTORS ? realloc(set->descriptors, wanted * sizeof(*grown)) : NULL;
   if (!grown)
      return false;
   set->descriptors = grown;
   set->capacity = wanted;
   return true;
}

/* Holds the descriptor's memory. */
static void descriptor_set_put(struct vps_descriptor_set *set, const struct vps_descriptor *descriptor)
{
   const unsigned at = descriptor_set_find(set, descriptor->index);
   const bool replaces = at < set->count && set->descriptors[at].index == descriptor->index;

   if (set->full)
      return;
   if (replaces && set->descriptors[at].memory == descriptor->memory) {
      set->descriptors[at] = *descriptor;
      return;
   }
   if (descriptor->memory)
      vps_memory_ref(descriptor->memory);
   if (replaces) {
      vps_memory_unref(set->descriptors[at].memory);
      set->descriptors[at] = *descriptor;
      return;
   }
   if (!make_room_for_bindings(set)) {
      vps_memory_unref(descriptor->memory);
      drop_descriptors(set);
      set->full = true;
      return;
   }
   memmove(set->descriptors + at + 1, set->descriptors + at, (set->count - at) * sizeof(*set->descriptors));
   set->descriptors[at] = *descriptor;
   set->count++;
}

/* --- writes and copies --- */

/* Whether a descriptor of a part of a buffer counts; says then where that is. */
static inline bool describe(struct vps_descriptor *descriptor, const struct vps_buffer *buffer, VkDeviceSize offset,
                            VkDeviceSize range)
{
   descriptor->memory = buffer ? buffer->memory : NULL;
   if (!descriptor->memory)
      return true;
   if (!descriptor->memory->visible || offset >= buffer->size)
      return false;
   descriptor->start = buffer->offset + offset;
   descriptor->end = buffer->offset + (range < buffer->size - offset ? offset + range : buffer->size);
   return true;
}

/* The state of a VkBufferView that counts. */
struct buffer_view {
   struct vps_memory *memory; /* held; NULL: not known */
   VkDeviceSize start, end;
};

static void release_view(void *state)
{
   struct buffer_view *view = state;

   vps_memory_unref(view->memory);
   free(view);
}

void vps_observe_vkCreateBufferView(struct vps_context *ctx, const struct vp_cmd_vkCreateBufferView *a)
{
   const struct vps_object *buffer = vps_used(ctx, VK_OBJECT_TYPE_BUFFER);
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pView);
   struct vps_descriptor descriptor = {.memory = NULL};

   if (!object || object->poison ||
       !describe(&descriptor, buffer ? buffer->state : NULL, a->pCreateInfo->offset, a->pCreateInfo->range))
      return;
   struct buffer_view *view = calloc(1, sizeof(*view));
   if (!view) {
      vps_fail(ctx, "the server is out of memory");
      return;
   }
   view->memory = descriptor.memory ? vps_memory_ref(descriptor.memory) : NULL;
   view->start = descriptor.start;
   view->end = descriptor.end;
   object->state = view;
   object->release = release_view;
}

static bool describe_view(struct vps_descriptor *descriptor, const struct vps_object *object)
{
   const struct buffer_view *view = object->state;

   if (!view)
      return false;
   descriptor->memory = view->memory;
   descriptor->start = view->start;
   descriptor->end = view->end;
   return true;
}

static inline bool find_index(const struct vps_descriptor_set *set, uint32_t number, uint32_t element, uint32_t count,
                              uint32_t *index)
{
   const struct vps_layout_binding *binding = set->layout ? vps_set_layout_find(set->layout, number) : NULL;
   uint32_t end;

   return binding && !__builtin_add_overflow(binding->first, element, index) &&
          !__builtin_add_overflow(*index, count, &end);
}

/* The set's descriptor number `index` is this one from now on, if it counts. */
static inline void set_descriptor(struct vps_descriptor_set *set, uint32_t index, bool counts,
                                  struct vps_descriptor *descriptor)
{
   descriptor->index = index;
   if (counts)
      descriptor_set_put(set, descriptor);
   else if (set->count)
      clear(set, index, 1);
}

/* `set` is NULL when the write does not fit; the objects are taken all the same. */
static void write_buffers(const struct vps_context *ctx, struct vps_descriptor_set *set, uint32_t first,
                          const VkWriteDescriptorSet *write, unsigned *at)
{
   const bool storage = is_storage(write->descriptorType), dynamic = is_dynamic(write->descriptorType);

   for (uint32_t i = 0; i < write->descriptorCount; i++) {
      const VkDescriptorBufferInfo *info = &write->pBufferInfo[i];
      const struct vps_object *buffer = info->buffer ? vps_next_used(ctx, at, VK_OBJECT_TYPE_BUFFER) : NULL;
      struct vps_descriptor descriptor = {.dynamic = dynamic};
      if (set)
         set_descriptor(set, first + i,
                        storage && buffer && describe(&descriptor, buffer->state, info->offset, info->range),
                        &descriptor);
   }
}

static void write_views(const struct vps_context *ctx, struct vps_descriptor_set *set, uint32_t first,
                        const VkWriteDescriptorSet *write, unsigned *at)
{
   const bool storage = is_storage(write->descriptorType);

   for (uint32_t i = 0; i < write->descriptorCount; i++) {
      const struct vps_object *view =
         write->pTexelBufferView[i] ? vps_next_used(ctx, at, VK_OBJECT_TYPE_BUFFER_VIEW) : NULL;
      struct vps_descriptor descriptor = {.texels = true};
      if (set)
         set_descriptor(set, first + i, storage && view && describe_view(&descriptor, view), &descriptor);
   }
}

void vps_descriptor_set_write(const struct vps_context *ctx, struct vps_descriptor_set *set,
                              const VkWriteDescriptorSet *write, unsigned *at)
{
   const bool texels = write->descriptorType == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER ||
                       write->descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
   uint32_t first = 0;

   if (set && !find_index(set, write->dstBinding, write->dstArrayElement, write->descriptorCount, &first))
      set = NULL;
   if (write->pTexelBufferView && texels)
      write_views(ctx, set, first, write, at);
   else if (write->pBufferInfo && !texels)
      write_buffers(ctx, set, first, write, at);
   else if (set && set->count)
      clear(set, first, write->descriptorCount);
}

static void copy_descriptors(struct vps_descriptor_set *target, const struct vps_descriptor_set *source,
                             const VkCopyDescriptorSet *info)
{
   const uint32_t count = info->descriptorCount;
   uint32_t from, to;

   if (!find_index(source, info->srcBinding, info->srcArrayElement, count, &from) ||
       !find_index(target, info->dstBinding, info->dstArrayElement, count, &to))
      return;
   clear(target, to, count);
   target->full = target->full || source->full;
   for (uint32_t done = 0; done < count;) {
      const unsigned next = descriptor_set_find(source, from + done); /* anew: it may be the same set, which changes */
      if (next == source->count || source->descriptors[next].index - from >= count)
         break;
      struct vps_descriptor descriptor = source->descriptors[next];
      done = descriptor.index - from + 1;
      descriptor.index = to + done - 1;
      descriptor_set_put(target, &descriptor);
   }
}

void vps_observe_vkUpdateDescriptorSets(struct vps_context *ctx, const struct vp_cmd_vkUpdateDescriptorSets *a)
{
   unsigned at = 0;

   for (uint32_t i = 0; i < a->descriptorWriteCount; i++) {
      const struct vps_object *set = vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET);
      vps_descriptor_set_write(ctx, set ? set->state : NULL, &a->pDescriptorWrites[i], &at);
   }
   for (uint32_t i = 0; i < a->descriptorCopyCount; i++) {
      const struct vps_object *source = vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET),
                              *target = vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET);
      if (source && source->state && target && target->state)
         copy_descriptors(target->state, source->state, &a->pDescriptorCopies[i]);
   }
}
