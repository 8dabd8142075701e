/* SPDX-License-Identifier: MIT */

/* Commands that the GPU makes: tokens, sets and streams, which drivers look up in tables and copy without a look. What
 * the GPU reads when it makes them, nobody can check. */

#include "server/check/check.h"
#include "server/core/device.h"
#include "server/pipeline/descriptor_set.h"
#include "server/pipeline/generated_commands.h"
#include "server/pipeline/pipeline.h"
#include "server/vp_dispatch.h"

/* Whether a number is one of those up to a limit of the GPU. */
static bool check_limit(struct vps_context *ctx, uint32_t number, uint32_t limit, const char *name)
{
   return vps_check_slots(ctx, 0, number, limit, name);
}

/* --- VK_EXT_device_generated_commands --- */

#ifdef VK_EXT_device_generated_commands

static bool is_token(VkIndirectCommandsTokenTypeEXT type)
{
   switch (type) {
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_SEQUENCE_INDEX_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_INDEX_BUFFER_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_VERTEX_BUFFER_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_INDEXED_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_INDEXED_COUNT_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_COUNT_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DISPATCH_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_MESH_TASKS_NV_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_MESH_TASKS_COUNT_NV_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_MESH_TASKS_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_MESH_TASKS_COUNT_EXT:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_TRACE_RAYS2_EXT:
      return true;
   default:
      return false;
   }
}

static bool check_token(struct vps_context *ctx, const VkIndirectCommandsLayoutTokenEXT *token)
{
   const struct vps_limits *limits = &ctx->used[0]->device->limits;
   const bool pushes = token->type == VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_EXT ||
                       token->type == VK_INDIRECT_COMMANDS_TOKEN_TYPE_SEQUENCE_INDEX_EXT;

   if (!is_token(token->type)) {
      vps_fail(ctx, "%d is no type of tokens", (int)token->type);
      return false;
   }
   if (pushes) {
      const VkPushConstantRange *range = &token->data.pPushConstant->updateRange;
      if (!vps_fits(range->offset, range->size, limits->maxPushConstantsSize))
         return vps_refuse_range(ctx, "push constants", range->offset, range->size, limits->maxPushConstantsSize);
   }
   if (token->type == VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT &&
       token->data.pExecutionSet->type != VK_INDIRECT_EXECUTION_SET_INFO_TYPE_PIPELINES_EXT &&
       token->data.pExecutionSet->type != VK_INDIRECT_EXECUTION_SET_INFO_TYPE_SHADER_OBJECTS_EXT) {
      vps_fail(ctx, "%d is no type of sets", (int)token->data.pExecutionSet->type);
      return false;
   }
   if (token->type == VK_INDIRECT_COMMANDS_TOKEN_TYPE_VERTEX_BUFFER_EXT &&
       !vps_check_slots(ctx, token->data.pVertexBuffer->vertexBindingUnit, 1, limits->maxVertexInputBindings,
                        "maxVertexInputBindings"))
      return false;
   return check_limit(ctx, token->offset, limits->generated.maxIndirectCommandsTokenOffset,
                      "maxIndirectCommandsTokenOffset");
}

bool vps_check_vkCreateIndirectCommandsLayoutEXT(struct vps_context *ctx,
                                                 const struct vp_cmd_vkCreateIndirectCommandsLayoutEXT *a)
{
   const VkPhysicalDeviceDeviceGeneratedCommandsPropertiesEXT *limits = &ctx->used[0]->device->limits.generated;
   const VkIndirectCommandsLayoutCreateInfoEXT *info = a->pCreateInfo;
   bool ok =
      check_limit(ctx, info->tokenCount, limits->maxIndirectCommandsTokenCount, "maxIndirectCommandsTokenCount") &&
      check_limit(ctx, info->indirectStride, limits->maxIndirectCommandsIndirectStride,
                  "maxIndirectCommandsIndirectStride");

   if (ok && info->tokenCount == 0) {
      vps_fail(ctx, "a layout of commands has no tokens");
      return false;
   }
   uint32_t sets = 0;
   for (uint32_t i = 0; i < info->tokenCount && ok; i++) {
      sets += info->pTokens[i].type == VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT;
      ok = check_token(ctx, &info->pTokens[i]) && check_limit(ctx, sets, 1, "the one token for a set");
   }
   return ok;
}

static bool check_shader_set(struct vps_context *ctx, const VkIndirectExecutionSetShaderInfoEXT *info)
{
   const struct vps_limits *limits = &ctx->used[0]->device->limits;
   bool ok = info->shaderCount > 0 &&
             check_limit(ctx, info->maxShaderCount, limits->generated.maxIndirectShaderObjectCount,
                         "maxIndirectShaderObjectCount") &&
             check_limit(ctx, info->shaderCount, info->maxShaderCount, "maxShaderCount");

   ok = ok && vps_check_layout(ctx, 0, info->pushConstantRangeCount, info->pPushConstantRanges);
   for (uint32_t i = 0; info->pSetLayoutInfos && i < info->shaderCount && ok; i++)
      ok = vps_check_layout(ctx, info->pSetLayoutInfos[i].setLayoutCount, 0, NULL);
   if (!ok && !ctx->failed)
      vps_fail(ctx, "a set has no shaders");
   return ok;
}

bool vps_check_vkCreateIndirectExecutionSetEXT(struct vps_context *ctx,
                                               const struct vp_cmd_vkCreateIndirectExecutionSetEXT *a)
{
   const VkIndirectExecutionSetCreateInfoEXT *info = a->pCreateInfo;
   const uint32_t limit = ctx->used[0]->device->limits.generated.maxIndirectPipelineCount;

   if (info->type == VK_INDIRECT_EXECUTION_SET_INFO_TYPE_SHADER_OBJECTS_EXT)
      return check_shader_set(ctx, info->info.pShaderInfo);
   if (info->info.pPipelineInfo->maxPipelineCount == 0 || !info->info.pPipelineInfo->initialPipeline) {
      vps_fail(ctx, "a set has no pipelines");
      return false;
   }
   return check_limit(ctx, info->info.pPipelineInfo->maxPipelineCount, limit, "maxIndirectPipelineCount");
}

/* The set is the command's second object. */
static bool check_place(struct vps_context *ctx, bool shaders, uint32_t index)
{
   const struct vps_execution_set *set = ctx->used[1]->state;

   if (!set || set->shaders != shaders) {
      vps_fail(ctx, "the set has no %s", shaders ? "shaders" : "pipelines");
      return false;
   }
   return vps_check_slots(ctx, index, 1, set->count, "the size of the set");
}

bool vps_check_vkUpdateIndirectExecutionSetPipelineEXT(struct vps_context *ctx,
                                                       const struct vp_cmd_vkUpdateIndirectExecutionSetPipelineEXT *a)
{
   bool ok = true;

   for (uint32_t i = 0; i < a->executionSetWriteCount && ok; i++)
      ok = check_place(ctx, false, a->pExecutionSetWrites[i].index);
   return ok;
}

bool vps_check_vkUpdateIndirectExecutionSetShaderEXT(struct vps_context *ctx,
                                                     const struct vp_cmd_vkUpdateIndirectExecutionSetShaderEXT *a)
{
   bool ok = true;

   for (uint32_t i = 0; i < a->executionSetWriteCount && ok; i++)
      ok = check_place(ctx, true, a->pExecutionSetWrites[i].index);
   return ok;
}

/* Drivers take the set to be there when the tokens need one, and to hold what these choose among. */
static bool check_generated(struct vps_context *ctx, uint32_t sequences)
{
   const struct vps_commands_layout *layout = vps_used(ctx, VK_OBJECT_TYPE_INDIRECT_COMMANDS_LAYOUT_EXT)->state;
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_INDIRECT_EXECUTION_SET_EXT);
   const struct vps_execution_set *set = object ? object->state : NULL;

   if (layout && layout->takes_set && !object) {
      vps_fail(ctx, "the commands take a set, and there is none");
      return false;
   }
   if (layout && layout->takes_set && set && set->shaders != layout->takes_shaders) {
      vps_fail(ctx, "the commands take a set of %s", layout->takes_shaders ? "shaders" : "pipelines");
      return false;
   }
   return check_limit(ctx, sequences, ctx->used[0]->device->limits.generated.maxIndirectSequenceCount,
                      "maxIndirectSequenceCount");
}

bool vps_check_vkGetGeneratedCommandsMemoryRequirementsEXT(
   struct vps_context *ctx, const struct vp_cmd_vkGetGeneratedCommandsMemoryRequirementsEXT *a)
{
   return check_generated(ctx, a->pInfo->maxSequenceCount);
}

bool vps_check_vkCmdPreprocessGeneratedCommandsEXT(struct vps_context *ctx,
                                                   const struct vp_cmd_vkCmdPreprocessGeneratedCommandsEXT *a)
{
   return check_generated(ctx, a->pGeneratedCommandsInfo->maxSequenceCount);
}

bool vps_check_vkCmdExecuteGeneratedCommandsEXT(struct vps_context *ctx,
                                                const struct vp_cmd_vkCmdExecuteGeneratedCommandsEXT *a)
{
   return check_generated(ctx, a->pGeneratedCommandsInfo->maxSequenceCount);
}

#endif

/* --- VK_NV_device_generated_commands --- */

static bool is_token_nv(VkIndirectCommandsTokenTypeNV type)
{
   switch (type) {
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_SHADER_GROUP_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_STATE_FLAGS_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_INDEX_BUFFER_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_VERTEX_BUFFER_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_INDEXED_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_TASKS_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_MESH_TASKS_NV:
#ifdef VK_NV_device_generated_commands_compute
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_PIPELINE_NV:
   case VK_INDIRECT_COMMANDS_TOKEN_TYPE_DISPATCH_NV:
#endif
      return true;
   default:
      return false;
   }
}

static bool check_token_nv(struct vps_context *ctx, const VkIndirectCommandsLayoutTokenNV *token, uint32_t streams)
{
   const struct vps_limits *limits = &ctx->used[0]->device->limits;

   if (!is_token_nv(token->tokenType)) {
      vps_fail(ctx, "%d is no type of tokens", (int)token->tokenType);
      return false;
   }
   if (token->tokenType == VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV && !token->pushconstantPipelineLayout) {
      vps_fail(ctx, "push constants have no layout");
      return false;
   }
   return vps_check_slots(ctx, token->stream, 1, streams, "the number of streams") &&
          check_limit(ctx, token->offset, limits->generated_nv.maxIndirectCommandsTokenOffset,
                      "maxIndirectCommandsTokenOffset") &&
          (token->tokenType != VK_INDIRECT_COMMANDS_TOKEN_TYPE_VERTEX_BUFFER_NV ||
           vps_check_slots(ctx, token->vertexBindingUnit, 1, limits->maxVertexInputBindings,
                           "maxVertexInputBindings")) &&
          (token->tokenType != VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV ||
           vps_check_slots(ctx, token->pushconstantOffset, token->pushconstantSize, limits->maxPushConstantsSize,
                           "maxPushConstantsSize"));
}

bool vps_check_vkCreateIndirectCommandsLayoutNV(struct vps_context *ctx,
                                                const struct vp_cmd_vkCreateIndirectCommandsLayoutNV *a)
{
   const VkPhysicalDeviceDeviceGeneratedCommandsPropertiesNV *limits = &ctx->used[0]->device->limits.generated_nv;
   const VkIndirectCommandsLayoutCreateInfoNV *info = a->pCreateInfo;
   bool ok =
      check_limit(ctx, info->tokenCount, limits->maxIndirectCommandsTokenCount, "maxIndirectCommandsTokenCount") &&
      check_limit(ctx, info->streamCount, limits->maxIndirectCommandsStreamCount, "maxIndirectCommandsStreamCount");

   if (ok && info->tokenCount == 0) {
      vps_fail(ctx, "a layout of commands has no tokens");
      return false;
   }
   for (uint32_t i = 0; i < info->streamCount && ok; i++)
      ok = check_limit(ctx, info->pStreamStrides[i], limits->maxIndirectCommandsStreamStride,
                       "maxIndirectCommandsStreamStride");
   for (uint32_t i = 0; i < info->tokenCount && ok; i++)
      ok = check_token_nv(ctx, &info->pTokens[i], info->streamCount);
   return ok;
}

/* Drivers look into the pipeline, unless the commands choose one. */
static bool check_sequences_nv(struct vps_context *ctx, VkPipeline pipeline, uint32_t count)
{
   const struct vps_commands_layout_nv *layout = vps_used(ctx, VK_OBJECT_TYPE_INDIRECT_COMMANDS_LAYOUT_NV)->state;

   if (!pipeline && layout && !layout->chooses_pipeline) {
      vps_fail(ctx, "the commands have no pipeline");
      return false;
   }
   return check_limit(ctx, count, ctx->used[0]->device->limits.generated_nv.maxIndirectSequenceCount,
                      "maxIndirectSequenceCount");
}

bool vps_check_vkGetGeneratedCommandsMemoryRequirementsNV(
   struct vps_context *ctx, const struct vp_cmd_vkGetGeneratedCommandsMemoryRequirementsNV *a)
{
   return check_sequences_nv(ctx, a->pInfo->pipeline, a->pInfo->maxSequencesCount);
}

/* The next buffer of the command has this range. */
static bool check_next_range(struct vps_context *ctx, unsigned *at, const char *name, VkDeviceSize offset,
                             VkDeviceSize size)
{
   const struct vps_object *object = vps_next_used(ctx, at, VK_OBJECT_TYPE_BUFFER);
   const struct vps_buffer *buffer = object ? object->state : NULL;

   if (buffer && vps_fits(offset, size, buffer->size))
      return true;
   return vps_refuse_range(ctx, name, offset, size, buffer ? buffer->size : 0);
}

static bool check_generated_nv(struct vps_context *ctx, const VkGeneratedCommandsInfoNV *info)
{
   const struct vps_commands_layout_nv *layout = vps_used(ctx, VK_OBJECT_TYPE_INDIRECT_COMMANDS_LAYOUT_NV)->state;
   unsigned at = 0;
   bool ok = check_sequences_nv(ctx, info->pipeline, info->sequencesCount);

   if (ok && layout && (info->streamCount != layout->stream_count || info->pipelineBindPoint != layout->bind_point)) {
      vps_fail(ctx, "the layout has %u streams, for the bind point %d", layout->stream_count, (int)layout->bind_point);
      return false;
   }
   for (uint32_t i = 0; i < info->streamCount && ok; i++)
      ok = check_next_range(ctx, &at, "the buffer of a stream", info->pStreams[i].offset,
                            (VkDeviceSize)info->sequencesCount * (layout ? layout->strides[i] : 0));
   ok = ok && check_next_range(ctx, &at, "preprocessBuffer", info->preprocessOffset, info->preprocessSize);
   if (ok && info->sequencesCountBuffer)
      ok = check_next_range(ctx, &at, "sequencesCountBuffer", info->sequencesCountOffset, 4);
   if (ok && info->sequencesIndexBuffer)
      ok = check_next_range(ctx, &at, "sequencesIndexBuffer", info->sequencesIndexOffset,
                            (VkDeviceSize)4 * info->sequencesCount);
   return ok;
}

bool vps_check_vkCmdPreprocessGeneratedCommandsNV(struct vps_context *ctx,
                                                  const struct vp_cmd_vkCmdPreprocessGeneratedCommandsNV *a)
{
   return check_generated_nv(ctx, a->pGeneratedCommandsInfo);
}

bool vps_check_vkCmdExecuteGeneratedCommandsNV(struct vps_context *ctx,
                                               const struct vp_cmd_vkCmdExecuteGeneratedCommandsNV *a)
{
   return check_generated_nv(ctx, a->pGeneratedCommandsInfo);
}

bool vps_check_vkCmdBindPipelineShaderGroupNV(struct vps_context *ctx,
                                              const struct vp_cmd_vkCmdBindPipelineShaderGroupNV *a)
{
   const struct vps_pipeline *pipeline = ctx->used[1]->state;
   return !pipeline || vps_check_slots(ctx, a->groupIndex, 1, pipeline->groups, "the pipeline's groups of shaders");
}
