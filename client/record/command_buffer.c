/* SPDX-License-Identifier: MIT */

/* Command pools and buffers, whose life the server hears of without answering. What it reports of a recording is kept
 * until a call can return it: vkEndCommandBuffer, or else the submission. */

#include "client/record/command_buffer.h"

#include <stdlib.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/pipeline_layout.h"
#include "client/process/guard.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

/* The driver might have no memory for more command buffers at once. */
#define HUGE_COUNT 4096

/* Recordings that are shorter are not worth a frame of their own. */
#define APART_SIZE ((size_t)16 << 10)

/* --- pools --- */

void *vp_make_vkCreateCommandPool(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                  const VkCommandPoolCreateInfo *info)
{
   struct vp_command_pool *pool =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_COMMAND_POOL, sizeof(*pool));
   (void)info;
   if (pool)
      pool->allocator = device->allocator;
   return pool;
}

static void set_recording(struct vp_command_buffer *cmd, bool recording)
{
   struct vp_device *device = cmd->device;
   if (cmd->recording == recording)
      return;
   cmd->recording = recording;
   if (recording)
      device->recording_count++;
   else if (--device->recording_count == 0 && device->late_layouts)
      vp_pipeline_layouts_end(device);
}

static void destroy_command_buffer(struct vp_command_buffer *cmd)
{
   set_recording(cmd, false);
   if (cmd->prev)
      cmd->prev->next = cmd->next;
   else
      cmd->pool->buffers = cmd->next;
   if (cmd->next)
      cmd->next->prev = cmd->prev;
   vp_encoder_finish(&cmd->commands);
   vp_object_destroy(&cmd->device->conn->objects, vp_allocator(cmd->allocator, NULL), cmd);
}

void vp_finish_vkDestroyCommandPool(struct vp_device *device, void *object)
{
   struct vp_command_pool *pool = object;
   (void)device;
   while (pool->buffers)
      destroy_command_buffer(pool->buffers);
}

static void forget_recording(struct vp_command_buffer *cmd)
{
   vp_encoder_reset(&cmd->commands);
   cmd->executes = false;
   cmd->recorded = 0;
   cmd->begun = false;
   cmd->result = VK_SUCCESS;
   cmd->current = 0; /* whatever is said of an earlier one does not count any more */
   cmd->observable = false;
   set_recording(cmd, false);
}

void vp_command_buffer_fail(struct vp_command_buffer *cmd, uint32_t recording, int32_t error)
{
   cmd->late_error = (uint64_t)recording << 32 | (uint32_t)error;
}

VkResult vp_command_buffer_error(const struct vp_command_buffer *cmd)
{
   const uint64_t late = cmd->late_error;
   if (cmd->base.error)
      return (VkResult)cmd->base.error;
   return cmd->current && late >> 32 == cmd->current ? (VkResult)(int32_t)late : VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkResetCommandPool(VkDevice handle, VkCommandPool pool_handle,
                                                     VkCommandPoolResetFlags flags)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_command_pool *pool = VP_FROM_HANDLE(struct vp_command_pool, pool_handle);
   for (struct vp_command_buffer *cmd = pool->buffers; cmd; cmd = cmd->next)
      forget_recording(cmd);
   const struct vp_cmd_vkResetCommandPool a = {.device = handle, .commandPool = pool_handle, .flags = flags};
   return vp_send_vkResetCommandPool(device->conn, &a);
}

/* --- command buffers --- */

static struct vp_command_buffer *create_command_buffer(struct vp_device *device, struct vp_command_pool *pool,
                                                       VkCommandBufferLevel level)
{
   const VkAllocationCallbacks *allocator = vp_allocator(pool->allocator, NULL);
   struct vp_command_buffer *cmd =
      vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_COMMAND_BUFFER, sizeof(*cmd));
   if (!cmd)
      return NULL;
   if (!vp_encoder_init(&cmd->commands)) {
      vp_object_destroy(&device->conn->objects, allocator, cmd);
      return NULL;
   }
   cmd->commands.peer = &device->conn->server.codec;
   cmd->commands.piece = VP_STREAM_PIECE_ROOM;
   cmd->device = device;
   cmd->allocator = pool->allocator;
   cmd->pool = pool;
   cmd->level = level;
   cmd->next = pool->buffers;
   if (cmd->next)
      cmd->next->prev = cmd;
   pool->buffers = cmd;
   return cmd;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkAllocateCommandBuffers(VkDevice handle,
                                                           const VkCommandBufferAllocateInfo *pAllocateInfo,
                                                           VkCommandBuffer *pCommandBuffers)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_command_pool *pool = VP_FROM_HANDLE(struct vp_command_pool, pAllocateInfo->commandPool);
   const uint32_t count = pAllocateInfo->commandBufferCount;
   VkResult result = VK_SUCCESS;
   uint32_t made = 0;
   for (; made < count; made++) {
      struct vp_command_buffer *cmd = create_command_buffer(device, pool, pAllocateInfo->level);
      if (!cmd)
         break;
      pCommandBuffers[made] = VP_TO_HANDLE(VkCommandBuffer, cmd);
   }
   if (made < count) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   } else {
      struct vp_cmd_vkAllocateCommandBuffers a = {
         .device = handle, .pAllocateInfo = pAllocateInfo, .pCommandBuffers = pCommandBuffers};
      result = vp_try_vkAllocateCommandBuffers(device, count > HUGE_COUNT, &a);
   }
   if (result == VK_SUCCESS)
      return VK_SUCCESS;
   for (uint32_t i = 0; i < made; i++)
      destroy_command_buffer(VP_FROM_HANDLE(struct vp_command_buffer, pCommandBuffers[i]));
   for (uint32_t i = 0; i < count; i++)
      pCommandBuffers[i] = NULL;
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkFreeCommandBuffers(VkDevice handle, VkCommandPool commandPool, uint32_t count,
                                                   const VkCommandBuffer *pCommandBuffers)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const struct vp_cmd_vkFreeCommandBuffers a = {
      .device = handle, .commandPool = commandPool, .commandBufferCount = count, .pCommandBuffers = pCommandBuffers};
   vp_send_vkFreeCommandBuffers(device->conn, &a);
   for (uint32_t i = 0; i < count; i++) {
      if (pCommandBuffers[i])
         destroy_command_buffer(VP_FROM_HANDLE(struct vp_command_buffer, pCommandBuffers[i]));
   }
}

/* The only thing in recording that locks something, so it stands behind a guard of its own. */
void vp_command_buffer_say(struct vp_command_buffer *cmd)
{
   const struct vp_guard guard = vp_guard_enter();
   struct vp_encoder *commands = &cmd->commands;
   const bool apart = !cmd->executes && (cmd->begun || vp_encoder_size(commands) >= APART_SIZE);
   if (vp_connection_is_inherited(cmd->device->conn))
      cmd->result = VK_ERROR_DEVICE_LOST;
   if (cmd->result == VK_SUCCESS && commands->failed)
      cmd->result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (cmd->result == VK_SUCCESS)
      cmd->result = vp_stream_append_recorded(cmd->device->conn, commands, apart);
   cmd->executes = false;
   if (cmd->result == VK_SUCCESS) {
      cmd->begun = true;
      cmd->said = cmd->current;
   }
   vp_encoder_trim(commands, 2 * VP_STREAM_PIECE);
   vp_guard_leave(guard);
}

bool vp_command_buffer_make_room(struct vp_command_buffer *cmd, size_t size)
{
   if (vp_encoder_size(&cmd->commands) >= VP_STREAM_PIECE)
      vp_command_buffer_say(cmd);
   return vp_command_buffer_has_room(cmd, size) || vp_encoder_grow(&cmd->commands, size);
}

/* What the specification lets be garbage is left out: a primary's inheritance,
 * and the render pass of a secondary that does not continue one. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkBeginCommandBuffer(VkCommandBuffer handle,
                                                       const VkCommandBufferBeginInfo *pBeginInfo)
{
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, handle);
   VkCommandBufferBeginInfo begin = *pBeginInfo;
   VkCommandBufferInheritanceInfo inheritance;
   const bool given_up = cmd->begun;
   forget_recording(cmd);
   cmd->current = cmd->said + 1;
   set_recording(cmd, true);
   if (given_up) /* natively beginning resets it */
      vp_request_vkResetCommandBuffer(&cmd->commands, 0,
                                      &(struct vp_cmd_vkResetCommandBuffer){.commandBuffer = handle});
   if (cmd->level == VK_COMMAND_BUFFER_LEVEL_PRIMARY) {
      begin.pInheritanceInfo = NULL;
   } else if (begin.pInheritanceInfo && !(begin.flags & VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT)) {
      inheritance = *begin.pInheritanceInfo;
      inheritance.renderPass = VK_NULL_HANDLE;
      inheritance.subpass = 0;
      inheritance.framebuffer = VK_NULL_HANDLE;
      begin.pInheritanceInfo = &inheritance;
   }
   const struct vp_cmd_vkBeginCommandBuffer a = {.commandBuffer = handle, .pBeginInfo = &begin};
   vp_request_vkBeginCommandBuffer(&cmd->commands, 0, &a);
   return VK_SUCCESS;
}

/* The end of a recording when the server is short of memory: waits for what became of it. */
static VkResult ask_end(struct vp_command_buffer *cmd)
{
   struct vp_cmd_vkEndCommandBuffer a = {.commandBuffer = VP_TO_HANDLE(VkCommandBuffer, cmd)};
   const VkResult result = vp_call_vkEndCommandBuffer(cmd->device->conn, &a);
   if (result != VK_SUCCESS || a.ret == VK_SUCCESS)
      return result;
   vp_command_buffer_fail(cmd, cmd->current, a.ret);
   return vp_late_result(a.ret);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkEndCommandBuffer(VkCommandBuffer handle)
{
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, handle);
   struct vp_connection *conn = cmd->device->conn;
   const bool wait = cmd->device->is_short;
   if (!wait)
      vp_request_vkEndCommandBuffer(&cmd->commands, 0, &(struct vp_cmd_vkEndCommandBuffer){.commandBuffer = handle});
   vp_stats_add(&conn->stats.recorded_calls, cmd->recorded);
   vp_command_buffer_say(cmd);
   if (cmd->result == VK_SUCCESS)
      cmd->result = wait ? ask_end(cmd) : vp_late_result(cmd->base.error);
   set_recording(cmd, false);
   if (cmd->result == VK_ERROR_DEVICE_LOST)
      return VK_SUCCESS; /* this call cannot say so; the submission does */
   cmd->begun &= cmd->result != VK_SUCCESS;
   return cmd->result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkResetCommandBuffer(VkCommandBuffer handle, VkCommandBufferResetFlags flags)
{
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, handle);
   forget_recording(cmd);
   const struct vp_cmd_vkResetCommandBuffer a = {.commandBuffer = handle, .flags = flags};
   return vp_send_vkResetCommandBuffer(cmd->device->conn, &a);
}

VKAPI_ATTR void VKAPI_CALL vp_vkCmdExecuteCommands(VkCommandBuffer handle, uint32_t count,
                                                   const VkCommandBuffer *pCommandBuffers)
{
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, handle);
   const struct vp_cmd_vkCmdExecuteCommands a = {
      .commandBuffer = handle, .commandBufferCount = count, .pCommandBuffers = pCommandBuffers};
   const size_t room = vp_room_vkCmdExecuteCommands(&a);
   if (!vp_command_buffer_make_room(cmd, room)) /* a piece that is there already executes nothing */
      return;
   cmd->executes = true;
   cmd->observable = true;
   vp_write_vkCmdExecuteCommands(&cmd->commands, vp_record(cmd, room), 0, &a);
}
