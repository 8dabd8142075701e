/* SPDX-License-Identifier: MIT */

/* Sets, bindings and push constants that commands name: those that layouts have. Where the layout is not known nothing
 * is refused. */

#include "common/wire/chain.h"
#include "server/check/check.h"
#include "server/core/device.h"
#include "server/pipeline/descriptor_set.h"
#include "server/vp_dispatch.h"

/* Of newer headers. */
#define DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK ((VkDescriptorType)1000138000)
#define DESCRIPTOR_TYPE_MUTABLE ((VkDescriptorType)1000351000)

/* --- layouts --- */

bool vps_check_vkCreateDescriptorSetLayout(struct vps_context *ctx, const struct vp_cmd_vkCreateDescriptorSetLayout *a)
{
   const VkDescriptorSetLayoutCreateInfo *info = a->pCreateInfo;
   uint32_t all = 0;
   bool ok = true;

   for (uint32_t i = 0; i < info->bindingCount && ok; i++)
      ok = info->pBindings[i].binding < UINT32_MAX &&
           !__builtin_add_overflow(all, info->pBindings[i].descriptorCount, &all);
   if (!ok)
      vps_fail(ctx, "a set has more descriptors or bindings than can be counted");
   return ok;
}

bool vps_check_layout(struct vps_context *ctx, uint32_t sets, uint32_t count, const VkPushConstantRange *ranges)
{
   const struct vps_limits *limits = &ctx->used[0]->device->limits;
   bool ok = vps_check_slots(ctx, 0, sets, limits->maxBoundDescriptorSets, "maxBoundDescriptorSets");

   for (uint32_t i = 0; i < count && ok; i++)
      ok = vps_check_slots(ctx, ranges[i].offset, ranges[i].size, limits->maxPushConstantsSize, "maxPushConstantsSize");
   return ok;
}

bool vps_check_vkCreatePipelineLayout(struct vps_context *ctx, const struct vp_cmd_vkCreatePipelineLayout *a)
{
   const VkPipelineLayoutCreateInfo *info = a->pCreateInfo;
   return vps_check_layout(ctx, info->setLayoutCount, info->pushConstantRangeCount, info->pPushConstantRanges);
}

/* The layout that a recorded command names; NULL: not known. */
static const struct vps_pipeline_layout *layout_of(const struct vps_context *ctx)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_PIPELINE_LAYOUT);
   return object ? object->state : NULL;
}

static bool check_push(struct vps_context *ctx, uint32_t offset, uint32_t size)
{
   const struct vps_pipeline_layout *layout = layout_of(ctx);
   const uint32_t end = layout ? layout->push_end : ctx->target->device->limits.maxPushConstantsSize;

   return vps_fits(offset, size, end) || vps_refuse_range(ctx, "the layout's push constants", offset, size, end);
}

bool vps_check_vkCmdPushConstants(struct vps_context *ctx, const struct vp_cmd_vkCmdPushConstants *a)
{
   return check_push(ctx, a->offset, a->size);
}

/* --- binding --- */

static uint32_t dynamic_count(const struct vps_set_layout *layout)
{
   return layout ? layout->dynamic_count : 0;
}

/* Whether a set takes as many offsets as the layout of its place says; then how many these are. */
static bool takes(const struct vps_object *object, const struct vps_set_layout *place, uint64_t *offsets)
{
   const struct vps_descriptor_set *set = object ? object->state : NULL;

   if (!set || !set->layout || !place)
      return true;
   *offsets += dynamic_count(place);
   return dynamic_count(set->layout) == dynamic_count(place);
}

static bool check_sets(struct vps_context *ctx, uint32_t first, uint32_t count, const VkDescriptorSet *sets,
                       uint32_t offset_count)
{
   const struct vps_pipeline_layout *layout = layout_of(ctx);
   uint64_t offsets = 0;
   unsigned at = 1;

   if (!layout)
      return true;
   if (!vps_fits(first, count, layout->count)) {
      vps_fail(ctx, "the layout has %u sets, not %u from %u on", layout->count, count, first);
      return false;
   }
   for (uint32_t i = 0; sets && i < count; i++) {
      const struct vps_object *object = sets[i] ? vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET) : NULL;
      if (!takes(object, layout->sets[first + i], &offsets)) {
         vps_fail(ctx, "set %u does not have the layout of its place", first + i);
         return false;
      }
   }
   if (offsets > offset_count)
      vps_fail(ctx, "the sets take %llu dynamic offsets, and there are %u", (unsigned long long)offsets, offset_count);
   return offsets <= offset_count;
}

bool vps_check_vkCmdBindDescriptorSets(struct vps_context *ctx, const struct vp_cmd_vkCmdBindDescriptorSets *a)
{
   return check_sets(ctx, a->firstSet, a->descriptorSetCount, a->pDescriptorSets, a->dynamicOffsetCount);
}

/* --- writing --- */

/* The kind of what a descriptor of a type is written from. */
enum source {
   SOURCE_IMAGE,
   SOURCE_BUFFER,
   SOURCE_VIEW,
   SOURCE_BYTES,
   SOURCE_STRUCTURE,
   SOURCE_STRUCTURE_NV,
   SOURCE_UNKNOWN
};

static enum source source_of(VkDescriptorType type)
{
   switch ((int)type) {
   case VK_DESCRIPTOR_TYPE_SAMPLER:
   case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
   case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
   case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
   case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
      return SOURCE_IMAGE;
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC:
      return SOURCE_BUFFER;
   case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
      return SOURCE_VIEW;
   case DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK:
      return SOURCE_BYTES;
   case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR:
      return SOURCE_STRUCTURE;
   case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_NV:
      return SOURCE_STRUCTURE_NV;
   default:
      return SOURCE_UNKNOWN;
   }
}

/* Whether there is something to write for each descriptor, and nothing else. */
static bool has_sources(const VkWriteDescriptorSet *write)
{
   const VkWriteDescriptorSetInlineUniformBlock *bytes;
   const VkWriteDescriptorSetAccelerationStructureKHR *structures;
   const VkWriteDescriptorSetAccelerationStructureNV *structures_nv;
   const enum source source = source_of(write->descriptorType);

   if (source == SOURCE_UNKNOWN)
      return true;
   if (!write->pImageInfo != (source != SOURCE_IMAGE || write->descriptorCount == 0) ||
       !write->pBufferInfo != (source != SOURCE_BUFFER || write->descriptorCount == 0) ||
       !write->pTexelBufferView != (source != SOURCE_VIEW || write->descriptorCount == 0))
      return false;
   switch (source) {
   case SOURCE_BYTES:
      bytes = vp_chain_find(write->pNext, VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_INLINE_UNIFORM_BLOCK);
      return bytes && bytes->dataSize == write->descriptorCount;
   case SOURCE_STRUCTURE:
      structures = vp_chain_find(write->pNext, VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_KHR);
      return structures && structures->accelerationStructureCount == write->descriptorCount;
   case SOURCE_STRUCTURE_NV:
      structures_nv = vp_chain_find(write->pNext, VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_ACCELERATION_STRUCTURE_NV);
      return structures_nv && structures_nv->accelerationStructureCount == write->descriptorCount;
   default:
      return true;
   }
}

/* Whether a layout has so many descriptors from an element of a binding on, all of a type (NULL: any). They may go on
 * in the next bindings. */
static bool has_descriptors(const struct vps_set_layout *layout, uint32_t number, uint32_t element, uint32_t count,
                            const VkDescriptorType *type)
{
   const struct vps_layout_binding *binding = vps_set_layout_find(layout, number);
   const struct vps_layout_binding *end = layout->bindings + layout->binding_count;

   if (!binding)
      return false;
   const uint64_t first = (uint64_t)binding->first + element, last = first + count;
   for (; binding < end && binding->first < last; binding++) {
      const bool counts = count && (uint64_t)binding->first + binding->count > first;
      if (counts && type && binding->type != *type && binding->type != DESCRIPTOR_TYPE_MUTABLE)
         return false;
   }
   return last <= (uint64_t)end[-1].first + end[-1].count;
}

static bool check_buffers(struct vps_context *ctx, const VkWriteDescriptorSet *write, unsigned *at)
{
   for (uint32_t i = 0; i < write->descriptorCount; i++) {
      const VkDescriptorBufferInfo *info = &write->pBufferInfo[i];
      const struct vps_object *object = info->buffer ? vps_next_used(ctx, at, VK_OBJECT_TYPE_BUFFER) : NULL;
      const struct vps_buffer *buffer = object ? object->state : NULL;
      if (buffer && !vps_part_fits(info->offset, info->range, buffer->size))
         return vps_refuse_range(ctx, "a descriptor's buffer", info->offset, info->range, buffer->size);
   }
   return true;
}

bool vps_check_write(struct vps_context *ctx, const struct vps_set_layout *layout, const VkWriteDescriptorSet *write,
                     unsigned *at)
{
   if (layout && !has_descriptors(layout, write->dstBinding, write->dstArrayElement, write->descriptorCount,
                                  &write->descriptorType)) {
      vps_fail(ctx, "the set has no %u descriptors of type %d from element %u of binding %u on", write->descriptorCount,
               (int)write->descriptorType, write->dstArrayElement, write->dstBinding);
      return false;
   }
   if (!has_sources(write)) {
      vps_fail(ctx, "there is nothing for %u descriptors of type %d", write->descriptorCount,
               (int)write->descriptorType);
      return false;
   }
   return source_of(write->descriptorType) != SOURCE_BUFFER || check_buffers(ctx, write, at);
}

static const struct vps_set_layout *layout_of_next(const struct vps_context *ctx, unsigned *at)
{
   const struct vps_object *object = vps_next_used(ctx, at, VK_OBJECT_TYPE_DESCRIPTOR_SET);
   const struct vps_descriptor_set *set = object ? object->state : NULL;
   return set ? set->layout : NULL;
}

/* The types must be the same but where one of them may be any. */
static bool check_descriptor_copy(struct vps_context *ctx, const VkCopyDescriptorSet *info, unsigned *at)
{
   const struct vps_set_layout *source = layout_of_next(ctx, at), *target = layout_of_next(ctx, at);
   const struct vps_layout_binding *binding = target ? vps_set_layout_find(target, info->dstBinding) : NULL;
   const VkDescriptorType *type = binding && binding->type != DESCRIPTOR_TYPE_MUTABLE ? &binding->type : NULL;

   if ((!source || has_descriptors(source, info->srcBinding, info->srcArrayElement, info->descriptorCount, type)) &&
       (!target || has_descriptors(target, info->dstBinding, info->dstArrayElement, info->descriptorCount, type)))
      return true;
   vps_fail(ctx, "%u descriptors from binding %u to %u are more than there are", info->descriptorCount,
            info->srcBinding, info->dstBinding);
   return false;
}

bool vps_check_vkUpdateDescriptorSets(struct vps_context *ctx, const struct vp_cmd_vkUpdateDescriptorSets *a)
{
   unsigned at = 0;

   for (uint32_t i = 0; i < a->descriptorWriteCount; i++) {
      if (!a->pDescriptorWrites[i].dstSet) {
         vps_fail(ctx, "dstSet is missing");
         return false;
      }
      if (!vps_check_write(ctx, layout_of_next(ctx, &at), &a->pDescriptorWrites[i], &at))
         return false;
   }
   for (uint32_t i = 0; i < a->descriptorCopyCount; i++) {
      if (!check_descriptor_copy(ctx, &a->pDescriptorCopies[i], &at))
         return false;
   }
   return true;
}

static bool check_pushed(struct vps_context *ctx, uint32_t set, uint32_t count, const VkWriteDescriptorSet *writes)
{
   const struct vps_pipeline_layout *layout = layout_of(ctx);
   unsigned at = 1;

   if (layout && set >= layout->count) {
      vps_fail(ctx, "the layout has %u sets, and none of number %u", layout->count, set);
      return false;
   }
   for (uint32_t i = 0; i < count; i++) {
      if (!vps_check_write(ctx, layout ? layout->sets[set] : NULL, &writes[i], &at))
         return false;
   }
   return true;
}

bool vps_check_vkCmdPushDescriptorSet(struct vps_context *ctx, const struct vp_cmd_vkCmdPushDescriptorSet *a)
{
   return check_pushed(ctx, a->set, a->descriptorWriteCount, a->pDescriptorWrites);
}

#ifdef VK_KHR_maintenance6

bool vps_check_vkCmdPushConstants2(struct vps_context *ctx, const struct vp_cmd_vkCmdPushConstants2 *a)
{
   return check_push(ctx, a->pPushConstantsInfo->offset, a->pPushConstantsInfo->size);
}

bool vps_check_vkCmdBindDescriptorSets2(struct vps_context *ctx, const struct vp_cmd_vkCmdBindDescriptorSets2 *a)
{
   const VkBindDescriptorSetsInfoKHR *info = a->pBindDescriptorSetsInfo;
   return check_sets(ctx, info->firstSet, info->descriptorSetCount, info->pDescriptorSets,
                     info->pDynamicOffsets ? info->dynamicOffsetCount : 0);
}

bool vps_check_vkCmdPushDescriptorSet2(struct vps_context *ctx, const struct vp_cmd_vkCmdPushDescriptorSet2 *a)
{
   const VkPushDescriptorSetInfoKHR *info = a->pPushDescriptorSetInfo;
   return check_pushed(ctx, info->set, info->descriptorWriteCount, info->pDescriptorWrites);
}

#endif
