/* SPDX-License-Identifier: MIT */

/* What pipelines are made of: places of tables that drivers look things up in. */

#include "common/wire/chain.h"
#include "common/wire/spirv.h"
#include "server/check/check.h"
#include "server/core/device.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/render_pass.h"
#include "server/pipeline/shader_object.h"
#include "server/vp_dispatch.h"

/* Stages that newer headers name. */
#define GRAPHICS_STAGES ((VkShaderStageFlags)0x800df) /* with task, mesh and cluster culling shaders */
#define COMPUTE_STAGES ((VkShaderStageFlags)0x4020)   /* with subpass shading */
#define RAY_STAGES ((VkShaderStageFlags)0x3f00)

#define SHADER_GROUPS VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV

/* VkPipelineCreateFlags2CreateInfo, which replaces the flags. */
#define STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2 ((VkStructureType)1000470005)

/* Drivers make a table with a place for each id. What is in another order of bytes, or no SPIR-V at all, is theirs to
 * refuse. */
static bool check_code(struct vps_context *ctx, const uint32_t *code, size_t size)
{
   if (size < VP_SPIRV_HEADER_WORDS * sizeof(uint32_t) || size % sizeof(uint32_t) != 0) {
      vps_fail(ctx, "%zu bytes are no SPIR-V", size);
      return false;
   }
   if (code[0] == VP_SPIRV_MAGIC && code[VP_SPIRV_BOUND] > VP_SPIRV_MAX_BOUND) {
      vps_fail(ctx, "a shader has ids up to %u, which is more than SPIR-V allows", code[VP_SPIRV_BOUND]);
      return false;
   }
   return true;
}

bool vps_check_vkCreateShaderModule(struct vps_context *ctx, const struct vp_cmd_vkCreateShaderModule *a)
{
   return check_code(ctx, a->pCreateInfo->pCode, a->pCreateInfo->codeSize);
}

static bool check_constants(struct vps_context *ctx, const VkSpecializationInfo *info)
{
   for (uint32_t i = 0; i < info->mapEntryCount; i++) {
      const VkSpecializationMapEntry *entry = &info->pMapEntries[i];
      if (!vps_fits(entry->offset, entry->size, info->dataSize))
         return vps_refuse_range(ctx, "the specialization data", entry->offset, entry->size, info->dataSize);
   }
   return true;
}

static bool check_stage_bit(struct vps_context *ctx, VkShaderStageFlags bits, VkShaderStageFlags known)
{
   const bool ok = (bits & known) && !(bits & (bits - 1));

   if (!ok)
      vps_fail(ctx, "%#x is no stage that is possible here", bits);
   return ok;
}

static bool check_stage(struct vps_context *ctx, const VkPipelineShaderStageCreateInfo *stage, VkShaderStageFlags known)
{
   const VkShaderModuleCreateInfo *code = vp_chain_find(stage->pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);

   return check_stage_bit(ctx, stage->stage, known) && (!code || check_code(ctx, code->pCode, code->codeSize)) &&
          (!stage->pSpecializationInfo || check_constants(ctx, stage->pSpecializationInfo));
}

static bool check_stages(struct vps_context *ctx, uint32_t count, const VkPipelineShaderStageCreateInfo *stages,
                         VkShaderStageFlags known)
{
   if (count && !stages) {
      vps_fail(ctx, "pStages is missing");
      return false;
   }
   for (uint32_t i = 0; i < count; i++) {
      if (!check_stage(ctx, &stages[i], known))
         return false;
   }
   return true;
}

/* A derivative names a pipeline that is created before it. */
static bool check_base(struct vps_context *ctx, VkPipelineCreateFlags flags, const void *chain, int32_t base,
                       uint32_t number)
{
   const bool derives =
      (flags & VK_PIPELINE_CREATE_DERIVATIVE_BIT) && !vp_chain_find(chain, STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2);
   const bool ok = !derives || base == -1 || (base >= 0 && (uint32_t)base < number);

   if (!ok)
      vps_fail(ctx, "there is no pipeline %d before this one", base);
   return ok;
}

/* --- graphics --- */

static bool check_vertex_input(struct vps_context *ctx, const VkPipelineVertexInputStateCreateInfo *info)
{
   const struct vps_limits *limits = &ctx->used[0]->device->limits;
   bool ok = true;

   for (uint32_t i = 0; i < info->vertexBindingDescriptionCount && ok; i++)
      ok = vps_check_slots(ctx, info->pVertexBindingDescriptions[i].binding, 1, limits->maxVertexInputBindings,
                           "maxVertexInputBindings");
   for (uint32_t i = 0; i < info->vertexAttributeDescriptionCount && ok; i++) {
      const VkVertexInputAttributeDescription *attribute = &info->pVertexAttributeDescriptions[i];
      ok = vps_check_slots(ctx, attribute->location, 1, limits->maxVertexInputAttributes, "maxVertexInputAttributes") &&
           vps_check_slots(ctx, attribute->binding, 1, limits->maxVertexInputBindings, "maxVertexInputBindings");
   }
   return ok;
}

static bool check_graphics_counts(struct vps_context *ctx, const VkGraphicsPipelineCreateInfo *info)
{
   const VkPipelineRenderingCreateInfo *rendering =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO);
   const struct vps_limits *limits = &ctx->used[0]->device->limits;
   const VkPipelineViewportStateCreateInfo *viewports = info->pViewportState;
   const VkPipelineColorBlendStateCreateInfo *blend = info->pColorBlendState;

   return (!viewports || (vps_check_slots(ctx, 0, viewports->viewportCount, limits->maxViewports, "maxViewports") &&
                          vps_check_slots(ctx, 0, viewports->scissorCount, limits->maxViewports, "maxViewports"))) &&
          (!blend ||
           vps_check_slots(ctx, 0, blend->attachmentCount, limits->maxColorAttachments, "maxColorAttachments")) &&
          (!rendering || vps_check_slots(ctx, 0, rendering->colorAttachmentCount, limits->maxColorAttachments,
                                         "maxColorAttachments"));
}

/* The object that the command uses under the driver's handle of a render pass. */
static bool check_pipeline_subpass(struct vps_context *ctx, const VkGraphicsPipelineCreateInfo *info)
{
   for (unsigned i = 0; info->renderPass && i < ctx->used_count; i++) {
      const struct vps_object *object = ctx->used[i];
      if (object->type == VK_OBJECT_TYPE_RENDER_PASS && object->handle == (uint64_t)(uintptr_t)info->renderPass)
         return vps_render_pass_has_subpass(ctx, object, info->subpass);
   }
   return true;
}

/* Groups of shaders have stages and a vertex input of their own. */
static bool check_shader_groups(struct vps_context *ctx, const VkGraphicsPipelineShaderGroupsCreateInfoNV *info)
{
   bool ok = true;

   for (uint32_t i = 0; info && i < info->groupCount && ok; i++)
      ok = check_stages(ctx, info->pGroups[i].stageCount, info->pGroups[i].pStages, GRAPHICS_STAGES) &&
           (!info->pGroups[i].pVertexInputState || check_vertex_input(ctx, info->pGroups[i].pVertexInputState));
   return ok;
}

static bool check_graphics(struct vps_context *ctx, uint32_t count, const VkGraphicsPipelineCreateInfo *infos)
{
   for (uint32_t i = 0; i < count; i++) {
      const VkGraphicsPipelineCreateInfo *info = &infos[i];
      if (!check_stages(ctx, info->stageCount, info->pStages, GRAPHICS_STAGES) ||
          !check_base(ctx, info->flags, info->pNext, info->basePipelineIndex, i) ||
          (info->pVertexInputState && !check_vertex_input(ctx, info->pVertexInputState)) ||
          !check_shader_groups(ctx, vp_chain_find(info->pNext, SHADER_GROUPS)) || !check_graphics_counts(ctx, info) ||
          !check_pipeline_subpass(ctx, info))
         return false;
   }
   return true;
}

bool vps_check_vkCreateGraphicsPipelines(struct vps_context *ctx, const struct vp_cmd_vkCreateGraphicsPipelines *a)
{
   return check_graphics(ctx, a->createInfoCount, a->pCreateInfos);
}

bool vps_check_vkCreateGraphicsPipelinesVP(struct vps_context *ctx, const struct vp_cmd_vkCreateGraphicsPipelinesVP *a)
{
   return check_graphics(ctx, a->createInfoCount, a->pCreateInfos);
}

/* --- others --- */

static bool check_compute(struct vps_context *ctx, uint32_t count, const VkComputePipelineCreateInfo *infos)
{
   for (uint32_t i = 0; i < count; i++) {
      if (!check_stage(ctx, &infos[i].stage, COMPUTE_STAGES) ||
          !check_base(ctx, infos[i].flags, infos[i].pNext, infos[i].basePipelineIndex, i))
         return false;
   }
   return true;
}

#ifdef VK_NV_device_generated_commands_compute

bool vps_check_vkGetPipelineIndirectMemoryRequirementsNV(
   struct vps_context *ctx, const struct vp_cmd_vkGetPipelineIndirectMemoryRequirementsNV *a)
{
   return check_compute(ctx, 1, a->pCreateInfo);
}

#endif

bool vps_check_vkCreateComputePipelines(struct vps_context *ctx, const struct vp_cmd_vkCreateComputePipelines *a)
{
   return check_compute(ctx, a->createInfoCount, a->pCreateInfos);
}

bool vps_check_vkCreateComputePipelinesVP(struct vps_context *ctx, const struct vp_cmd_vkCreateComputePipelinesVP *a)
{
   return check_compute(ctx, a->createInfoCount, a->pCreateInfos);
}

static bool is_shader(uint32_t shader, uint32_t count)
{
   return shader < count || shader == VK_SHADER_UNUSED_KHR;
}

/* Whether the shaders of a group are among the stages. */
static bool check_group(struct vps_context *ctx, uint32_t group, uint32_t stages, const uint32_t shaders[4])
{
   for (unsigned i = 0; i < 4; i++) {
      if (!is_shader(shaders[i], stages)) {
         vps_fail(ctx, "a shader of group %u is not among the %u stages", group, stages);
         return false;
      }
   }
   return true;
}

static bool check_groups(struct vps_context *ctx, const VkRayTracingPipelineCreateInfoKHR *info)
{
   bool ok = true;

   for (uint32_t i = 0; i < info->groupCount && ok; i++) {
      const VkRayTracingShaderGroupCreateInfoKHR *group = &info->pGroups[i];
      ok = check_group(ctx, i, info->stageCount,
                       (const uint32_t[]){group->generalShader, group->closestHitShader, group->anyHitShader,
                                          group->intersectionShader});
   }
   return ok;
}

static bool check_ray_tracing(struct vps_context *ctx, uint32_t count, const VkRayTracingPipelineCreateInfoKHR *infos)
{
   for (uint32_t i = 0; i < count; i++) {
      if (!check_stages(ctx, infos[i].stageCount, infos[i].pStages, RAY_STAGES) || !check_groups(ctx, &infos[i]) ||
          !check_base(ctx, infos[i].flags, infos[i].pNext, infos[i].basePipelineIndex, i))
         return false;
   }
   return true;
}

bool vps_check_vkCreateRayTracingPipelinesKHR(struct vps_context *ctx,
                                              const struct vp_cmd_vkCreateRayTracingPipelinesKHR *a)
{
   return check_ray_tracing(ctx, a->createInfoCount, a->pCreateInfos);
}

bool vps_check_vkCreateRayTracingPipelinesVP(struct vps_context *ctx,
                                             const struct vp_cmd_vkCreateRayTracingPipelinesVP *a)
{
   return check_ray_tracing(ctx, a->createInfoCount, a->pCreateInfos);
}

static bool check_groups_nv(struct vps_context *ctx, const VkRayTracingPipelineCreateInfoNV *info)
{
   bool ok = true;

   for (uint32_t i = 0; i < info->groupCount && ok; i++) {
      const VkRayTracingShaderGroupCreateInfoNV *group = &info->pGroups[i];
      ok = check_group(ctx, i, info->stageCount,
                       (const uint32_t[]){group->generalShader, group->closestHitShader, group->anyHitShader,
                                          group->intersectionShader});
   }
   return ok;
}

static bool check_ray_tracing_nv(struct vps_context *ctx, uint32_t count, const VkRayTracingPipelineCreateInfoNV *infos)
{
   for (uint32_t i = 0; i < count; i++) {
      if (!check_stages(ctx, infos[i].stageCount, infos[i].pStages, RAY_STAGES) || !check_groups_nv(ctx, &infos[i]) ||
          !check_base(ctx, infos[i].flags, infos[i].pNext, infos[i].basePipelineIndex, i))
         return false;
   }
   return true;
}

bool vps_check_vkCreateRayTracingPipelinesNV(struct vps_context *ctx,
                                             const struct vp_cmd_vkCreateRayTracingPipelinesNV *a)
{
   return check_ray_tracing_nv(ctx, a->createInfoCount, a->pCreateInfos);
}

bool vps_check_vkCreateRayTracingPipelinesNVVP(struct vps_context *ctx,
                                               const struct vp_cmd_vkCreateRayTracingPipelinesNVVP *a)
{
   return check_ray_tracing_nv(ctx, a->createInfoCount, a->pCreateInfos);
}

/* --- pipeline binaries --- */

/* At most one create-info, which is as good as one that a pipeline is made of. */
static bool check_infos(struct vps_context *ctx, const VkPipelineInfosVP *infos)
{
   const uint64_t count = (uint64_t)infos->graphicsCount + infos->computeCount + infos->rayTracingCount;

   if (count > 1)
      vps_fail(ctx, "%llu create-infos are of no pipeline together", (unsigned long long)count);
   return count <= 1 && check_graphics(ctx, infos->graphicsCount, infos->pGraphics) &&
          check_compute(ctx, infos->computeCount, infos->pCompute) &&
          check_ray_tracing(ctx, infos->rayTracingCount, infos->pRayTracing);
}

bool vps_check_vkGetPipelineKeyVP(struct vps_context *ctx, const struct vp_cmd_vkGetPipelineKeyVP *a)
{
   return check_infos(ctx, a->pInfos);
}

bool vps_check_vkCreatePipelineBinariesVP(struct vps_context *ctx, const struct vp_cmd_vkCreatePipelineBinariesVP *a)
{
   const VkPipelineInfosVP *infos = a->pInfos;
   const unsigned sources = (a->givenCount > 0) + (a->pipeline != VK_NULL_HANDLE) +
                            (infos->graphicsCount || infos->computeCount || infos->rayTracingCount);

   if (sources != 1)
      vps_fail(ctx, "binaries come from one source, not %u", sources);
   return sources == 1 && check_infos(ctx, infos);
}

/* --- shaders without pipelines --- */

#ifdef VK_EXT_shader_object

/* With compute, task and mesh shaders. */
#define OBJECT_STAGES ((VkShaderStageFlags)(1u << VPS_SHADER_STAGES) - 1)

/* What the wire lets be missing, and drivers do not. Machine code is the driver's to look at, which knows what it has
 * made. */
static bool has_parts(const VkShaderCreateInfoEXT *info)
{
   const bool speaks = info->codeType == VK_SHADER_CODE_TYPE_SPIRV_EXT;

   return info->codeSize && (speaks || info->codeType == VK_SHADER_CODE_TYPE_BINARY_EXT) && (info->pName || !speaks) &&
          (info->pSetLayouts || !info->setLayoutCount) && (info->pPushConstantRanges || !info->pushConstantRangeCount);
}

static bool check_shader(struct vps_context *ctx, const VkShaderCreateInfoEXT *info)
{
   if (!has_parts(info)) {
      vps_fail(ctx, "a shader has no code of a known type, or no name, layouts or push constants");
      return false;
   }
   return check_stage_bit(ctx, info->stage, OBJECT_STAGES) &&
          (info->codeType != VK_SHADER_CODE_TYPE_SPIRV_EXT || check_code(ctx, info->pCode, info->codeSize)) &&
          vps_check_layout(ctx, info->setLayoutCount, info->pushConstantRangeCount, info->pPushConstantRanges) &&
          (!info->pSpecializationInfo || check_constants(ctx, info->pSpecializationInfo));
}

/* Drivers keep those that are linked in a table with a place for each stage. */
bool vps_check_vkCreateShadersEXT(struct vps_context *ctx, const struct vp_cmd_vkCreateShadersEXT *a)
{
   VkShaderStageFlags linked = 0;

   for (uint32_t i = 0; i < a->createInfoCount; i++) {
      const VkShaderCreateInfoEXT *info = &a->pCreateInfos[i];
      const bool links = info->flags & VK_SHADER_CREATE_LINK_STAGE_BIT_EXT;
      if (!check_shader(ctx, info))
         return false;
      if (links && (linked & (VkShaderStageFlags)info->stage)) {
         vps_fail(ctx, "two shaders for the stage %#x are linked", (unsigned)info->stage);
         return false;
      }
      linked |= links ? (VkShaderStageFlags)info->stage : 0;
   }
   return true;
}

/* Drivers keep what is bound in a table with a place for each stage. */
bool vps_check_vkCmdBindShadersEXT(struct vps_context *ctx, const struct vp_cmd_vkCmdBindShadersEXT *a)
{
   unsigned next = 1; /* behind the command buffer */

   for (uint32_t i = 0; i < a->stageCount; i++) {
      const struct vps_shader *shader = a->pShaders && a->pShaders[i] ? ctx->used[next++]->state : NULL;
      if (!check_stage_bit(ctx, a->pStages[i], OBJECT_STAGES))
         return false;
      if (shader && shader->stage != (VkShaderStageFlags)a->pStages[i]) {
         vps_fail(ctx, "a shader for the stage %#x is bound to %#x", shader->stage, a->pStages[i]);
         return false;
      }
   }
   return true;
}

#endif

/* --- questions --- */

static bool check_handles(struct vps_context *ctx, uint32_t count, uint32_t size, size_t room)
{
   const uint64_t all = (uint64_t)count * size;
   const bool ok = all <= room;

   if (!ok)
      vps_fail(ctx, "%u handles take %llu bytes, not %zu", count, (unsigned long long)all, room);
   return ok;
}

/* Drivers look them up in the pipeline, which is the command's second object. */
static bool check_ray_groups(struct vps_context *ctx, uint32_t first, uint32_t count)
{
   const struct vps_pipeline *pipeline = ctx->used[1]->state;
   return !pipeline || vps_check_slots(ctx, first, count, pipeline->ray_groups, "the pipeline's groups of shaders");
}

bool vps_check_vkGetRayTracingShaderGroupStackSizeKHR(struct vps_context *ctx,
                                                      const struct vp_cmd_vkGetRayTracingShaderGroupStackSizeKHR *a)
{
   return check_ray_groups(ctx, a->group, 1) &&
          vps_check_slots(ctx, (uint32_t)a->groupShader, 1, VK_SHADER_GROUP_SHADER_INTERSECTION_KHR + 1,
                          "the shaders of a group");
}

bool vps_check_vkCompileDeferredNV(struct vps_context *ctx, const struct vp_cmd_vkCompileDeferredNV *a)
{
   const struct vps_pipeline *pipeline = ctx->used[1]->state;
   return !pipeline || vps_check_slots(ctx, a->shader, 1, pipeline->deferred, "the stages that are compiled later");
}

bool vps_check_vkGetRayTracingShaderGroupHandlesKHR(struct vps_context *ctx,
                                                    const struct vp_cmd_vkGetRayTracingShaderGroupHandlesKHR *a)
{
   return check_ray_groups(ctx, a->firstGroup, a->groupCount) &&
          check_handles(ctx, a->groupCount, ctx->used[0]->device->limits.shaderGroupHandleSize, a->dataSize);
}

bool vps_check_vkGetRayTracingCaptureReplayShaderGroupHandlesKHR(
   struct vps_context *ctx, const struct vp_cmd_vkGetRayTracingCaptureReplayShaderGroupHandlesKHR *a)
{
   return check_ray_groups(ctx, a->firstGroup, a->groupCount) &&
          check_handles(ctx, a->groupCount, ctx->used[0]->device->limits.shaderGroupHandleCaptureReplaySize,
                        a->dataSize);
}

bool vps_check_vkGetAccelerationStructureHandleNV(struct vps_context *ctx,
                                                  const struct vp_cmd_vkGetAccelerationStructureHandleNV *a)
{
   return check_handles(ctx, 1, sizeof(uint64_t), a->dataSize);
}
