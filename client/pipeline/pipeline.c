/* SPDX-License-Identifier: MIT */
#include "client/pipeline/pipeline.h"

#include <string.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/shader_module.h"
#include "client/vp_chains.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#define ARENA_LIMIT ((size_t)1 << 30)

/* With these an application expects to hear that there is no pipeline. */
#define WAIT_FLAGS \
   (VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT | VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT)

VkPipeline vp_pipeline_base(uint64_t flags, VkPipeline handle, int32_t index)
{
   return flags & VK_PIPELINE_CREATE_DERIVATIVE_BIT && index == -1 ? handle : VK_NULL_HANDLE;
}

/* --- creation of several pipelines of one kind --- */

/* Most creations return at once. When the application asks what became of
 * them, our own variant of the command waits and answers that, too. */
struct creation {
   struct vp_device *device;
   const VkAllocationCallbacks *allocator;
   uint32_t count;
   const void *infos; /* the application's, of info_size bytes each */
   size_t info_size;
   VkPipeline *handles; /* for the application */
   struct vp_arena arena;
   bool failed; /* out of memory */
   bool wait;
   VkBool32 *created;                    /* when it waits: which of them there are */
   VkPipelineCreationFeedback *feedback; /* of all that want it: the pipeline's, then its stages' */
   uint32_t feedback_count;
};

static void create_objects(struct creation *c)
{
   for (uint32_t i = 0; i < c->count && !c->failed; i++) {
      struct vp_pipeline *pipeline =
         vp_object_create(&c->device->conn->objects, c->allocator, VK_OBJECT_TYPE_PIPELINE, sizeof(*pipeline));
      c->handles[i] = VP_TO_HANDLE(VkPipeline, pipeline);
      c->failed = !pipeline;
   }
}

/* Returns room for as many create-infos as the application gives; `command` is the one that does not wait. */
static void *creation_begin(struct creation *c, uint32_t command, VkDevice device,
                            const VkAllocationCallbacks *allocator, uint32_t count, const void *given, size_t info_size,
                            VkPipeline *handles)
{
   *c = (struct creation){.device = vp_device_from_handle(device), .count = count, .handles = handles};
   c->wait = vp_device_is_careful(c->device, command);
   c->infos = given;
   c->info_size = info_size;
   c->allocator = vp_allocator(allocator, c->device->allocator);
   vp_arena_init(&c->arena, ARENA_LIMIT);
   memset(handles, 0, count * sizeof(*handles));
   c->created = vp_arena_alloc_array(&c->arena, count, sizeof(*c->created));
   void *clean = vp_arena_alloc_array(&c->arena, count, info_size);
   c->failed = !c->created || !clean;
   create_objects(c);
   return clean;
}

static VkPipelineCreationFeedbackCreateInfo *find_feedback(const void *chain)
{
   return vp_chain_find(chain, VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO);
}

/* A chain that is a copy: what feedback is to overwrite does not travel. */
static void detach_feedback(struct creation *c, void *chain)
{
   VkPipelineCreationFeedbackCreateInfo *node = find_feedback(chain);
   if (!node)
      return;
   const uint32_t stages = node->pipelineStageCreationFeedbackCount;
   VkPipelineCreationFeedback *blank = vp_arena_alloc_array(&c->arena, (size_t)stages + 1, sizeof(*blank));
   if (!blank || stages == UINT32_MAX || c->feedback_count > UINT32_MAX - stages - 1) {
      c->failed = true;
      return;
   }
   node->pPipelineCreationFeedback = blank;
   node->pPipelineStageCreationFeedbacks = stages ? blank + 1 : NULL;
   c->feedback_count += stages + 1;
   c->wait = true;
}

/* Looks at the create-info of pipeline i, whose chain is a copy. */
static void note_info(struct creation *c, uint32_t i, uint64_t flags, const void *chain, uint32_t stage_count,
                      const VkPipelineShaderStageCreateInfo *stages)
{
   VP_FROM_HANDLE(struct vp_pipeline, c->handles[i])->told = flags & VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
   if (flags & WAIT_FLAGS)
      c->wait = true;
   for (uint32_t k = 0; stages && k < stage_count && !c->wait; k++)
      c->wait = !vp_shader_stage_is_sound(&c->arena, &stages[k]);
   detach_feedback(c, (void *)(uintptr_t)chain);
}

static bool creation_is_ready(struct creation *c)
{
   c->feedback = vp_arena_alloc_array(&c->arena, c->feedback_count, sizeof(*c->feedback));
   return c->feedback && !c->failed;
}

/* Gives the application's chain the feedback that begins there; returns where the next begins. */
static const VkPipelineCreationFeedback *deliver_feedback(const void *chain, const VkPipelineCreationFeedback *feedback)
{
   const VkPipelineCreationFeedbackCreateInfo *node = find_feedback(chain);
   if (!node)
      return feedback;
   *node->pPipelineCreationFeedback = *feedback++;
   for (uint32_t i = 0; i < node->pipelineStageCreationFeedbackCount; i++)
      node->pPipelineStageCreationFeedbacks[i] = *feedback++;
   return feedback;
}

/* Ends in the result, with those pipelines that there are. */
static VkResult creation_end(struct creation *c, VkResult result)
{
   const VkPipelineCreationFeedback *feedback = c->feedback;
   for (uint32_t i = 0; i < c->count && c->feedback_count; i++) {
      const VkBaseInStructure *info = (const void *)((const uint8_t *)c->infos + i * c->info_size);
      feedback = deliver_feedback(info->pNext, feedback);
   }
   for (uint32_t i = 0; i < c->count; i++) {
      if (c->wait ? c->created[i] : result == VK_SUCCESS)
         continue;
      vp_pipeline_free(&c->device->conn->objects, c->allocator, VP_FROM_HANDLE(struct vp_pipeline, c->handles[i]));
      c->handles[i] = VK_NULL_HANDLE;
   }
   vp_arena_finish(&c->arena);
   return result;
}

static VkResult creation_fail(struct creation *c)
{
   c->wait = false;
   c->feedback_count = 0;
   return creation_end(c, VK_ERROR_OUT_OF_HOST_MEMORY);
}

/* --- graphics --- */

static VkResult wait_for_graphics(struct creation *c, VkPipelineCache cache, const VkGraphicsPipelineCreateInfo *clean)
{
   struct vp_cmd_vkCreateGraphicsPipelinesVP a = {
      .device = VP_TO_HANDLE(VkDevice, c->device),
      .pipelineCache = cache,
      .createInfoCount = c->count,
      .pCreateInfos = clean,
      .feedbackCount = c->feedback_count,
      .pFeedback = c->feedback,
      .pCreated = c->created,
      .pPipelines = c->handles,
   };
   const VkResult result = vp_call_vkCreateGraphicsPipelinesVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateGraphicsPipelines(VkDevice device, VkPipelineCache pipelineCache,
                                                            uint32_t createInfoCount,
                                                            const VkGraphicsPipelineCreateInfo *pCreateInfos,
                                                            const VkAllocationCallbacks *pAllocator,
                                                            VkPipeline *pPipelines)
{
   struct creation c;
   VkGraphicsPipelineCreateInfo *clean = creation_begin(&c, VP_CMD_vkCreateGraphicsPipelines, device, pAllocator,
                                                        createInfoCount, pCreateInfos, sizeof(*clean), pPipelines);
   for (uint32_t i = 0; i < createInfoCount && !c.failed; i++) {
      struct vp_pipeline *pipeline = VP_FROM_HANDLE(struct vp_pipeline, pPipelines[i]);
      c.failed = !vp_graphics_pipeline_clean(&c.arena, &pCreateInfos[i], &clean[i], &pipeline->facts);
      note_info(&c, i, vp_pipeline_flags(clean[i].flags, clean[i].pNext), clean[i].pNext, clean[i].stageCount,
                clean[i].pStages);
   }
   if (!creation_is_ready(&c))
      return creation_fail(&c);
   if (c.wait)
      return creation_end(&c, wait_for_graphics(&c, pipelineCache, clean));
   const struct vp_cmd_vkCreateGraphicsPipelines a = {
      .device = device,
      .pipelineCache = pipelineCache,
      .createInfoCount = createInfoCount,
      .pCreateInfos = clean,
      .pPipelines = pPipelines,
   };
   return creation_end(&c, vp_send_vkCreateGraphicsPipelines(c.device->conn, &a));
}

/* --- compute --- */

static bool clean_compute(struct vp_arena *arena, const VkComputePipelineCreateInfo *info,
                          VkComputePipelineCreateInfo *clean)
{
   void *chain;
   const bool ok = vp_chain_copy(&vp_chain_VkComputePipelineCreateInfo, arena, info->pNext, &chain);
   *clean = *info;
   clean->pNext = chain;
   clean->basePipelineHandle =
      vp_pipeline_base(vp_pipeline_flags(info->flags, info->pNext), info->basePipelineHandle, info->basePipelineIndex);
   return ok;
}

static VkResult wait_for_compute(struct creation *c, VkPipelineCache cache, const VkComputePipelineCreateInfo *clean)
{
   struct vp_cmd_vkCreateComputePipelinesVP a = {
      .device = VP_TO_HANDLE(VkDevice, c->device),
      .pipelineCache = cache,
      .createInfoCount = c->count,
      .pCreateInfos = clean,
      .feedbackCount = c->feedback_count,
      .pFeedback = c->feedback,
      .pCreated = c->created,
      .pPipelines = c->handles,
   };
   const VkResult result = vp_call_vkCreateComputePipelinesVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateComputePipelines(VkDevice device, VkPipelineCache pipelineCache,
                                                           uint32_t createInfoCount,
                                                           const VkComputePipelineCreateInfo *pCreateInfos,
                                                           const VkAllocationCallbacks *pAllocator,
                                                           VkPipeline *pPipelines)
{
   struct creation c;
   VkComputePipelineCreateInfo *clean = creation_begin(&c, VP_CMD_vkCreateComputePipelines, device, pAllocator,
                                                       createInfoCount, pCreateInfos, sizeof(*clean), pPipelines);
   for (uint32_t i = 0; i < createInfoCount && !c.failed; i++) {
      c.failed = !clean_compute(&c.arena, &pCreateInfos[i], &clean[i]);
      note_info(&c, i, vp_pipeline_flags(clean[i].flags, clean[i].pNext), clean[i].pNext, 1, &clean[i].stage);
   }
   if (!creation_is_ready(&c))
      return creation_fail(&c);
   if (c.wait)
      return creation_end(&c, wait_for_compute(&c, pipelineCache, clean));
   const struct vp_cmd_vkCreateComputePipelines a = {
      .device = device,
      .pipelineCache = pipelineCache,
      .createInfoCount = createInfoCount,
      .pCreateInfos = clean,
      .pPipelines = pPipelines,
   };
   return creation_end(&c, vp_send_vkCreateComputePipelines(c.device->conn, &a));
}

/* --- ray tracing --- */

static bool clean_ray_tracing(struct vp_arena *arena, const VkRayTracingPipelineCreateInfoKHR *info,
                              VkRayTracingPipelineCreateInfoKHR *clean)
{
   void *chain;
   const bool ok = vp_chain_copy(&vp_chain_VkRayTracingPipelineCreateInfoKHR, arena, info->pNext, &chain);
   *clean = *info;
   clean->pNext = chain;
   clean->basePipelineHandle =
      vp_pipeline_base(vp_pipeline_flags(info->flags, info->pNext), info->basePipelineHandle, info->basePipelineIndex);
   return ok;
}

static VkResult wait_for_ray_tracing(struct creation *c, VkPipelineCache cache,
                                     const VkRayTracingPipelineCreateInfoKHR *clean)
{
   struct vp_cmd_vkCreateRayTracingPipelinesVP a = {
      .device = VP_TO_HANDLE(VkDevice, c->device),
      .pipelineCache = cache,
      .createInfoCount = c->count,
      .pCreateInfos = clean,
      .feedbackCount = c->feedback_count,
      .pFeedback = c->feedback,
      .pCreated = c->created,
      .pPipelines = c->handles,
   };
   const VkResult result = vp_call_vkCreateRayTracingPipelinesVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

static VkResult create_ray_tracing(VkDevice device, VkPipelineCache cache, uint32_t count,
                                   const VkRayTracingPipelineCreateInfoKHR *infos,
                                   const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
   struct creation c;
   VkRayTracingPipelineCreateInfoKHR *clean = creation_begin(&c, VP_CMD_vkCreateRayTracingPipelinesKHR, device,
                                                             allocator, count, infos, sizeof(*clean), pipelines);
   for (uint32_t i = 0; i < count && !c.failed; i++) {
      c.failed = !clean_ray_tracing(&c.arena, &infos[i], &clean[i]);
      note_info(&c, i, vp_pipeline_flags(clean[i].flags, clean[i].pNext), clean[i].pNext, clean[i].stageCount,
                clean[i].pStages);
   }
   if (!creation_is_ready(&c))
      return creation_fail(&c);
   if (c.wait)
      return creation_end(&c, wait_for_ray_tracing(&c, cache, clean));
   const struct vp_cmd_vkCreateRayTracingPipelinesKHR a = {
      .device = device,
      .pipelineCache = cache,
      .createInfoCount = count,
      .pCreateInfos = clean,
      .pPipelines = pipelines,
   };
   return creation_end(&c, vp_send_vkCreateRayTracingPipelinesKHR(c.device->conn, &a));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateRayTracingPipelinesKHR(
   VkDevice device, VkDeferredOperationKHR deferredOperation, VkPipelineCache pipelineCache, uint32_t createInfoCount,
   const VkRayTracingPipelineCreateInfoKHR *pCreateInfos, const VkAllocationCallbacks *pAllocator,
   VkPipeline *pPipelines)
{
   const VkResult result =
      create_ray_tracing(device, pipelineCache, createInfoCount, pCreateInfos, pAllocator, pPipelines);
   /* The server's driver compiles while the application goes on: nothing is left to defer. */
   return deferredOperation && result == VK_SUCCESS ? VK_OPERATION_NOT_DEFERRED_KHR : result;
}
