/* SPDX-License-Identifier: MIT */

/* vkCreate*Pipelines, and what else is created alike, by the maker where nobody waits for the answer; and what a
 * pipeline's shaders write to, which follows from its modules and from the libraries that it links. */

#include "server/pipeline/pipeline.h"

#include <stdlib.h>

#include "common/util/clock.h"
#include "common/wire/chain.h"
#include "common/wire/pipeline_flags.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/frame_writer.h"
#include "server/core/reserve.h"
#include "server/memory/writes.h"
#include "server/pipeline/executables.h"
#include "server/pipeline/maker.h"
#include "server/pipeline/spirv.h"
#include "server/process/compiled.h"

/* --- the kinds of pipelines --- */

/* What is in the create-infos of all kinds of pipelines. */
struct vps_parts {
   VkPipelineCreateFlags flags;
   const void *chain;
   uint32_t stage_count;
   const VkPipelineShaderStageCreateInfo *stages;
   const VkPipelineLibraryCreateInfoKHR *libraries;
   uint32_t ray_groups;
};

static VkResult create_graphics(const struct vps_creation *creation)
{
   const struct vp_cmd_vkCreateGraphicsPipelines *a = &creation->command.graphics;
   return creation->device->functions.CreateGraphicsPipelines(a->device, a->pipelineCache, a->createInfoCount,
                                                              a->pCreateInfos, NULL, creation->handles);
}

static VkResult create_compute(const struct vps_creation *creation)
{
   const struct vp_cmd_vkCreateComputePipelines *a = &creation->command.compute;
   return creation->device->functions.CreateComputePipelines(a->device, a->pipelineCache, a->createInfoCount,
                                                             a->pCreateInfos, NULL, creation->handles);
}

/* No deferred operation: it is done when the call returns. */
static VkResult create_ray_tracing(const struct vps_creation *creation)
{
   const struct vp_cmd_vkCreateRayTracingPipelinesKHR *a = &creation->command.ray_tracing;
   return creation->device->functions.CreateRayTracingPipelinesKHR(
      a->device, VK_NULL_HANDLE, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, creation->handles);
}

static VkResult create_ray_tracing_nv(const struct vps_creation *creation)
{
   const struct vp_cmd_vkCreateRayTracingPipelinesNV *a = &creation->command.ray_tracing_nv;
   return creation->device->functions.CreateRayTracingPipelinesNV(a->device, a->pipelineCache, a->createInfoCount,
                                                                  a->pCreateInfos, NULL, creation->handles);
}

static struct vps_parts look_at_graphics(const struct vps_creation *creation, uint32_t i)
{
   const VkGraphicsPipelineCreateInfo *info = &creation->command.graphics.pCreateInfos[i];
   return (struct vps_parts){info->flags,
                             info->pNext,
                             info->stageCount,
                             info->pStages,
                             vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR),
                             0};
}

static struct vps_parts look_at_compute(const struct vps_creation *creation, uint32_t i)
{
   const VkComputePipelineCreateInfo *info = &creation->command.compute.pCreateInfos[i];
   return (struct vps_parts){info->flags, info->pNext, 1, &info->stage, NULL, 0};
}

static struct vps_parts look_at_ray_tracing(const struct vps_creation *creation, uint32_t i)
{
   const VkRayTracingPipelineCreateInfoKHR *info = &creation->command.ray_tracing.pCreateInfos[i];
   return (struct vps_parts){info->flags,   info->pNext,        info->stageCount,
                             info->pStages, info->pLibraryInfo, info->groupCount};
}

static struct vps_parts look_at_ray_tracing_nv(const struct vps_creation *creation, uint32_t i)
{
   const VkRayTracingPipelineCreateInfoNV *info = &creation->command.ray_tracing_nv.pCreateInfos[i];
   return (struct vps_parts){info->flags, info->pNext, info->stageCount, info->pStages, NULL, info->groupCount};
}

/* --- what shaders write to --- */

const struct vps_stores *vps_pipeline_stores(const struct vps_object *pipeline)
{
   const struct vps_pipeline *state = pipeline->state;
   return state ? &state->stores : &vps_stores_anything;
}

static struct vps_stores find_stores(const VkShaderModuleCreateInfo *info)
{
   return info && info->pCode ? vps_spirv_find_stores(info->pCode, info->codeSize / 4) : vps_stores_anything;
}

/* The state of a shader module is what it writes to (struct vps_stores); NULL when that is not known. */
void vps_observe_vkCreateShaderModule(struct vps_context *ctx, const struct vp_cmd_vkCreateShaderModule *a)
{
   const struct vps_stores stores = find_stores(a->pCreateInfo);
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pShaderModule);

   if (!object || object->poison || stores.classes == VPS_WRITES_SHADERS)
      return;
   struct vps_stores *copy = malloc(sizeof(*copy));
   if (!copy)
      return;
   *copy = stores;
   object->state = copy;
   object->release = free;
}

/* The object that the command uses under this driver's handle; NULL: none. */
static const struct vps_object *find_used(const struct vps_context *ctx, int32_t type, uint64_t handle)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == type && ctx->used[i]->handle == handle)
         return ctx->used[i];
   }
   return NULL;
}

static void add_module(struct vps_stores *stores, const struct vps_context *ctx, VkShaderModule handle)
{
   const struct vps_object *module = find_used(ctx, VK_OBJECT_TYPE_SHADER_MODULE, (uint64_t)(uintptr_t)handle);
   vps_stores_add(stores, module && module->state ? module->state : &vps_stores_anything);
}

/* The code of a stage is in a module or given directly. It can also be only named. */
static void add_stage(struct vps_stores *stores, const struct vps_context *ctx,
                      const VkPipelineShaderStageCreateInfo *stage)
{
   if (stage->module) {
      add_module(stores, ctx, stage->module);
   } else {
      const struct vps_stores code =
         find_stores(vp_chain_find(stage->pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO));
      vps_stores_add(stores, &code);
   }
}

static void add_stages(struct vps_stores *stores, const struct vps_context *ctx,
                       const VkPipelineShaderStageCreateInfo *stages, uint32_t count)
{
   for (uint32_t i = 0; stages && i < count; i++)
      add_stage(stores, ctx, &stages[i]);
}

static void add_libraries(struct vps_pipeline *pipeline, const struct vps_context *ctx,
                          const VkPipelineLibraryCreateInfoKHR *info)
{
   for (uint32_t i = 0; info && i < info->libraryCount; i++) {
      const struct vps_object *library =
         find_used(ctx, VK_OBJECT_TYPE_PIPELINE, (uint64_t)(uintptr_t)info->pLibraries[i]);
      const struct vps_pipeline *state = library ? library->state : NULL;
      vps_stores_add(&pipeline->stores, state ? &state->stores : &vps_stores_anything);
      if (__builtin_add_overflow(pipeline->ray_groups, state ? state->ray_groups : UINT32_MAX, &pipeline->ray_groups))
         pipeline->ray_groups = UINT32_MAX;
   }
}

/* Groups of shaders (VK_NV_device_generated_commands): its own, and those of pipelines that it refers to. What they
 * write to is not looked for. */
static void add_groups(struct vps_pipeline *pipeline, const struct vps_context *ctx,
                       const VkGraphicsPipelineShaderGroupsCreateInfoNV *info)
{
   vps_stores_add(&pipeline->stores, &vps_stores_anything);
   pipeline->groups = info->groupCount;
   for (uint32_t i = 0; i < info->pipelineCount; i++) {
      const struct vps_object *other =
         find_used(ctx, VK_OBJECT_TYPE_PIPELINE, (uint64_t)(uintptr_t)info->pPipelines[i]);
      const struct vps_pipeline *state = other ? other->state : NULL;
      if (state && __builtin_add_overflow(pipeline->groups, state->groups, &pipeline->groups))
         pipeline->groups = UINT32_MAX;
   }
}

static void note_pipeline(struct vps_context *ctx, const struct vps_creation *creation, uint32_t i)
{
   const struct vps_parts parts = creation->kind->look(creation, i);
   const VkGraphicsPipelineShaderGroupsCreateInfoNV *groups =
      vp_chain_find(parts.chain, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV);
   struct vps_pipeline *pipeline = calloc(1, sizeof(*pipeline));

   if (!pipeline)
      return;
   pipeline->ray_groups = parts.ray_groups;
   if (vp_pipeline_flags(parts.flags, parts.chain) & VK_PIPELINE_CREATE_DEFER_COMPILE_BIT_NV)
      pipeline->deferred = parts.stage_count;
   add_stages(&pipeline->stores, ctx, parts.stages, parts.stage_count);
   add_libraries(pipeline, ctx, parts.libraries);
   if (groups)
      add_groups(pipeline, ctx, groups);
   creation->objects[i]->state = pipeline;
   creation->objects[i]->release = free;
}

static const struct vps_pipeline_kind graphics = {VK_OBJECT_TYPE_PIPELINE, create_graphics, note_pipeline,
                                                  look_at_graphics};
static const struct vps_pipeline_kind compute = {VK_OBJECT_TYPE_PIPELINE, create_compute, note_pipeline,
                                                 look_at_compute};
static const struct vps_pipeline_kind ray_tracing = {VK_OBJECT_TYPE_PIPELINE, create_ray_tracing, note_pipeline,
                                                     look_at_ray_tracing};
static const struct vps_pipeline_kind ray_tracing_nv = {VK_OBJECT_TYPE_PIPELINE, create_ray_tracing_nv, note_pipeline,
                                                        look_at_ray_tracing_nv};

/* --- creation --- */

static void tell_executables(const struct vps_creation *creation, uint32_t i)
{
   if (!creation->kind->look)
      return;
   const struct vps_parts parts = creation->kind->look(creation, i);
   vps_executables_tell(creation->device, creation->objects[i]->id, creation->handles[i], parts.flags, parts.chain);
}

static void destroy_all(const struct vps_creation *creation)
{
   for (uint32_t i = 0; i < creation->count; i++) {
      vps_destroy_handle(creation->device, creation->kind->type, (uint64_t)(uintptr_t)creation->handles[i]);
      creation->handles[i] = VK_NULL_HANDLE;
   }
}

void vps_creation_run(struct vps_creation *creation)
{
   const int64_t start_ns = vp_clock_ns();
   while ((creation->result = creation->kind->create(creation)) < 0 &&
          vps_reserve_give_up(creation->device, creation->result)) {
      destroy_all(creation);
      creation->strained = true;
   }
   vps_compiled_note(vp_clock_ns() - start_ns);
   for (uint32_t i = 0; i < creation->count; i++) {
      if (creation->handles[i])
         tell_executables(creation, i);
      else if (creation->result < 0 && !creation->answered)
         vps_frame_writer_send_object_error(creation->device->writer, creation->objects[i]->id, creation->number,
                                            creation->result, 0);
   }
}

void vps_creation_finish(struct vps_context *ctx, const struct vps_creation *creation)
{
   for (uint32_t i = 0; i < creation->count; i++) {
      struct vps_object *object = creation->objects[i];
      object->type = creation->kind->type;
      object->handle = (uint64_t)(uintptr_t)creation->handles[i];
      if (!object->handle && creation->result < 0)
         object->poison = creation->result;
      else if (!object->handle)
         vps_object_drop(object);
   }
   if (creation->strained)
      ctx->strained = creation->device;
}

/* Enters pending objects under these ids. False ends the session. */
static bool begin_creation(struct vps_context *ctx, struct vps_creation *creation, uint32_t count,
                           const VkPipeline *ids)
{
   creation->device = ctx->used[0]->device;
   creation->number = ctx->command;
   creation->answered = ctx->reply;
   creation->handles = vps_alloc(ctx, count, sizeof(*creation->handles));
   creation->objects = vps_alloc(ctx, count, sizeof(struct vps_object *));
   if (!creation->handles || !creation->objects)
      return false;
   for (; creation->count < count; creation->count++) {
      struct vps_object *object = vps_add(ctx, VPS_OBJECT_PENDING, (uint64_t)(uintptr_t)ids[creation->count], 0);
      if (!object)
         return false;
      creation->objects[creation->count] = object;
   }
   for (uint32_t i = 0; i < count; i++)
      creation->kind->note(ctx, creation, i);
   return true;
}

/* Creates them now. The id of what there is not becomes null for the reply. */
static VkResult create_now(struct vps_context *ctx, struct vps_creation *creation, VkPipeline *ids)
{
   vps_creation_run(creation);
   vps_creation_finish(ctx, creation);
   for (uint32_t i = 0; i < creation->count; i++) {
      if (!creation->handles[i])
         ids[i] = VK_NULL_HANDLE;
   }
   return creation->result;
}

VkResult vps_create(struct vps_context *ctx, struct vps_creation *creation, uint32_t count, VkPipeline *ids)
{
   if (!begin_creation(ctx, creation, count, ids) || vps_maker_start(ctx, creation))
      return VK_SUCCESS;
   return create_now(ctx, creation, ids);
}

void vps_handle_vkCreateGraphicsPipelines(struct vps_context *ctx, struct vp_cmd_vkCreateGraphicsPipelines *a)
{
   struct vps_creation creation = {.kind = &graphics, .command.graphics = *a};
   a->ret = vps_create(ctx, &creation, a->createInfoCount, a->pPipelines);
}

void vps_handle_vkCreateComputePipelines(struct vps_context *ctx, struct vp_cmd_vkCreateComputePipelines *a)
{
   struct vps_creation creation = {.kind = &compute, .command.compute = *a};
   a->ret = vps_create(ctx, &creation, a->createInfoCount, a->pPipelines);
}

void vps_handle_vkCreateRayTracingPipelinesKHR(struct vps_context *ctx, struct vp_cmd_vkCreateRayTracingPipelinesKHR *a)
{
   struct vps_creation creation = {.kind = &ray_tracing, .command.ray_tracing = *a};
   a->ret = vps_create(ctx, &creation, a->createInfoCount, a->pPipelines);
}

void vps_handle_vkCreateRayTracingPipelinesNV(struct vps_context *ctx, struct vp_cmd_vkCreateRayTracingPipelinesNV *a)
{
   struct vps_creation creation = {.kind = &ray_tracing_nv, .command.ray_tracing_nv = *a};
   a->ret = vps_create(ctx, &creation, a->createInfoCount, a->pPipelines);
}

/* Several threads may use a cache here, though only one of the application does. */
void vps_handle_vkCreatePipelineCache(struct vps_context *ctx, struct vp_cmd_vkCreatePipelineCache *a)
{
   const struct vps_device_functions *functions = &ctx->used[0]->device->functions;
   VkPipelineCacheCreateInfo info = *a->pCreateInfo;
   VkPipelineCache cache = VK_NULL_HANDLE;

   info.flags &= ~(VkPipelineCacheCreateFlags)VK_PIPELINE_CACHE_CREATE_EXTERNALLY_SYNCHRONIZED_BIT;
   do
      a->ret = functions->CreatePipelineCache(a->device, &info, NULL, &cache);
   while (vps_try_again(ctx, a->ret));
   vps_created(ctx, VK_OBJECT_TYPE_PIPELINE_CACHE, (uint64_t)(uintptr_t)*a->pPipelineCache,
               a->ret < 0 ? 0 : (uint64_t)(uintptr_t)cache, a->ret);
}

/* --- our variants of creation, which tell what pipelines there are and give the driver's feedback back --- */

/* The driver has written into the chain; `room` feedbacks fit. Returns how many there are. */
static uint32_t gather_feedback(const void *chain, VkPipelineCreationFeedback *feedback, uint32_t room)
{
   const VkPipelineCreationFeedbackCreateInfo *node =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO);
   if (!node || room == 0 || !node->pPipelineCreationFeedback)
      return 0;
   const uint32_t stages = node->pPipelineStageCreationFeedbacks ? node->pipelineStageCreationFeedbackCount : 0;
   feedback[0] = *node->pPipelineCreationFeedback;
   for (uint32_t i = 0; i < stages && i < room - 1; i++)
      feedback[i + 1] = node->pPipelineStageCreationFeedbacks[i];
   return stages < room ? stages + 1 : room;
}

/* What the client wants to know of each pipeline. */
struct wanted {
   VkBool32 *created;
   VkPipelineCreationFeedback *feedback;
   uint32_t feedback_count;
};

/* Creates pipelines now and tells what became of them. */
static VkResult create_and_tell(struct vps_context *ctx, struct vps_creation *creation, uint32_t count, VkPipeline *ids,
                                const struct wanted *wanted)
{
   uint32_t done = 0;
   if (!begin_creation(ctx, creation, count, ids))
      return VK_SUCCESS;
   create_now(ctx, creation, ids);
   for (uint32_t i = 0; i < count; i++) {
      wanted->created[i] = creation->handles[i] != VK_NULL_HANDLE;
      if (wanted->feedback)
         done += gather_feedback(creation->kind->look(creation, i).chain, wanted->feedback + done,
                                 wanted->feedback_count - done);
   }
   return creation->result;
}

/* These commands have the same members, of different types. */
#define REQUEST(a)                                                                                      \
   .device = (a)->device, .pipelineCache = (a)->pipelineCache, .createInfoCount = (a)->createInfoCount, \
   .pCreateInfos = (a)->pCreateInfos
#define WANTED(a) (&(struct wanted){(a)->pCreated, (a)->pFeedback, (a)->feedbackCount})

void vps_handle_vkCreateGraphicsPipelinesVP(struct vps_context *ctx, struct vp_cmd_vkCreateGraphicsPipelinesVP *a)
{
   struct vps_creation creation = {.kind = &graphics, .command.graphics = {REQUEST(a)}};
   if (ctx->used[0]->device->functions.CreateGraphicsPipelines)
      a->ret = create_and_tell(ctx, &creation, a->createInfoCount, a->pPipelines, WANTED(a));
   else
      vps_missing_function(ctx);
}

void vps_handle_vkCreateComputePipelinesVP(struct vps_context *ctx, struct vp_cmd_vkCreateComputePipelinesVP *a)
{
   struct vps_creation creation = {.kind = &compute, .command.compute = {REQUEST(a)}};
   if (ctx->used[0]->device->functions.CreateComputePipelines)
      a->ret = create_and_tell(ctx, &creation, a->createInfoCount, a->pPipelines, WANTED(a));
   else
      vps_missing_function(ctx);
}

void vps_handle_vkCreateRayTracingPipelinesVP(struct vps_context *ctx, struct vp_cmd_vkCreateRayTracingPipelinesVP *a)
{
   struct vps_creation creation = {.kind = &ray_tracing, .command.ray_tracing = {REQUEST(a)}};
   if (ctx->used[0]->device->functions.CreateRayTracingPipelinesKHR)
      a->ret = create_and_tell(ctx, &creation, a->createInfoCount, a->pPipelines, WANTED(a));
   else
      vps_missing_function(ctx);
}

void vps_handle_vkCreateRayTracingPipelinesNVVP(struct vps_context *ctx,
                                                struct vp_cmd_vkCreateRayTracingPipelinesNVVP *a)
{
   struct vps_creation creation = {.kind = &ray_tracing_nv, .command.ray_tracing_nv = {REQUEST(a)}};
   if (ctx->used[0]->device->functions.CreateRayTracingPipelinesNV)
      a->ret = create_and_tell(ctx, &creation, a->createInfoCount, a->pPipelines, WANTED(a));
   else
      vps_missing_function(ctx);
}
