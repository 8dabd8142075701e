/* SPDX-License-Identifier: MIT */

/* Commands that the GPU makes (VK_EXT_device_generated_commands, VK_NV_device_generated_commands): what their layouts
 * and sets are like, and what they write to. */

#include "server/pipeline/generated_commands.h"

#include <stdlib.h>

#include "server/core/context.h"
#include "server/memory/writes.h"
#include "server/record/command_buffer.h"
#include "server/record/recorded.h"

/* Gives a new object so many zeroed bytes; NULL: there is none, or no memory. */
static void *init_generated(struct vps_context *ctx, uint64_t id, size_t size)
{
   struct vps_object *object = vps_object_find(&ctx->objects, id);

   if (!object || object->poison)
      return NULL;
   object->state = calloc(1, size);
   object->release = free;
   if (!object->state)
      vps_fail(ctx, "the server is out of memory");
   return object->state;
}

/* Which of several pipelines or shaders run is up to the GPU. */
static void note_any_shaders(struct vps_context *ctx, VkPipelineBindPoint bind_point)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;

   if (bind_point == VK_PIPELINE_BIND_POINT_GRAPHICS)
      command_buffer->draws = true;
   vps_command_buffer_note_writes(ctx, VPS_WRITES_SHADERS);
}

/* --- VK_EXT_device_generated_commands --- */

#ifdef VK_EXT_device_generated_commands

void vps_observe_vkCreateIndirectCommandsLayoutEXT(struct vps_context *ctx,
                                                   const struct vp_cmd_vkCreateIndirectCommandsLayoutEXT *a)
{
   const VkIndirectCommandsLayoutCreateInfoEXT *info = a->pCreateInfo;
   struct vps_commands_layout *layout =
      init_generated(ctx, (uint64_t)(uintptr_t)*a->pIndirectCommandsLayout, sizeof(*layout));

   for (uint32_t i = 0; layout && i < info->tokenCount; i++) {
      const VkIndirectCommandsLayoutTokenEXT *token = &info->pTokens[i];
      if (token->type != VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT)
         continue;
      layout->takes_set = true;
      layout->takes_shaders = token->data.pExecutionSet->type == VK_INDIRECT_EXECUTION_SET_INFO_TYPE_SHADER_OBJECTS_EXT;
   }
}

void vps_observe_vkCreateIndirectExecutionSetEXT(struct vps_context *ctx,
                                                 const struct vp_cmd_vkCreateIndirectExecutionSetEXT *a)
{
   const VkIndirectExecutionSetCreateInfoEXT *info = a->pCreateInfo;
   struct vps_execution_set *set = init_generated(ctx, (uint64_t)(uintptr_t)*a->pIndirectExecutionSet, sizeof(*set));

   if (!set)
      return;
   set->shaders = info->type == VK_INDIRECT_EXECUTION_SET_INFO_TYPE_SHADER_OBJECTS_EXT;
   set->count = set->shaders ? info->info.pShaderInfo->maxShaderCount : info->info.pPipelineInfo->maxPipelineCount;
}

/* The memory that drivers prepare commands in has nothing but an address. */
void vps_observe_vkCmdPreprocessGeneratedCommandsEXT(struct vps_context *ctx,
                                                     const struct vp_cmd_vkCmdPreprocessGeneratedCommandsEXT *a)
{
   (void)a;
   vps_command_buffer_note_writes(ctx, VPS_WRITES_ADDRESS);
}

void vps_observe_vkCmdExecuteGeneratedCommandsEXT(struct vps_context *ctx,
                                                  const struct vp_cmd_vkCmdExecuteGeneratedCommandsEXT *a)
{
   const VkGeneratedCommandsInfoEXT *info = a->pGeneratedCommandsInfo;
   const VkPipelineBindPoint bind_point =
      info->shaderStages & VK_SHADER_STAGE_COMPUTE_BIT      ? VK_PIPELINE_BIND_POINT_COMPUTE
      : info->shaderStages & VK_SHADER_STAGE_RAYGEN_BIT_KHR ? VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR
                                                            : VK_PIPELINE_BIND_POINT_GRAPHICS;

   vps_command_buffer_note_writes(ctx, VPS_WRITES_ADDRESS);
   if (info->indirectExecutionSet)
      note_any_shaders(ctx, bind_point);
   else if (!ctx->failed)
      vps_command_buffer_note_shaders(ctx, bind_point);
}

#endif

/* --- VK_NV_device_generated_commands --- */

void vps_observe_vkCreateIndirectCommandsLayoutNV(struct vps_context *ctx,
                                                  const struct vp_cmd_vkCreateIndirectCommandsLayoutNV *a)
{
   const VkIndirectCommandsLayoutCreateInfoNV *info = a->pCreateInfo;
   struct vps_commands_layout_nv *layout =
      init_generated(ctx, (uint64_t)(uintptr_t)*a->pIndirectCommandsLayout,
                     sizeof(*layout) + info->streamCount * sizeof(layout->strides[0]));

   if (!layout)
      return;
   layout->bind_point = info->pipelineBindPoint;
   layout->stream_count = info->streamCount;
#ifdef VK_NV_device_generated_commands_compute
   for (uint32_t i = 0; i < info->tokenCount; i++)
      layout->chooses_pipeline =
         layout->chooses_pipeline || info->pTokens[i].tokenType == VK_INDIRECT_COMMANDS_TOKEN_TYPE_PIPELINE_NV;
#endif
   for (uint32_t i = 0; i < info->streamCount; i++)
      layout->strides[i] = info->pStreamStrides[i];
}

/* The buffer in which the driver prepares commands, behind those of the streams. */
static void note_prepared(struct vps_context *ctx, const VkGeneratedCommandsInfoNV *info)
{
   unsigned at = 0;
   const struct vps_object *buffer = NULL;

   for (uint64_t i = 0; i <= info->streamCount; i++)
      buffer = vps_next_used(ctx, &at, VK_OBJECT_TYPE_BUFFER);
   vps_note_write(ctx, buffer, info->preprocessOffset, info->preprocessSize);
}

void vps_observe_vkCmdPreprocessGeneratedCommandsNV(struct vps_context *ctx,
                                                    const struct vp_cmd_vkCmdPreprocessGeneratedCommandsNV *a)
{
   note_prepared(ctx, a->pGeneratedCommandsInfo);
}

/* Its commands can choose among the groups of a pipeline, or among pipelines. */
void vps_observe_vkCmdExecuteGeneratedCommandsNV(struct vps_context *ctx,
                                                 const struct vp_cmd_vkCmdExecuteGeneratedCommandsNV *a)
{
   note_prepared(ctx, a->pGeneratedCommandsInfo);
   if (!ctx->failed)
      note_any_shaders(ctx, a->pGeneratedCommandsInfo->pipelineBindPoint);
}
