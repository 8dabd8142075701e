/* SPDX-License-Identifier: MIT */

/* Descriptor buffers: what layouts are asked for, the room for a descriptor, and the numbers of sets and buffers. What
 * the descriptors' bytes say, nobody can check. */

#include "server/check/check.h"
#include "server/core/device.h"
#include "server/pipeline/descriptor_set.h"
#include "server/vp_dispatch.h"

/* Drivers look into layouts for what only these have. */
static bool check_placed(struct vps_context *ctx, const struct vps_set_layout *layout,
                         VkDescriptorSetLayoutCreateFlags flags)
{
   const bool ok = layout && (layout->flags & flags) == flags;

   if (!ok)
      vps_fail(ctx, "a set's layout was not created with the flags %#x", flags);
   return ok;
}

bool vps_check_vkGetDescriptorSetLayoutSizeEXT(struct vps_context *ctx,
                                               const struct vp_cmd_vkGetDescriptorSetLayoutSizeEXT *a)
{
   (void)a;
   return check_placed(ctx, ctx->used[1]->state, VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT);
}

bool vps_check_vkGetDescriptorSetLayoutBindingOffsetEXT(struct vps_context *ctx,
                                                        const struct vp_cmd_vkGetDescriptorSetLayoutBindingOffsetEXT *a)
{
   const struct vps_set_layout *layout = ctx->used[1]->state;

   if (!check_placed(ctx, layout, VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT))
      return false;
   if (vps_set_layout_find(layout, a->binding))
      return true;
   vps_fail(ctx, "the layout has no binding %u", a->binding);
   return false;
}

/* Handles that drivers follow without a look. An image may be missing where a null descriptor is wanted. */
static bool has_objects(const VkDescriptorGetInfoEXT *info)
{
   switch (info->type) {
   case VK_DESCRIPTOR_TYPE_SAMPLER:
      return *info->data.pSampler;
   case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
      return info->data.pCombinedImageSampler->sampler || !info->data.pCombinedImageSampler->imageView;
   case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
      return info->data.pInputAttachmentImage->imageView;
   default:
      return true;
   }
}

bool vps_check_vkGetDescriptorEXT(struct vps_context *ctx, const struct vp_cmd_vkGetDescriptorEXT *a)
{
   const size_t largest = ctx->used[0]->device->limits.largest_descriptor;

   if (a->dataSize > largest || !a->pDescriptor) {
      vps_fail(ctx, "no descriptor has %zu bytes", a->dataSize);
      return false;
   }
   if (has_objects(a->pDescriptorInfo))
      return true;
   vps_fail(ctx, "the sampler or the image of a descriptor is missing");
   return false;
}

/* The layouts of sets that a recorded command names. */
static const struct vps_pipeline_layout *check_places(struct vps_context *ctx, uint32_t first, uint32_t count)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_PIPELINE_LAYOUT);
   const struct vps_pipeline_layout *layout = object ? object->state : NULL;

   if (layout && vps_fits(first, count, layout->count))
      return layout;
   vps_fail(ctx, "the layout has %u sets, not %u from %u on", layout ? layout->count : 0, count, first);
   return NULL;
}

static bool check_offsets(struct vps_context *ctx, uint32_t first, uint32_t count, const uint32_t *buffers)
{
   const uint32_t limit = ctx->target->device->limits.maxDescriptorBufferBindings;
   const struct vps_pipeline_layout *layout = check_places(ctx, first, count);
   bool ok = layout != NULL;

   for (uint32_t i = 0; i < count && ok; i++)
      ok = check_placed(ctx, layout->sets[first + i], VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT) &&
           vps_check_slots(ctx, buffers[i], 1, limit, "maxDescriptorBufferBindings");
   return ok;
}

static bool check_embedded(struct vps_context *ctx, uint32_t set)
{
   const struct vps_pipeline_layout *layout = check_places(ctx, set, 1);
   return layout &&
          check_placed(ctx, layout->sets[set], VK_DESCRIPTOR_SET_LAYOUT_CREATE_EMBEDDED_IMMUTABLE_SAMPLERS_BIT_EXT);
}

bool vps_check_vkCmdSetDescriptorBufferOffsetsEXT(struct vps_context *ctx,
                                                  const struct vp_cmd_vkCmdSetDescriptorBufferOffsetsEXT *a)
{
   return check_offsets(ctx, a->firstSet, a->setCount, a->pBufferIndices);
}

bool vps_check_vkCmdBindDescriptorBufferEmbeddedSamplersEXT(
   struct vps_context *ctx, const struct vp_cmd_vkCmdBindDescriptorBufferEmbeddedSamplersEXT *a)
{
   return check_embedded(ctx, a->set);
}

#ifdef VK_KHR_maintenance6

bool vps_check_vkCmdSetDescriptorBufferOffsets2EXT(struct vps_context *ctx,
                                                   const struct vp_cmd_vkCmdSetDescriptorBufferOffsets2EXT *a)
{
   const VkSetDescriptorBufferOffsetsInfoEXT *info = a->pSetDescriptorBufferOffsetsInfo;
   return check_offsets(ctx, info->firstSet, info->setCount, info->pBufferIndices);
}

bool vps_check_vkCmdBindDescriptorBufferEmbeddedSamplers2EXT(
   struct vps_context *ctx, const struct vp_cmd_vkCmdBindDescriptorBufferEmbeddedSamplers2EXT *a)
{
   return check_embedded(ctx, a->pBindDescriptorBufferEmbeddedSamplersInfo->set);
}

#endif
