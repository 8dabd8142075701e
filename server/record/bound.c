/* SPDX-License-Identifier: MIT */

/* What shaders can write to follows from the pipeline and the sets that are bound when they are run: binds are
 * remembered, and each draw, dispatch or trace adds what its pipeline stores to. */

#include "server/record/bound.h"

#include <string.h>

#include "server/core/context.h"
#include "server/memory/buffer_usage.h"
#include "server/memory/memory.h"
#include "server/memory/writes.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/spirv.h"
#include "server/record/command_buffer.h"

static struct vps_bound *bound_of(const struct vps_context *ctx)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   return &command_buffer->bound;
}

void vps_bound_clear(struct vps_bound *bound)
{
   if (!bound->used)
      return;
   for (unsigned i = 0; i < VPS_BIND_POINTS; i++)
      vps_descriptor_set_finish(&bound->points[i].pushed);
   *bound = (struct vps_bound){0};
}

static struct vps_object_name name(const struct vps_object *object)
{
   return (struct vps_object_name){.object = object, .id = object->id};
}

/* NULL when there is none, or none any more: then something else may have got its id. */
static const struct vps_object *alive(const struct vps_object_name *bound, int32_t type)
{
   const struct vps_object *object = bound->object;
   return object && object->id == bound->id && object->type == type ? object : NULL;
}

/* The bind point that a command changes. NULL: what is bound is not known, which is noted. */
static struct vps_bind_point *bound_change(struct vps_context *ctx, VkPipelineBindPoint bind_point)
{
   struct vps_bound *bound = bound_of(ctx);
   struct vps_bind_point *point = vps_bound_point(bound, bind_point);

   if (!point) {
      vps_command_buffer_note_writes(ctx, VPS_WRITES_SHADERS);
      return NULL;
   }
   bound->used = true;
   point->changed = !point->quiet;
   return point;
}

/* --- binding --- */

static void bind_pipeline(struct vps_context *ctx, VkPipelineBindPoint bind_point)
{
   struct vps_bind_point *point = bound_change(ctx, bind_point);

   if (!point || ctx->used_count < 2)
      return;
   point->pipeline = name(ctx->used[1]);
   point->loose = false;
   point->quiet = vps_stores_nothing(vps_pipeline_stores(ctx->used[1]));
   point->changed = !point->quiet;
}

void vps_observe_vkCmdBindPipeline(struct vps_context *ctx, const struct vp_cmd_vkCmdBindPipeline *a)
{
   bind_pipeline(ctx, a->pipelineBindPoint);
}

#ifdef VK_EXT_shader_object

/* Adds what the shader of a stage writes to. */
static void add_shader(struct vps_stores *stores, const struct vps_object_name *bound)
{
   const struct vps_object *object = alive(bound, VK_OBJECT_TYPE_SHADER_EXT);
   const struct vps_shader *shader = object ? object->state : NULL;

   if (bound->object)
      vps_stores_add(stores, shader ? &shader->stores : &vps_stores_anything);
}

#endif

/* What the shaders that are bound write to. */
static struct vps_stores find_bound_stores(const struct vps_bind_point *point)
{
   const struct vps_object *pipeline = alive(&point->pipeline, VK_OBJECT_TYPE_PIPELINE);
   struct vps_stores stores = {0};

   if (!point->loose)
      return pipeline ? *vps_pipeline_stores(pipeline) : vps_stores_anything;
#ifdef VK_EXT_shader_object
   for (unsigned i = 0; i < VPS_SHADER_STAGES; i++)
      add_shader(&stores, &point->shaders[i]);
#endif
   return stores;
}

#ifdef VK_EXT_shader_object

static void bind_shader(struct vps_context *ctx, VkShaderStageFlags stage, const struct vps_object *object)
{
   const bool computes = stage == VK_SHADER_STAGE_COMPUTE_BIT;
   struct vps_bind_point *point =
      bound_change(ctx, computes ? VK_PIPELINE_BIND_POINT_COMPUTE : VK_PIPELINE_BIND_POINT_GRAPHICS);

   if (!point->loose) { /* with the pipeline all of its shaders go */
      memset(point->shaders, 0, sizeof(point->shaders));
      point->loose = true;
   }
   point->shaders[__builtin_ctz(stage)] = object ? name(object) : (struct vps_object_name){.object = NULL};
   const struct vps_stores stores = find_bound_stores(point);
   point->quiet = vps_stores_nothing(&stores);
   point->changed = !point->quiet;
}

void vps_observe_vkCmdBindShadersEXT(struct vps_context *ctx, const struct vp_cmd_vkCmdBindShadersEXT *a)
{
   unsigned at = 1; /* behind the command buffer */

   for (uint32_t i = 0; i < a->stageCount; i++) {
      const bool some = a->pShaders && a->pShaders[i];
      bind_shader(ctx, a->pStages[i], some ? vps_next_used(ctx, &at, VK_OBJECT_TYPE_SHADER_EXT) : NULL);
   }
}

#endif

/* The offsets of a set are those at `offsets`, of which `left` are there. Returns how many it takes. */
static uint32_t take_offsets(struct vps_bound_set *bound, const struct vps_descriptor_set *set, const uint32_t *offsets,
                             uint32_t left)
{
   const uint32_t count = set && set->layout ? set->layout->dynamic_count : UINT32_MAX;
   if (count > left)
      return left;
   if (!bound || count > VPS_MAX_OFFSETS)
      return count;
   bound->offset_count = count;
   for (uint32_t i = 0; i < count; i++)
      bound->offsets[i] = offsets[i];
   return count;
}

static void bind_sets(struct vps_context *ctx, struct vps_bind_point *point, uint32_t first, uint32_t count,
                      const VkDescriptorSet *handles, uint32_t offset_count, const uint32_t *offsets)
{
   unsigned at = 1; /* the command buffer is the first */

   for (uint32_t i = 0; i < count; i++) {
      const struct vps_object *object = handles[i] ? vps_next_used(ctx, &at, VK_OBJECT_TYPE_DESCRIPTOR_SET) : NULL;
      const uint64_t number = (uint64_t)first + i;
      struct vps_bound_set *bound = number < VPS_MAX_BOUND_SETS ? &point->sets[number] : NULL;
      if (!object)
         continue;
      if (bound) {
         bound->set = name(object);
         bound->offset_count = 0;
      } else {
         point->beyond = true;
      }
      if (offset_count > 0) {
         const uint32_t taken = take_offsets(bound, object->state, offsets, offset_count);
         offsets += taken;
         offset_count -= taken;
      }
   }
}

void vps_observe_vkCmdBindDescriptorSets(struct vps_context *ctx, const struct vp_cmd_vkCmdBindDescriptorSets *a)
{
   struct vps_bind_point *point = bound_change(ctx, a->pipelineBindPoint);

   if (point && a->pDescriptorSets)
      bind_sets(ctx, point, a->firstSet, a->descriptorSetCount, a->pDescriptorSets,
                a->pDynamicOffsets ? a->dynamicOffsetCount : 0, a->pDynamicOffsets);
}

static void push(struct vps_context *ctx, struct vps_bind_point *point, uint32_t number, uint32_t count,
                 const VkWriteDescriptorSet *writes)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_PIPELINE_LAYOUT);
   struct vps_set_layout *layout = object ? vps_pipeline_layout_find(object, number) : NULL;
   unsigned at = 0;

   if (!layout || vps_set_layout_is_by_stage(layout) || number >= VPS_MAX_BOUND_SETS ||
       (point->pushed.layout && point->pushed_to != number)) {
      point->beyond = true;
      return;
   }
   vps_descriptor_set_relayout(&point->pushed, layout);
   point->pushed_to = number;
   for (uint32_t i = 0; writes && i < count; i++)
      vps_descriptor_set_write(ctx, &point->pushed, &writes[i], &at);
}

void vps_observe_vkCmdPushDescriptorSet(struct vps_context *ctx, const struct vp_cmd_vkCmdPushDescriptorSet *a)
{
   struct vps_bind_point *point = bound_change(ctx, a->pipelineBindPoint);

   if (point)
      push(ctx, point, a->set, a->descriptorWriteCount, a->pDescriptorWrites);
}

#ifdef VK_KHR_maintenance6

static const VkPipelineBindPoint bind_points[] = {VK_PIPELINE_BIND_POINT_GRAPHICS, VK_PIPELINE_BIND_POINT_COMPUTE,
                                                  VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR};

#define RAY_STAGES                                                                                           \
   (VK_SHADER_STAGE_RAYGEN_BIT_KHR | VK_SHADER_STAGE_ANY_HIT_BIT_KHR | VK_SHADER_STAGE_CLOSEST_HIT_BIT_KHR | \
    VK_SHADER_STAGE_MISS_BIT_KHR | VK_SHADER_STAGE_INTERSECTION_BIT_KHR | VK_SHADER_STAGE_CALLABLE_BIT_KHR)

/* Whether stages of these are run at a bind point. */
static bool has_stages(VkShaderStageFlags stages, VkPipelineBindPoint bind_point)
{
   if (bind_point == VK_PIPELINE_BIND_POINT_COMPUTE)
      return stages & VK_SHADER_STAGE_COMPUTE_BIT;
   if (bind_point == VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR)
      return stages & RAY_STAGES;
   return stages & ~(VkShaderStageFlags)(VK_SHADER_STAGE_COMPUTE_BIT | RAY_STAGES);
}

void vps_observe_vkCmdBindDescriptorSets2(struct vps_context *ctx, const struct vp_cmd_vkCmdBindDescriptorSets2 *a)
{
   const VkBindDescriptorSetsInfoKHR *info = a->pBindDescriptorSetsInfo;

   for (unsigned i = 0; i < VPS_BIND_POINTS; i++) {
      struct vps_bind_point *point =
         has_stages(info->stageFlags, bind_points[i]) ? bound_change(ctx, bind_points[i]) : NULL;
      if (point && info->pDescriptorSets)
         bind_sets(ctx, point, info->firstSet, info->descriptorSetCount, info->pDescriptorSets,
                   info->pDynamicOffsets ? info->dynamicOffsetCount : 0, info->pDynamicOffsets);
   }
}

void vps_observe_vkCmdPushDescriptorSet2(struct vps_context *ctx, const struct vp_cmd_vkCmdPushDescriptorSet2 *a)
{
   const VkPushDescriptorSetInfoKHR *info = a->pPushDescriptorSetInfo;

   for (unsigned i = 0; i < VPS_BIND_POINTS; i++) {
      struct vps_bind_point *point =
         has_stages(info->stageFlags, bind_points[i]) ? bound_change(ctx, bind_points[i]) : NULL;
      if (point)
         push(ctx, point, info->set, info->descriptorWriteCount, info->pDescriptorWrites);
   }
}

#endif

void vps_observe_vkCmdBindPipelineShaderGroupNV(struct vps_context *ctx,
                                                const struct vp_cmd_vkCmdBindPipelineShaderGroupNV *a)
{
   bind_pipeline(ctx, a->pipelineBindPoint);
}

/* --- descriptor buffers --- */

/* With the flag the driver writes what is pushed to a buffer of the application's, when it likes. */
void vps_observe_vkCmdBindDescriptorBuffersEXT(struct vps_context *ctx,
                                               const struct vp_cmd_vkCmdBindDescriptorBuffersEXT *a)
{
   for (uint32_t i = 0; i < a->bufferCount; i++) {
      const VkDescriptorBufferBindingInfoEXT *info = &a->pBindingInfos[i];
      if (vps_buffer_usage(info->pNext, info->usage) & VK_BUFFER_USAGE_PUSH_DESCRIPTORS_DESCRIPTOR_BUFFER_BIT_EXT) {
         vps_command_buffer_note_writes(ctx, VPS_WRITES_STORAGE);
         return;
      }
   }
}

/* What the descriptors name is not known: they are bytes in the client's memory. */
void vps_observe_vkCmdSetDescriptorBufferOffsetsEXT(struct vps_context *ctx,
                                                    const struct vp_cmd_vkCmdSetDescriptorBufferOffsetsEXT *a)
{
   struct vps_bind_point *point = bound_change(ctx, a->pipelineBindPoint);

   if (point)
      point->beyond = true;
}

#ifdef VK_KHR_maintenance6

void vps_observe_vkCmdSetDescriptorBufferOffsets2EXT(struct vps_context *ctx,
                                                     const struct vp_cmd_vkCmdSetDescriptorBufferOffsets2EXT *a)
{
   const VkSetDescriptorBufferOffsetsInfoEXT *info = a->pSetDescriptorBufferOffsetsInfo;

   for (unsigned i = 0; i < VPS_BIND_POINTS; i++) {
      struct vps_bind_point *point =
         has_stages(info->stageFlags, bind_points[i]) ? bound_change(ctx, bind_points[i]) : NULL;
      if (point)
         point->beyond = true;
   }
}

#endif

/* --- running shaders --- */

/* Which descriptors of a set count: all texel buffers, all storage buffers, or those of one binding. */
struct choice {
   bool texels, buffers;
   const struct vps_binding *binding;
};

/* How far a descriptor is moved; UINT64_MAX: not known. */
static VkDeviceSize find_offset(const struct vps_bound_set *bound, const struct vps_set_layout *layout,
                                const struct vps_descriptor *descriptor)
{
   if (!descriptor->dynamic)
      return 0;
   for (uint32_t i = 0; i < layout->binding_count; i++) {
      const struct vps_layout_binding *binding = &layout->bindings[i];
      const uint32_t element = descriptor->index - binding->first;
      if (!binding->dynamic || descriptor->index < binding->first || element >= binding->count)
         continue;
      if (bound && binding->first_dynamic + element < bound->offset_count)
         return bound->offsets[binding->first_dynamic + element];
   }
   return UINT64_MAX;
}

/* Adds what a descriptor names to what is written. */
static bool add_descriptor(struct vps_track **track, const struct vps_bound_set *bound,
                           const struct vps_set_layout *layout, const struct vps_descriptor *descriptor)
{
   struct vps_memory *memory = descriptor->memory;

   if (!memory)
      return vps_track_add_classes(track, VPS_WRITES_STORAGE);
   const VkDeviceSize offset = find_offset(bound, layout, descriptor);
   if (offset == UINT64_MAX)
      return vps_track_add_write(track, memory, descriptor->start, memory->size);
   if (offset >= memory->size || descriptor->start >= memory->size - offset)
      return true;
   const VkDeviceSize end = descriptor->end < memory->size - offset ? descriptor->end + offset : memory->size;
   return vps_track_add_write(track, memory, descriptor->start + offset, end);
}

static bool add_descriptors(struct vps_track **track, const struct vps_bound_set *bound,
                            const struct vps_descriptor_set *set, const struct choice *choice)
{
   const struct vps_layout_binding *binding = NULL;
   bool ok = true;

   if (set->full)
      return vps_track_add_classes(track, VPS_WRITES_STORAGE);
   if (set->count == 0)
      return true;
   if (choice->binding)
      binding = vps_set_layout_find(set->layout, choice->binding->number);
   for (unsigned i = 0; i < set->count && ok; i++) {
      const struct vps_descriptor *descriptor = &set->descriptors[i];
      const bool stored = choice->buffers || (binding && descriptor->index >= binding->first &&
                                              descriptor->index - binding->first < binding->count);
      if (descriptor->texels ? choice->texels : stored)
         ok = add_descriptor(track, bound, set->layout, descriptor);
   }
   return ok;
}

/* What is written through one set. */
static bool note_set(struct vps_track **track, const struct vps_bind_point *point, uint32_t number,
                     const struct choice *choice)
{
   if (number >= VPS_MAX_BOUND_SETS)
      return vps_track_add_classes(track, VPS_WRITES_STORAGE);
   const struct vps_bound_set *bound = &point->sets[number];
   const struct vps_object *object = alive(&bound->set, VK_OBJECT_TYPE_DESCRIPTOR_SET);
   const bool pushed = point->pushed.layout && point->pushed_to == number;
   const struct vps_descriptor_set *set = object ? object->state : NULL;

   if (pushed && !add_descriptors(track, NULL, &point->pushed, choice))
      return false;
   if (set && set->layout && vps_set_layout_is_by_stage(set->layout))
      return vps_track_add_classes(track, VPS_WRITES_STORAGE);
   if (set && set->layout)
      return set->layout->late ? vps_track_add_late(track, object) : add_descriptors(track, bound, set, choice);
   /* A set that is not known, or a binding whose set is not bound. */
   return !object && (pushed || !choice->binding) ? true : vps_track_add_classes(track, VPS_WRITES_STORAGE);
}

static bool note_stores(struct vps_track **track, const struct vps_bind_point *point, const struct vps_stores *stores)
{
   const struct choice everywhere = {.texels = stores->classes & VPS_WRITES_IMAGE, .buffers = stores->all_bindings};
   unsigned classes = stores->classes;
   bool ok = true;

   if (point->beyond && (stores->all_bindings || stores->count || (classes & VPS_WRITES_IMAGE)))
      classes |= VPS_WRITES_STORAGE;
   if (classes && !vps_track_add_classes(track, classes))
      return false;
   if (classes & VPS_WRITES_STORAGE) /* wherever it is */
      return true;
   for (uint32_t i = 0; (everywhere.texels || everywhere.buffers) && i < VPS_MAX_BOUND_SETS && ok; i++)
      ok = note_set(track, point, i, &everywhere);
   for (unsigned i = 0; i < stores->count && ok; i++)
      ok = note_set(track, point, stores->bindings[i].set, &(struct choice){.binding = &stores->bindings[i]});
   return ok;
}

void vps_bound_note(struct vps_context *ctx, struct vps_bind_point *point)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;

   point->changed = false;
   const struct vps_stores stores = find_bound_stores(point);
   if (!note_stores(&command_buffer->track, point, &stores))
      vps_fail(ctx, "the server is out of memory");
}

/* --- submission --- */

struct vps_track *vps_bound_resolve(struct vps_track *track)
{
   static const struct choice all = {.texels = true, .buffers = true};
   struct vps_track *resolved = vps_track_ref(track);
   bool ok = true;

   for (unsigned i = 0; i < track->late_count && ok; i++) {
      const struct vps_object *object = alive(&track->late[i], VK_OBJECT_TYPE_DESCRIPTOR_SET);
      const struct vps_descriptor_set *set = object ? object->state : NULL;
      ok = !set || !set->layout || add_descriptors(&resolved, NULL, set, &all);
   }
   if (ok)
      return resolved;
   vps_track_unref(resolved);
   return NULL;
}
