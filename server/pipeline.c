/* SPDX-License-Identifier: MIT */
#include "server/pipeline.h"

#include "server/context.h"
#include "server/device.h"
#include "server/spirv.h"

/* --- what shaders write to --- */

/* The state of a shader module or a pipeline that only reads; the state of all others is NULL. */
static char only_reads;

bool vps_pipeline_only_reads(const struct vps_object *pipeline)
{
   return pipeline->state != NULL;
}

static bool code_only_reads(const VkShaderModuleCreateInfo *info)
{
   return info->pCode && !vps_spirv_may_write(info->pCode, info->codeSize / 4);
}

void vps_observe_vkCreateShaderModule(struct vp_context *ctx, const struct vp_cmd_vkCreateShaderModule *a)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)*a->pShaderModule);

   if (object && code_only_reads(a->pCreateInfo))
      object->state = &only_reads;
}

/* Whether the object that the command uses under this driver's handle only reads. */
static bool used_only_reads(const struct vp_context *ctx, int32_t type, uint64_t handle)
{
   for (unsigned i = 0; i < ctx->used_count; i++) {
      if (ctx->used[i]->type == type && ctx->used[i]->handle == handle)
         return ctx->used[i]->state != NULL;
   }
   return false;
}

static const void *find_node(const void *chain, VkStructureType type)
{
   const VkBaseInStructure *node = chain;
   while (node && node->sType != type)
      node = node->pNext;
   return node;
}

/* The code of a stage is in a module or given directly. It can also be only named. */
static bool stage_only_reads(const struct vp_context *ctx, const VkPipelineShaderStageCreateInfo *stage)
{
   const VkShaderModuleCreateInfo *code = find_node(stage->pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);

   if (stage->module)
      return used_only_reads(ctx, VK_OBJECT_TYPE_SHADER_MODULE, (uint64_t)(uintptr_t)stage->module);
   return code && code_only_reads(code);
}

static bool stages_only_read(const struct vp_context *ctx, const VkPipelineShaderStageCreateInfo *stages,
                             uint32_t count)
{
   for (uint32_t i = 0; stages && i < count; i++) {
      if (!stage_only_reads(ctx, &stages[i]))
         return false;
   }
   return true;
}

static bool libraries_only_read(const struct vp_context *ctx, const VkPipelineLibraryCreateInfoKHR *info)
{
   for (uint32_t i = 0; info && i < info->libraryCount; i++) {
      if (!used_only_reads(ctx, VK_OBJECT_TYPE_PIPELINE, (uint64_t)(uintptr_t)info->pLibraries[i]))
         return false;
   }
   return true;
}

static bool graphics_only_reads(const struct vp_context *ctx, const VkGraphicsPipelineCreateInfo *info)
{
   return !find_node(info->pNext, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV) &&
          stages_only_read(ctx, info->pStages, info->stageCount) &&
          libraries_only_read(ctx, find_node(info->pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR));
}

static bool ray_tracing_only_reads(const struct vp_context *ctx, const VkRayTracingPipelineCreateInfoKHR *info)
{
   return stages_only_read(ctx, info->pStages, info->stageCount) && libraries_only_read(ctx, info->pLibraryInfo);
}

/* A pipeline that was created is known by its id. */
static void set_only_reads(struct vp_context *ctx, VkPipeline id)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)id);

   if (object && object->type == VK_OBJECT_TYPE_PIPELINE)
      object->state = &only_reads;
}

static void observe_graphics(struct vp_context *ctx, uint32_t count, const VkGraphicsPipelineCreateInfo *infos,
                             const VkPipeline *ids)
{
   for (uint32_t i = 0; i < count; i++) {
      if (graphics_only_reads(ctx, &infos[i]))
         set_only_reads(ctx, ids[i]);
   }
}

static void observe_compute(struct vp_context *ctx, uint32_t count, const VkComputePipelineCreateInfo *infos,
                            const VkPipeline *ids)
{
   for (uint32_t i = 0; i < count; i++) {
      if (stage_only_reads(ctx, &infos[i].stage))
         set_only_reads(ctx, ids[i]);
   }
}

static void observe_ray_tracing(struct vp_context *ctx, uint32_t count, const VkRayTracingPipelineCreateInfoKHR *infos,
                                const VkPipeline *ids)
{
   for (uint32_t i = 0; i < count; i++) {
      if (ray_tracing_only_reads(ctx, &infos[i]))
         set_only_reads(ctx, ids[i]);
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

void vp_handle_vkCreateGraphicsPipelinesVP(struct vp_context *ctx, struct vp_cmd_vkCreateGraphicsPipelinesVP *a)
{
   const PFN_vkCreateGraphicsPipelines create = ctx->used[0]->device->functions.CreateGraphicsPipelines;
   VkPipeline *handles = vps_alloc(ctx, a->createInfoCount, sizeof(*handles));
   uint32_t done = 0;

   if (!create)
      vps_missing_function(ctx);
   if (!create || !handles)
      return;
   a->ret = create(a->device, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, handles);
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
   a->ret = create(a->device, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, handles);
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
   a->ret = create(a->device, VK_NULL_HANDLE, a->pipelineCache, a->createInfoCount, a->pCreateInfos, NULL, handles);
   for (uint32_t i = 0; a->pFeedback && i < a->createInfoCount; i++)
      done += gather_feedback(a->pCreateInfos[i].pNext, a->pFeedback + done, a->feedbackCount - done);
   enter_pipelines(ctx, a->ret, a->createInfoCount, a->pPipelines, handles, a->pCreated);
   observe_ray_tracing(ctx, a->createInfoCount, a->pCreateInfos, a->pPipelines);
}
