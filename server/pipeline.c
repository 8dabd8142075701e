/* SPDX-License-Identifier: MIT */
#include "server/context.h"
#include "server/device.h"

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
}
