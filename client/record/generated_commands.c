/* SPDX-License-Identifier: MIT */

/* Commands that the GPU makes, as far as that concerns two command buffers at once. */

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/record/command_buffer.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#ifdef VK_EXT_device_generated_commands

/* What is recorded into the other command buffer up to now is its state, not what comes later: so both are said now,
 * the state first. */
VKAPI_ATTR void VKAPI_CALL vp_vkCmdPreprocessGeneratedCommandsEXT(
   VkCommandBuffer commandBuffer, const VkGeneratedCommandsInfoEXT *pGeneratedCommandsInfo,
   VkCommandBuffer stateCommandBuffer)
{
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, commandBuffer);
   struct vp_command_buffer *state = VP_FROM_HANDLE(struct vp_command_buffer, stateCommandBuffer);
   const struct vp_cmd_vkCmdPreprocessGeneratedCommandsEXT a = {.commandBuffer = commandBuffer,
                                                                .pGeneratedCommandsInfo = pGeneratedCommandsInfo,
                                                                .stateCommandBuffer = stateCommandBuffer};
   const size_t room = vp_room_vkCmdPreprocessGeneratedCommandsEXT(&a);
   if (vp_encoder_size(&state->commands) > 0)
      vp_command_buffer_say(state);
   if (!vp_command_buffer_make_room(cmd, room))
      return;
   cmd->executes = true;
   cmd->observable = true;
   vp_write_vkCmdPreprocessGeneratedCommandsEXT(&cmd->commands, vp_record(cmd, room), 0, &a);
   vp_command_buffer_say(cmd);
}

#endif
