/* SPDX-License-Identifier: MIT */

/* The four ways to push descriptors, with templates or without, recorded as plain writes without what their type does
 * not use. */

#include "client/core/chain.h"
#include "client/pipeline/descriptor_set_layout.h"
#include "client/pipeline/descriptor_update_template.h"
#include "client/pipeline/descriptor_write.h"
#include "client/pipeline/pipeline_layout.h"
#include "client/record/command_buffer.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* Adds the application's writes; their set may be garbage. */
static void add_writes(struct vp_descriptor_writer *writer, const struct vp_descriptor_set_layout *layout,
                       uint32_t count, const VkWriteDescriptorSet *writes)
{
   for (uint32_t i = 0; i < count; i++) {
      VkWriteDescriptorSet write = writes[i];
      write.dstSet = VK_NULL_HANDLE;
      vp_descriptor_writer_add(writer, layout, &write);
   }
}

static const struct vp_descriptor_set_layout *find_push_layout(VkPipelineLayout layout, uint32_t set)
{
   return vp_pipeline_layout_set(VP_FROM_HANDLE(struct vp_pipeline_layout, layout), set);
}

static void record(void *target, uint32_t count, const VkWriteDescriptorSet *writes)
{
   struct vp_cmd_vkCmdPushDescriptorSet *a = target;
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, a->commandBuffer);
   a->descriptorWriteCount = count;
   a->pDescriptorWrites = writes;
   const size_t room = vp_room_vkCmdPushDescriptorSet(a);
   if (vp_command_buffer_has_room(cmd, room) || vp_command_buffer_make_room(cmd, room))
      vp_write_vkCmdPushDescriptorSet(&cmd->commands, vp_record(cmd, room), 0, a);
}

VKAPI_ATTR void VKAPI_CALL vp_vkCmdPushDescriptorSet(VkCommandBuffer commandBuffer,
                                                     VkPipelineBindPoint pipelineBindPoint, VkPipelineLayout layout,
                                                     uint32_t set, uint32_t descriptorWriteCount,
                                                     const VkWriteDescriptorSet *pDescriptorWrites)
{
   struct vp_cmd_vkCmdPushDescriptorSet a = {
      .commandBuffer = commandBuffer, .pipelineBindPoint = pipelineBindPoint, .layout = layout, .set = set};
   struct vp_descriptor_writer writer;
   vp_descriptor_writer_init(&writer, record, &a);
   add_writes(&writer, find_push_layout(layout, set), descriptorWriteCount, pDescriptorWrites);
   vp_descriptor_writer_flush(&writer);
}

VKAPI_ATTR void VKAPI_CALL vp_vkCmdPushDescriptorSetWithTemplate(VkCommandBuffer commandBuffer,
                                                                 VkDescriptorUpdateTemplate template_handle,
                                                                 VkPipelineLayout layout, uint32_t set,
                                                                 const void *pData)
{
   const struct vp_descriptor_update_template *update =
      VP_FROM_HANDLE(struct vp_descriptor_update_template, template_handle);
   struct vp_cmd_vkCmdPushDescriptorSet a = {
      .commandBuffer = commandBuffer, .pipelineBindPoint = update->bind_point, .layout = layout, .set = set};
   struct vp_descriptor_writer writer;
   vp_descriptor_writer_init(&writer, record, &a);
   vp_descriptor_update_template_expand(update, &writer, find_push_layout(layout, set), VK_NULL_HANDLE, pData);
   vp_descriptor_writer_flush(&writer);
}

/* --- the same with structs, and with a layout that need not be an object --- */

#ifdef VK_KHR_maintenance6

struct push2 {
   VkCommandBuffer commandBuffer;
   VkPushDescriptorSetInfoKHR info;
};

static void record2(void *target, uint32_t count, const VkWriteDescriptorSet *writes)
{
   struct push2 *push = target;
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, push->commandBuffer);
   push->info.descriptorWriteCount = count;
   push->info.pDescriptorWrites = writes;
   const struct vp_cmd_vkCmdPushDescriptorSet2 a = {.commandBuffer = push->commandBuffer,
                                                    .pPushDescriptorSetInfo = &push->info};
   const size_t room = vp_room_vkCmdPushDescriptorSet2(&a);
   if (vp_command_buffer_has_room(cmd, room) || vp_command_buffer_make_room(cmd, room))
      vp_write_vkCmdPushDescriptorSet2(&cmd->commands, vp_record(cmd, room), 0, &a);
}

/* Of the layout's object or, without one, of its description in the chain. */
static const struct vp_descriptor_set_layout *find_layout2(VkPipelineLayout layout, const void *chain, uint32_t set)
{
   if (layout)
      return find_push_layout(layout, set);
   const VkPipelineLayoutCreateInfo *info = vp_chain_find(chain, VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
   if (!info || set >= info->setLayoutCount)
      return NULL;
   return VP_FROM_HANDLE(struct vp_descriptor_set_layout, info->pSetLayouts[set]);
}

VKAPI_ATTR void VKAPI_CALL vp_vkCmdPushDescriptorSet2(VkCommandBuffer commandBuffer,
                                                      const VkPushDescriptorSetInfoKHR *pPushDescriptorSetInfo)
{
   const VkPushDescriptorSetInfoKHR *info = pPushDescriptorSetInfo;
   struct push2 push = {.commandBuffer = commandBuffer, .info = *info};
   struct vp_descriptor_writer writer;
   vp_descriptor_writer_init(&writer, record2, &push);
   add_writes(&writer, find_layout2(info->layout, info->pNext, info->set), info->descriptorWriteCount,
              info->pDescriptorWrites);
   vp_descriptor_writer_flush(&writer);
}

static VkShaderStageFlags stages_of(VkPipelineBindPoint bind_point)
{
   switch (bind_point) {
   case VK_PIPELINE_BIND_POINT_COMPUTE:
      return VK_SHADER_STAGE_COMPUTE_BIT;
   case VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR:
      return VK_SHADER_STAGE_RAYGEN_BIT_KHR | VK_SHADER_STAGE_ANY_HIT_BIT_KHR | VK_SHADER_STAGE_CLOSEST_HIT_BIT_KHR |
             VK_SHADER_STAGE_MISS_BIT_KHR | VK_SHADER_STAGE_INTERSECTION_BIT_KHR | VK_SHADER_STAGE_CALLABLE_BIT_KHR;
   default:
      return VK_SHADER_STAGE_ALL_GRAPHICS;
   }
}

VKAPI_ATTR void VKAPI_CALL vp_vkCmdPushDescriptorSetWithTemplate2(
   VkCommandBuffer commandBuffer, const VkPushDescriptorSetWithTemplateInfoKHR *pPushDescriptorSetWithTemplateInfo)
{
   const VkPushDescriptorSetWithTemplateInfoKHR *info = pPushDescriptorSetWithTemplateInfo;
   const struct vp_descriptor_update_template *update =
      VP_FROM_HANDLE(struct vp_descriptor_update_template, info->descriptorUpdateTemplate);
   struct push2 push = {.commandBuffer = commandBuffer,
                        .info = {
                           .sType = VK_STRUCTURE_TYPE_PUSH_DESCRIPTOR_SET_INFO_KHR,
                           .pNext = info->pNext,
                           .stageFlags = stages_of(update->bind_point),
                           .layout = info->layout,
                           .set = info->set,
                        }};
   struct vp_descriptor_writer writer;
   vp_descriptor_writer_init(&writer, record2, &push);
   vp_descriptor_update_template_expand(update, &writer, find_layout2(info->layout, info->pNext, info->set),
                                        VK_NULL_HANDLE, info->pData);
   vp_descriptor_writer_flush(&writer);
}

#endif
