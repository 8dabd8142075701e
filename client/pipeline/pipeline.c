/* SPDX-License-Identifier: MIT */

/* vkCreate*Pipelines return at once, while the server compiles what of the create-infos counts. They wait if the
 * application wants feedback or to hear that there is no pipeline, or if a shader looks wrong. */

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

/* Most creations return at once. When the application asks what became of
 * them, our own variant of the command waits and answers that, too. */
struct creation {
   const struct pipeline_kind *kind;
   struct vp_device *device;
   const VkAllocationCallbacks *allocator;
   VkPipelineCache cache;
   uint32_t count;
   const void *given;   /* the application's create-infos */
   void *infos;         /* copies, which travel */
   VkPipeline *handles; /* for the application */
   struct vp_arena arena;
   bool failed; /* out of memory */
   bool wait;
   VkBool32 *created;                    /* when it waits: which of them there are */
   VkPipelineCreationFeedback *feedback; /* of all that want it: the pipeline's, then its stages' */
   uint32_t feedback_count;
};

/* --- the kinds of pipelines --- */

/* What is in the create-infos of all kinds. */
struct parts {
   VkPipelineCreateFlags flags;
   const void *chain;
   uint32_t stage_count;
   const VkPipelineShaderStageCreateInfo *stages;
   int32_t base_index;
   VkPipeline *base;
};

struct pipeline_kind {
   uint32_t command; /* the one that does not wait */
   size_t info_size;
   const struct vp_chain_table *chain;
   bool (*clean)(struct vp_arena *arena, void *info, struct vp_pipeline_facts *facts); /* NULL: nothing is garbage */
   struct parts (*look)(void *info);
   VkResult (*send)(const struct creation *c);
   VkResult (*wait)(struct creation *c);
};

static bool clean_graphics(struct vp_arena *arena, void *info, struct vp_pipeline_facts *facts)
{
   return vp_graphics_pipeline_clean(arena, info, facts);
}

static struct parts look_at_graphics(void *given)
{
   VkGraphicsPipelineCreateInfo *info = given;
   return (struct parts){
      info->flags, info->pNext, info->stageCount, info->pStages, info->basePipelineIndex, &info->basePipelineHandle};
}

static struct parts look_at_compute(void *given)
{
   VkComputePipelineCreateInfo *info = given;
   return (struct parts){info->flags, info->pNext, 1, &info->stage, info->basePipelineIndex, &info->basePipelineHandle};
}

static struct parts look_at_ray_tracing(void *given)
{
   VkRayTracingPipelineCreateInfoKHR *info = given;
   return (struct parts){
      info->flags, info->pNext, info->stageCount, info->pStages, info->basePipelineIndex, &info->basePipelineHandle};
}

static struct parts look_at_ray_tracing_nv(void *given)
{
   VkRayTracingPipelineCreateInfoNV *info = given;
   return (struct parts){
      info->flags, info->pNext, info->stageCount, info->pStages, info->basePipelineIndex, &info->basePipelineHandle};
}

/* The commands of all kinds have the same members, of different types. */
#define REQUEST(c)                                                                                            \
   .device = VP_TO_HANDLE(VkDevice, (c)->device), .pipelineCache = (c)->cache, .createInfoCount = (c)->count, \
   .pCreateInfos = (c)->infos, .pPipelines = (c)->handles
#define ANSWER(c) .feedbackCount = (c)->feedback_count, .pFeedback = (c)->feedback, .pCreated = (c)->created

static VkResult send_graphics(const struct creation *c)
{
   const struct vp_cmd_vkCreateGraphicsPipelines a = {REQUEST(c)};
   return vp_send_vkCreateGraphicsPipelines(c->device->conn, &a);
}

static VkResult send_compute(const struct creation *c)
{
   const struct vp_cmd_vkCreateComputePipelines a = {REQUEST(c)};
   return vp_send_vkCreateComputePipelines(c->device->conn, &a);
}

static VkResult send_ray_tracing(const struct creation *c)
{
   const struct vp_cmd_vkCreateRayTracingPipelinesKHR a = {REQUEST(c)};
   return vp_send_vkCreateRayTracingPipelinesKHR(c->device->conn, &a);
}

static VkResult send_ray_tracing_nv(const struct creation *c)
{
   const struct vp_cmd_vkCreateRayTracingPipelinesNV a = {REQUEST(c)};
   return vp_send_vkCreateRayTracingPipelinesNV(c->device->conn, &a);
}

static VkResult wait_for_graphics(struct creation *c)
{
   struct vp_cmd_vkCreateGraphicsPipelinesVP a = {REQUEST(c), ANSWER(c)};
   const VkResult result = vp_call_vkCreateGraphicsPipelinesVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

static VkResult wait_for_compute(struct creation *c)
{
   struct vp_cmd_vkCreateComputePipelinesVP a = {REQUEST(c), ANSWER(c)};
   const VkResult result = vp_call_vkCreateComputePipelinesVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

static VkResult wait_for_ray_tracing(struct creation *c)
{
   struct vp_cmd_vkCreateRayTracingPipelinesVP a = {REQUEST(c), ANSWER(c)};
   const VkResult result = vp_call_vkCreateRayTracingPipelinesVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

static VkResult wait_for_ray_tracing_nv(struct creation *c)
{
   struct vp_cmd_vkCreateRayTracingPipelinesNVVP a = {REQUEST(c), ANSWER(c)};
   const VkResult result = vp_call_vkCreateRayTracingPipelinesNVVP(c->device->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

static const struct pipeline_kind graphics = {
   .command = VP_CMD_vkCreateGraphicsPipelines,
   .info_size = sizeof(VkGraphicsPipelineCreateInfo),
   .chain = &vp_chain_VkGraphicsPipelineCreateInfo,
   .clean = clean_graphics,
   .look = look_at_graphics,
   .send = send_graphics,
   .wait = wait_for_graphics,
};

static const struct pipeline_kind compute = {
   .command = VP_CMD_vkCreateComputePipelines,
   .info_size = sizeof(VkComputePipelineCreateInfo),
   .chain = &vp_chain_VkComputePipelineCreateInfo,
   .look = look_at_compute,
   .send = send_compute,
   .wait = wait_for_compute,
};

static const struct pipeline_kind ray_tracing = {
   .command = VP_CMD_vkCreateRayTracingPipelinesKHR,
   .info_size = sizeof(VkRayTracingPipelineCreateInfoKHR),
   .chain = &vp_chain_VkRayTracingPipelineCreateInfoKHR,
   .look = look_at_ray_tracing,
   .send = send_ray_tracing,
   .wait = wait_for_ray_tracing,
};

static const struct pipeline_kind ray_tracing_nv = {
   .command = VP_CMD_vkCreateRayTracingPipelinesNV,
   .info_size = sizeof(VkRayTracingPipelineCreateInfoNV),
   .chain = &vp_chain_VkRayTracingPipelineCreateInfoNV,
   .look = look_at_ray_tracing_nv,
   .send = send_ray_tracing_nv,
   .wait = wait_for_ray_tracing_nv,
};

/* --- creation of several pipelines of one kind --- */

static const void *given_info(const struct creation *c, uint32_t i)
{
   return (const uint8_t *)c->given + i * c->kind->info_size;
}

static void create_objects(struct creation *c)
{
   for (uint32_t i = 0; i < c->count && !c->failed; i++) {
      struct vp_pipeline *pipeline =
         vp_object_create(&c->device->conn->objects, c->allocator, VK_OBJECT_TYPE_PIPELINE, sizeof(*pipeline));
      c->handles[i] = VP_TO_HANDLE(VkPipeline, pipeline);
      c->failed = !pipeline;
   }
}

static void creation_begin(struct creation *c)
{
   c->wait = vp_device_is_careful(c->device, c->kind->command);
   vp_arena_init(&c->arena, ARENA_LIMIT);
   memset(c->handles, 0, c->count * sizeof(*c->handles));
   c->created = vp_arena_alloc_array(&c->arena, c->count, sizeof(*c->created));
   c->infos = vp_arena_alloc_array(&c->arena, c->count, c->kind->info_size);
   c->failed = !c->created || !c->infos;
   create_objects(c);
}

static VkPipelineCreationFeedbackCreateInfo *find_feedback(const void *chain)
{
   return vp_chain_find(chain, VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO);
}

/* What feedback is to overwrite does not travel. */
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

/* A copy of what of a create-info counts. */
static bool copy_info(const struct pipeline_kind *kind, struct vp_arena *arena, const void *given, void *copy,
                      struct vp_pipeline_facts *facts)
{
   VkBaseOutStructure *base = copy;
   void *chain;
   memcpy(copy, given, kind->info_size);
   const bool ok = vp_chain_copy(kind->chain, arena, base->pNext, &chain);
   base->pNext = chain;
   return ok && (!kind->clean || kind->clean(arena, copy, facts));
}

/* What a pipeline is derived from may be garbage where it does not count. */
static void drop_base(const struct parts *parts, uint64_t flags)
{
   if (!(flags & VK_PIPELINE_CREATE_DERIVATIVE_BIT) || parts->base_index != -1)
      *parts->base = VK_NULL_HANDLE;
}

/* Whether the driver might refuse the pipeline, or the application expects to hear that there is none. */
static bool is_doubtful(struct creation *c, uint64_t flags, const struct parts *parts)
{
   bool doubtful = flags & WAIT_FLAGS;
   for (uint32_t i = 0; parts->stages && i < parts->stage_count && !doubtful; i++)
      doubtful = !vp_shader_stage_is_sound(&c->arena, &parts->stages[i]);
   return doubtful;
}

static void prepare_info(struct creation *c, uint32_t i)
{
   void *info = (uint8_t *)c->infos + i * c->kind->info_size;
   struct vp_pipeline *pipeline = VP_FROM_HANDLE(struct vp_pipeline, c->handles[i]);
   c->failed = !copy_info(c->kind, &c->arena, given_info(c, i), info, &pipeline->facts);
   if (c->failed)
      return;
   const struct parts parts = c->kind->look(info);
   const uint64_t flags = vp_pipeline_flags(parts.flags, parts.chain);
   drop_base(&parts, flags);
   pipeline->told = flags & VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
   c->wait = c->wait || is_doubtful(c, flags, &parts);
   detach_feedback(c, (void *)(uintptr_t)parts.chain);
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
      const VkBaseInStructure *info = given_info(c, i);
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

static VkResult create_of_kind(const struct pipeline_kind *kind, VkDevice device, VkPipelineCache cache, uint32_t count,
                               const void *infos, const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
   struct creation c = {.kind = kind,
                        .device = vp_device_from_handle(device),
                        .cache = cache,
                        .count = count,
                        .given = infos,
                        .handles = pipelines};
   c.allocator = vp_allocator(allocator, c.device->allocator);
   creation_begin(&c);
   for (uint32_t i = 0; i < count && !c.failed; i++)
      prepare_info(&c, i);
   if (!creation_is_ready(&c))
      return creation_fail(&c);
   return creation_end(&c, c.wait ? kind->wait(&c) : kind->send(&c));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateGraphicsPipelines(VkDevice device, VkPipelineCache pipelineCache,
                                                            uint32_t createInfoCount,
                                                            const VkGraphicsPipelineCreateInfo *pCreateInfos,
                                                            const VkAllocationCallbacks *pAllocator,
                                                            VkPipeline *pPipelines)
{
   return create_of_kind(&graphics, device, pipelineCache, createInfoCount, pCreateInfos, pAllocator, pPipelines);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateComputePipelines(VkDevice device, VkPipelineCache pipelineCache,
                                                           uint32_t createInfoCount,
                                                           const VkComputePipelineCreateInfo *pCreateInfos,
                                                           const VkAllocationCallbacks *pAllocator,
                                                           VkPipeline *pPipelines)
{
   return create_of_kind(&compute, device, pipelineCache, createInfoCount, pCreateInfos, pAllocator, pPipelines);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateRayTracingPipelinesKHR(
   VkDevice device, VkDeferredOperationKHR deferredOperation, VkPipelineCache pipelineCache, uint32_t createInfoCount,
   const VkRayTracingPipelineCreateInfoKHR *pCreateInfos, const VkAllocationCallbacks *pAllocator,
   VkPipeline *pPipelines)
{
   const VkResult result =
      create_of_kind(&ray_tracing, device, pipelineCache, createInfoCount, pCreateInfos, pAllocator, pPipelines);
   /* The server's driver compiles while the application goes on: nothing is left to defer. */
   return deferredOperation && result == VK_SUCCESS ? VK_OPERATION_NOT_DEFERRED_KHR : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateRayTracingPipelinesNV(VkDevice device, VkPipelineCache pipelineCache,
                                                                uint32_t createInfoCount,
                                                                const VkRayTracingPipelineCreateInfoNV *pCreateInfos,
                                                                const VkAllocationCallbacks *pAllocator,
                                                                VkPipeline *pPipelines)
{
   return create_of_kind(&ray_tracing_nv, device, pipelineCache, createInfoCount, pCreateInfos, pAllocator, pPipelines);
}

/* --- create-infos of which no pipeline is made --- */

/* A copy for the server of one of them; NULL without memory. */
static void *copy_for_key(const struct pipeline_kind *kind, struct vp_arena *arena, const void *given)
{
   struct vp_pipeline_facts facts = {0};
   void *copy = vp_arena_alloc(arena, kind->info_size);
   if (!copy || !copy_info(kind, arena, given, copy, &facts))
      return NULL;
   const struct parts parts = kind->look(copy);
   VkPipelineCreationFeedbackCreateInfo *feedback = find_feedback(parts.chain);
   drop_base(&parts, vp_pipeline_flags(parts.flags, parts.chain));
   if (feedback) {
      feedback->pPipelineCreationFeedback = vp_arena_alloc(arena, sizeof(*feedback->pPipelineCreationFeedback));
      feedback->pipelineStageCreationFeedbackCount = 0;
      feedback->pPipelineStageCreationFeedbacks = NULL;
   }
   return feedback && !feedback->pPipelineCreationFeedback ? NULL : copy;
}

bool vp_pipeline_copy_infos(struct vp_arena *arena, const void *chain, struct VkPipelineInfosVP *infos)
{
   const void *given_graphics = vp_chain_find(chain, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO);
   const void *given_compute = vp_chain_find(chain, VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
   const void *given_rays = vp_chain_find(chain, VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_CREATE_INFO_KHR);
   *infos = (VkPipelineInfosVP){0};
   if (given_graphics) {
      infos->pGraphics = copy_for_key(&graphics, arena, given_graphics);
      infos->graphicsCount = 1;
      return infos->pGraphics;
   }
   if (given_compute) {
      infos->pCompute = copy_for_key(&compute, arena, given_compute);
      infos->computeCount = 1;
      return infos->pCompute;
   }
   if (given_rays) {
      infos->pRayTracing = copy_for_key(&ray_tracing, arena, given_rays);
      infos->rayTracingCount = 1;
      return infos->pRayTracing;
   }
   return true;
}

#ifdef VK_NV_device_generated_commands_compute

VKAPI_ATTR void VKAPI_CALL vp_vkGetPipelineIndirectMemoryRequirementsNV(VkDevice handle,
                                                                        const VkComputePipelineCreateInfo *pCreateInfo,
                                                                        VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkComputePipelineCreateInfo info = *pCreateInfo;
   struct vp_cmd_vkGetPipelineIndirectMemoryRequirementsNV a = {
      .device = handle, .pCreateInfo = &info, .pMemoryRequirements = pMemoryRequirements};
   info.basePipelineHandle = VK_NULL_HANDLE; /* it may be garbage */
   info.basePipelineIndex = -1;
   vp_ask_vkGetPipelineIndirectMemoryRequirementsNV(&device->cache, device->conn, &a);
}

#endif
