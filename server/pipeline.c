/* SPDX-License-Identifier: MIT */
#include "server/pipeline.h"

#include <stdlib.h>

#include "server/context.h"
#include "server/device.h"
#include "server/executables.h"
#include "server/reserve.h"
#include "server/spirv.h"
#include "server/writes.h"

/* --- what shaders write to --- */

/* The state of a shader module or a pipeline is what it writes to (struct vps_stores); NULL when that is not known. */

static const struct vps_stores anything = {.classes = VPS_WRITES_SHADERS};

const struct vps_stores *vps_pipeline_stores(const struct vps_object *pipeline)
{
   return pipeline->state ? pipeline->state : &anything;
}

static void set_stores(struct vps_object *object, const struct vps_stores *stores)
{
   if (!object || object->poison || object->state || stores->classes == VPS_WRITES_SHADERS)
      return;
   struct vps_stores *copy = malloc(sizeof(*copy));
   if (!copy)
      return;
   *copy = *stores;
   object->state = copy;
   object->release = free;
}

static struct vps_stores find_stores(const VkShaderModuleCreateInfo *info)
{
   return info && info->pCode ? vps_spirv_find_stores(info->pCode, info->codeSize / 4) : anything;
}

void vps_observe_vkCreateShaderModule(struct vp_context *ctx, const struct vp_cmd_vkCreateShaderModule *a)
{
   const struct vps_stores stores = find_stores(a->pCreateInfo);

   set_stores(vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pShaderModule), &stores);
}

/* Adds what the object that the command uses under this driver's handle writes to. */
static void add_used(struct vps_stores *stores, const struct vp_context *ctx, int32_t type, uint64_t handle)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == type && ctx->used[i]->handle == handle && ctx->used[i]->state) {
         vps_stores_add(stores, ctx->used[i]->state);
         return;
      }
   }
   vps_stores_add(stores, &anything);
}

static const void *find_node(const void *chain, VkStructureType type)
{
   const VkBaseInStructure *node = chain;
   while (node && node->sType != type)
      node = node->pNext;
   return node;
}

/* The code of a stage is in a module or given directly. It can also be only named. */
static void add_stage(struct vps_stores *stores, const struct vp_context *ctx,
                      const VkPipelineShaderStageCreateInfo *stage)
{
   if (stage->module) {
      add_used(stores, ctx, VK_OBJECT_TYPE_SHADER_MODULE, (uint64_t)(uintptr_t)stage->module);
   } else {
      const struct vps_stores code = find_stores(find_node(stage->pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO));
      vps_stores_add(stores, &code);
   }
}

static void add_stages(struct vps_stores *stores, const struct vp_context *ctx,
                       const VkPipelineShaderStageCreateInfo *stages, uint32_t count)
{
   for (uint32_t i = 0; stages && i < count; i++)
      add_stage(stores, ctx, &stages[i]);
}

static void add_libraries(struct vps_stores *stores, const struct vp_context *ctx,
                          const VkPipelineLibraryCreateInfoKHR *info)
{
   for (uint32_t i = 0; info && i < info->libraryCount; i++)
      add_used(stores, ctx, VK_OBJECT_TYPE_PIPELINE, (uint64_t)(uintptr_t)info->pLibraries[i]);
}

/* A pipeline that was created is known by its id. */
static struct vps_object *find_pipeline(struct vp_context *ctx, VkPipeline id)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)id);

   return object && object->type == VK_OBJECT_TYPE_PIPELINE && !object->poison ? object : NULL;
}

static void tell_executables(struct vp_context *ctx, VkPipeline id, VkPipelineCreateFlags flags, const void *chain)
{
   const struct vps_object *object = find_pipeline(ctx, id);

   if (object)
      vps_executables_tell(object->device, object->id, (VkPipeline)(uintptr_t)object->handle, flags, chain);
}

static void observe_graphics(struct vp_context *ctx, uint32_t count, const VkGraphicsPipelineCreateInfo *infos,
                             const VkPipeline *ids)
{
   for (uint32_t i = 0; i < count; i++) {
      struct vps_stores stores = {0};
      tell_executables(ctx, ids[i], infos[i].flags, infos[i].pNext);
      if (find_node(infos[i].pNext, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV))
         continue;
      add_stages(&stores, ctx, infos[i].pStages, infos[i].stageCount);
      add_libraries(&stores, ctx, find_node(infos[i].pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR));
      set_stores(find_pipeline(ctx, ids[i]), &stores);
   }
}

static void observe_compute(struct vp_context *ctx, uint32_t count, const VkComputePipelineCreateInfo *infos,
                            const VkPipeline *ids)
{
   for (uint32_t i = 0; i < count; i++) {
      struct vps_stores stores = {0};
      tell_executables(ctx, ids[i], infos[i].flags, infos[i].pNext);
      add_stage(&stores, ctx, &infos[i].stage);
      set_stores(find_pipeline(ctx, ids[i]), &stores);
   }
}

static void observe_ray_tracing(struct vp_context *ctx, uint32_t count, const VkRayTracingPipelineCreateInfoKHR *infos,
                                const VkPipeline *ids)
{
   for (uint32_t i = 0; i < count; i++) {
      struct vps_stores stores = {0};
      tell_executables(ctx, ids[i], infos[i].flags, infos[i].pNext);
      add_stages(&stores, ctx, infos[i].pStages, infos[i].stageCount);
      add_libraries(&stores, ctx, infos[i].pLibraryInfo);
      set_stores(find_pipeline(ctx, ids[i]), &stores);
   }
}

void vps_observe_vkCreateGraphicsPipelines(struct vp_context *ctx, const struct vp_cmd_vkCreateGraphicsPipelines *a)
{
   observe_graphics(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}

void vps_observe_vkCreateComputePipelines(struct vp_context *ctx, const struct vp_cmd_vkCreateComputePipelines *a)
{
   observe_compute(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}

void vps_observe_vkCreateRayTracingPipelinesKHR(struct vp_context *ctx,
                                                const struct vp_cmd_vkCreateRayTracingPipelinesKHR *a)
{
   observe_ray_tracing(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}

/* --- creation --- */

/* Our variants of pipeline creation tell which pipelines there are, and give the driver's feedback back. */

/* The driver has written into the chain; `room` feedbacks fit. Returns how many there are. */
static uint32_t gather_feedback(const void *chain, VkPipelineCreationFeedback *feedback, uint32_t room)
{
   const VkBaseInStructure *in = chain;
   while (in && in->sType != VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO)
      in = in->pNext;
   const VkPipelineCreationFeedbackCreateInfo *node = (const void *)in;
   if (!node || room == 0 || !node->pPipelineCreationFeedback)
      return 0;
   const uint32_t stages = node->pPipelineStageCreationFeedbacks ? node->pipelineStageCreationFeedbackCount : 0;
   feedback[0] = *node->pPipelineCreationFeedback;
   for (uint32_t i = 0; i < stages && i < room - 1; i++)
      feedback[i + 1] = node->pPipelineStageCreationFeedbacks[i];
   return stages < room ? stages + 1 : room;
}

static void enter_pipelines(struct vp_context *ctx, VkResult result, uint32_t count, const VkPipeline *ids,
                            const VkPipeline *handles, VkBool32 *created)
{
   for (uint32_t i = 0; i < count && !ctx->failed; i++)
      created[i] = vps_created(ctx, VK_OBJECT_TYPE_PIPELINE, (uint64_t)(uintptr_t)ids[i],
                               (uint64_t)(uintptr_t)handles[i], result) != NULL;
}

/* Whether all of them should be created again; those that there are go. */
static bool try_again(struct vp_context *ctx, VkResult result, uint32_t count, VkPipeline *handles)
{
   if (!vps_try_again(ctx, result))
      return false;
   for (uint32_t i = 0; i < count; i++) {
      ctx->used[0]->device->functions.DestroyPipeline(ctx->used[0]->device->handle, handles[i], NULL);
      handles[i] = VK_NULL_HANDLE;
   }
   return true;
}

void vp_handle_vkCreateGraphicsPipelinesVP(struct vp_context *ctx, struct vp_cmd_vkCreateGraphicsPipelinesVP *a)
{
   const PFN_vkCreateGraphicsPipelines create = ctx->used[0]->device->functions.CreateGraphicsPipelines;
   VkPipeline *handles = vps_alloc(ctx, a->createInfoCount, sizeof(*handles));
   uint32_t done = 0;

   if (!create)
      vps_missing_function(ctx);
   if (!create || !handles)
      return;
   do
      a->ret = create(a->device, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, handles);
   while (try_again(ctx, a->ret, a->createInfoCount, handles));
   for (uint32_t i = 0; a->pFeedback && i < a->createInfoCount; i++)
      done += gather_feedback(a->pCreateInfos[i].pNext, a->pFeedback + done, a->feedbackCount - done);
   enter_pipelines(ctx, a->ret, a->createInfoCount, a->pPipelines, handles, a->pCreated);
   observe_graphics(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}

void vp_handle_vkCreateComputePipelinesVP(struct vp_context *ctx, struct vp_cmd_vkCreateComputePipelinesVP *a)
{
   const PFN_vkCreateComputePipelines create = ctx->used[0]->device->functions.CreateComputePipelines;
   VkPipeline *handles = vps_alloc(ctx, a->createInfoCount, sizeof(*handles));
   uint32_t done = 0;

   if (!create)
      vps_missing_function(ctx);
   if (!create || !handles)
      return;
   do
      a->ret = create(a->device, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, handles);
   while (try_again(ctx, a->ret, a->createInfoCount, handles));
   for (uint32_t i = 0; a->pFeedback && i < a->createInfoCount; i++)
      done += gather_feedback(a->pCreateInfos[i].pNext, a->pFeedback + done, a->feedbackCount - done);
   enter_pipelines(ctx, a->ret, a->createInfoCount, a->pPipelines, handles, a->pCreated);
   observe_compute(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}

void vp_handle_vkCreateRayTracingPipelinesVP(struct vp_context *ctx, struct vp_cmd_vkCreateRayTracingPipelinesVP *a)
{
   const PFN_vkCreateRayTracingPipelinesKHR create = ctx->used[0]->device->functions.CreateRayTracingPipelinesKHR;
   VkPipeline *handles = vps_alloc(ctx, a->createInfoCount, sizeof(*handles));
   uint32_t done = 0;

   if (!create)
      vps_missing_function(ctx);
   if (!create || !handles)
      return;
   do
      a->ret = create(a->device, VK_NULL_HANDLE, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, handles);
   while (try_again(ctx, a->ret, a->createInfoCount, handles));
   for (uint32_t i = 0; a->pFeedback && i < a->createInfoCount; i++)
      done += gather_feedback(a->pCreateInfos[i].pNext, a->pFeedback + done, a->feedbackCount - done);
   enter_pipelines(ctx, a->ret, a->createInfoCount, a->pPipelines, handles, a->pCreated);
   observe_ray_tracing(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}
