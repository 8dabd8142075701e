/* SPDX-License-Identifier: MIT */

/* Goes through a write binding by binding, as it may run over the end of one, and says it where it lies if all of it
 * counts; otherwise what counts is copied first. */

#include "client/pipeline/descriptor_write.h"

#include <stdalign.h>
#include <string.h>

#include "client/pipeline/descriptor_set_layout.h"

/* How a descriptor type is given. */
enum form {
   FORM_IMAGE,
   FORM_BUFFER,
   FORM_TEXEL_BUFFER,
   FORM_ACCELERATION_STRUCTURE, /* in the chain; in templates handles */
   FORM_INLINE,                 /* in the chain; in templates bytes */
   FORM_CHAIN,
};

static enum form form_of(VkDescriptorType type)
{
   switch (type) {
   case VK_DESCRIPTOR_TYPE_SAMPLER:
   case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
   case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
   case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
   case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
      return FORM_IMAGE;
   case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
      return FORM_TEXEL_BUFFER;
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC:
      return FORM_BUFFER;
   case VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK:
      return FORM_INLINE;
   case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR:
   case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_NV:
      return FORM_ACCELERATION_STRUCTURE;
   default:
      return FORM_CHAIN;
   }
}

/* Where descriptors come from. */
struct source {
   const uint8_t *data;
   size_t stride;
   size_t size; /* of one; 8 or more, a multiple of TAIL_ALIGNMENT */
   enum form form;
};

/* That of 64-bit handles and of pointers in a struct: 8, or 4 for 32-bit programs on x86. */
#define TAIL_ALIGNMENT alignof(VkDescriptorBufferInfo)

_Static_assert(sizeof(VkDescriptorImageInfo) % TAIL_ALIGNMENT == 0 &&
                  sizeof(VkDescriptorBufferInfo) % TAIL_ALIGNMENT == 0 && sizeof(VkBufferView) == 8 &&
                  sizeof(VkAccelerationStructureKHR) == 8 &&
                  sizeof(VkWriteDescriptorSetAccelerationStructureKHR) % TAIL_ALIGNMENT == 0 &&
                  sizeof(VkWriteDescriptorSetAccelerationStructureNV) ==
                     sizeof(VkWriteDescriptorSetAccelerationStructureKHR) &&
                  sizeof(VkWriteDescriptorSetInlineUniformBlock) % TAIL_ALIGNMENT == 0 &&
                  alignof(VkWriteDescriptorSet) <= TAIL_ALIGNMENT,
               "the tail of a writer's memory stays aligned");

static size_t element_size(enum form form)
{
   if (form == FORM_IMAGE)
      return sizeof(VkDescriptorImageInfo);
   return form == FORM_BUFFER ? sizeof(VkDescriptorBufferInfo) : sizeof(VkBufferView);
}

/* --- memory --- */

void vp_descriptor_writer_init(struct vp_descriptor_writer *writer,
                               void (*say)(void *target, uint32_t count, const VkWriteDescriptorSet *writes),
                               void *target)
{
   writer->say = say;
   writer->target = target;
   writer->count = 0;
   writer->tail = 0;
}

void vp_descriptor_writer_flush(struct vp_descriptor_writer *writer)
{
   if (writer->count)
      writer->say(writer->target, writer->count, writer->memory.writes);
   writer->count = 0;
   writer->tail = 0;
}

/* Makes room for a write that brings `fixed` bytes and up to n elements;
 * returns how many of them it can bring. */
static uint32_t reserve(struct vp_descriptor_writer *writer, size_t fixed, uint32_t n, size_t size)
{
   const size_t all = sizeof(writer->memory), head = sizeof(VkWriteDescriptorSet) + fixed;
   const size_t room = all - writer->count * sizeof(VkWriteDescriptorSet) - writer->tail;
   if (room >= head && (room - head) / size >= n)
      return n;
   vp_descriptor_writer_flush(writer);
   return n <= (all - head) / size ? n : (uint32_t)((all - head) / size);
}

/* The next write, a copy of `head` without what it points to. */
static VkWriteDescriptorSet *next_write(struct vp_descriptor_writer *writer, const VkWriteDescriptorSet *head)
{
   VkWriteDescriptorSet *write = &writer->memory.writes[writer->count++];
   *write = *head;
   write->pNext = NULL;
   write->pImageInfo = NULL;
   write->pBufferInfo = NULL;
   write->pTexelBufferView = NULL;
   return write;
}

static void *take_tail(struct vp_descriptor_writer *writer, size_t size)
{
   writer->tail += size;
   return writer->memory.bytes + sizeof(writer->memory) - writer->tail;
}

static void set_array(VkWriteDescriptorSet *write, enum form form, const void *array)
{
   if (form == FORM_IMAGE)
      write->pImageInfo = array;
   else if (form == FORM_BUFFER)
      write->pBufferInfo = array;
   else
      write->pTexelBufferView = array;
}

/* --- positions in a layout --- */

/* A write that runs over the end of a binding goes on in the next one. */
struct position {
   const struct vp_descriptor_set_layout *layout;
   const struct vp_descriptor_binding *binding; /* NULL: the layout does not have it */
   uint32_t number, element;
};

/* Moves on while the element is in a later binding. */
static void settle(struct position *at)
{
   if (!at->binding)
      return;
   const struct vp_descriptor_binding *last = &at->layout->bindings[at->layout->binding_count - 1];
   for (; at->element >= at->binding->count && at->binding < last; at->binding++)
      at->element -= at->binding->count;
   at->number = at->binding->number;
}

static struct position locate(const struct vp_descriptor_set_layout *layout, const VkWriteDescriptorSet *write)
{
   struct position at = {
      .layout = layout,
      .binding = layout ? vp_descriptor_set_layout_find(layout, write->dstBinding) : NULL,
      .number = write->dstBinding,
      .element = write->dstArrayElement,
   };
   settle(&at);
   return at;
}

/* Up to n descriptors, but no more than the binding has from here on. */
static uint32_t limit_to_binding(const struct position *at, uint32_t n)
{
   if (!at->binding || at->element >= at->binding->count)
      return n;
   const uint32_t rest = at->binding->count - at->element;
   return n < rest ? n : rest;
}

/* --- writes --- */

static bool uses_sampler(VkDescriptorType type)
{
   return type == VK_DESCRIPTOR_TYPE_SAMPLER || type == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
}

static void copy_images(VkDescriptorImageInfo *out, const struct source *source, uint32_t first, uint32_t n,
                        VkDescriptorType type, bool immutable)
{
   const bool sampler = uses_sampler(type) && !immutable, image = type != VK_DESCRIPTOR_TYPE_SAMPLER;
   for (uint32_t i = 0; i < n; i++) {
      VkDescriptorImageInfo in;
      memcpy(&in, source->data + (first + i) * source->stride, sizeof(in));
      out[i].sampler = sampler ? in.sampler : VK_NULL_HANDLE;
      out[i].imageView = image ? in.imageView : VK_NULL_HANDLE;
      out[i].imageLayout = image ? in.imageLayout : VK_IMAGE_LAYOUT_UNDEFINED;
   }
}

static void copy_elements(uint8_t *out, const struct source *source, uint32_t first, uint32_t n)
{
   for (uint32_t i = 0; i < n; i++)
      memcpy(out + i * source->size, source->data + (first + i) * source->stride, source->size);
}

static void chain_acceleration_structures(struct vp_descriptor_writer *writer, VkWriteDescriptorSet *write,
                                          const void *handles)
{
   const bool is_nv = write->descriptorType == VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_NV;
   VkWriteDescriptorSetAccelerationStructureKHR *node = take_tail(writer, sizeof(*node));
   VkWriteDescriptorSetAccelerationStructureNV *node_nv = (void *)node;
   if (is_nv)
      *node_nv = (VkWriteDescriptorSetAccelerationStructureNV){
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_NV,
         .accelerationStructureCount = write->descriptorCount,
         .pAccelerationStructures = handles,
      };
   else
      *node = (VkWriteDescriptorSetAccelerationStructureKHR){
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_KHR,
         .accelerationStructureCount = write->descriptorCount,
         .pAccelerationStructures = handles,
      };
   write->pNext = node;
}

/* Copies the descriptors, one binding after another. */
static void add_copied(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                       const VkWriteDescriptorSet *head, const struct source *source)
{
   const size_t fixed =
      source->form == FORM_ACCELERATION_STRUCTURE ? sizeof(VkWriteDescriptorSetAccelerationStructureKHR) : 0;
   struct position at = locate(layout, head);
   for (uint32_t done = 0; done < head->descriptorCount; settle(&at)) {
      const uint32_t n = reserve(writer, fixed, limit_to_binding(&at, head->descriptorCount - done), source->size);
      VkWriteDescriptorSet *write = next_write(writer, head);
      write->dstBinding = at.number;
      write->dstArrayElement = at.element;
      write->descriptorCount = n;
      void *copy = take_tail(writer, n * source->size);
      if (source->form == FORM_IMAGE)
         copy_images(copy, source, done, n, head->descriptorType, at.binding && at.binding->has_immutable_samplers);
      else
         copy_elements(copy, source, done, n);
      if (source->form == FORM_ACCELERATION_STRUCTURE)
         chain_acceleration_structures(writer, write, copy);
      else
         set_array(write, source->form, copy);
      done += n;
      at.element += n;
   }
}

/* Whether the data can be encoded where it is. */
static bool is_usable_write(const struct vp_descriptor_set_layout *layout, VkDescriptorType type,
                            const struct source *source)
{
   if (source->form == FORM_ACCELERATION_STRUCTURE || source->stride != source->size ||
       (uintptr_t)source->data % alignof(VkDescriptorImageInfo))
      return false;
   return source->form != FORM_IMAGE ||
          (type == VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER && layout && !layout->has_immutable_samplers);
}

static void add_array(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                      const VkWriteDescriptorSet *head, const struct source *source)
{
   if (!is_usable_write(layout, head->descriptorType, source)) {
      add_copied(writer, layout, head, source);
      return;
   }
   reserve(writer, 0, 0, 1);
   set_array(next_write(writer, head), source->form, source->data);
}

void vp_descriptor_writer_add(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                              const VkWriteDescriptorSet *write)
{
   struct source source = {.form = form_of(write->descriptorType)};
   if (!write->descriptorCount)
      return;
   switch (source.form) {
   case FORM_IMAGE:
      source.data = (const uint8_t *)write->pImageInfo;
      break;
   case FORM_BUFFER:
      source.data = (const uint8_t *)write->pBufferInfo;
      break;
   case FORM_TEXEL_BUFFER:
      source.data = (const uint8_t *)write->pTexelBufferView;
      break;
   default:
      reserve(writer, 0, 0, 1);
      next_write(writer, write)->pNext = write->pNext;
      return;
   }
   source.size = source.stride = element_size(source.form);
   add_array(writer, layout, write, &source);
}

static void add_inline(struct vp_descriptor_writer *writer, const VkWriteDescriptorSet *head, const uint8_t *data)
{
   VkWriteDescriptorSetInlineUniformBlock *node;
   reserve(writer, sizeof(*node), 0, 1);
   VkWriteDescriptorSet *write = next_write(writer, head);
   node = take_tail(writer, sizeof(*node));
   *node = (VkWriteDescriptorSetInlineUniformBlock){
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_INLINE_UNIFORM_BLOCK,
      .dataSize = head->descriptorCount,
      .pData = data,
   };
   write->pNext = node;
}

void vp_descriptor_writer_add_entry(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                                    VkDescriptorSet set, const VkDescriptorUpdateTemplateEntry *entry, const void *data)
{
   const VkWriteDescriptorSet head = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .dstBinding = entry->dstBinding,
      .dstArrayElement = entry->dstArrayElement,
      .descriptorCount = entry->descriptorCount,
      .descriptorType = entry->descriptorType,
   };
   const enum form form = form_of(entry->descriptorType);
   const struct source source = {
      .data = (const uint8_t *)data + entry->offset,
      .stride = entry->stride,
      .size = element_size(form),
      .form = form,
   };
   if (!entry->descriptorCount || form == FORM_CHAIN)
      return;
   if (form == FORM_INLINE)
      add_inline(writer, &head, source.data);
   else
      add_array(writer, layout, &head, &source);
}
