/* SPDX-License-Identifier: MIT */

/* VK_NVX_binary_import: binaries of CUDA and their kernels. A launch travels with the bytes of its parameters, which
 * the application gives as they are, or one by one, without their sizes: then the binary says these. */

#include <string.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/cubin.h"
#include "client/record/command_buffer.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/arena.h"
#include "common/util/log.h"
#include "common/wire/cu_extras.h"

#define ARENA_LIMIT ((size_t)1 << 20)

/* Pairs of a key and a value behind pExtras. */
#define MAX_EXTRAS 16

struct vp_cu_module {
   struct vp_object base;
   size_t size;
   uint8_t data[];
};

struct vp_cu_function {
   struct vp_object base;
   bool is_known; /* what its parameters are: */
   uint32_t count;
   struct vp_cubin_parameter parameters[];
};

/* --- objects --- */

void *vp_make_vkCreateCuModuleNVX(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                  const VkCuModuleCreateInfoNVX *info)
{
   struct vp_cu_module *module = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_CU_MODULE_NVX,
                                                  sizeof(*module) + info->dataSize);
   if (module && info->dataSize) {
      module->size = info->dataSize;
      memcpy(module->data, info->pData, info->dataSize);
   }
   return module;
}

/* A binary for another GPU is refused, and applications try several. */
VkResult vp_say_vkCreateCuModuleNVX(struct vp_device *device, void *object, struct vp_cmd_vkCreateCuModuleNVX *a)
{
   (void)object;
   return vp_try_vkCreateCuModuleNVX(device, true, a);
}

void *vp_make_vkCreateCuFunctionNVX(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                    const VkCuFunctionCreateInfoNVX *info)
{
   const struct vp_cu_module *module = VP_FROM_HANDLE(struct vp_cu_module, info->module);
   const int64_t count = vp_cubin_find_parameters(module->data, module->size, info->pName, NULL, 0);
   const uint32_t room = count > 0 && count <= UINT16_MAX ? (uint32_t)count : 0;
   struct vp_cu_function *function = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_CU_FUNCTION_NVX,
                                                      sizeof(*function) + room * sizeof(function->parameters[0]));
   if (function) {
      function->is_known = count == room;
      function->count = room;
      vp_cubin_find_parameters(module->data, module->size, info->pName, function->parameters, room);
   }
   return function;
}

VkResult vp_say_vkCreateCuFunctionNVX(struct vp_device *device, void *object, struct vp_cmd_vkCreateCuFunctionNVX *a)
{
   (void)object;
   return vp_try_vkCreateCuFunctionNVX(device, true, a);
}

/* --- launches --- */

/* Parameters that the application gives in one piece. */
static void find_launch_buffer(const VkCuLaunchInfoNVX *info, struct vp_cmd_vkCmdCuLaunchKernelVP *a)
{
   const void *const *extras = info->extraCount ? info->pExtras : NULL;
   for (unsigned i = 0; extras && i < MAX_EXTRAS && extras[0] != VP_CU_EXTRA_END; i++, extras += 2) {
      if (extras[0] == VP_CU_EXTRA_BUFFER)
         a->pParameters = extras[1];
      else if (extras[0] == VP_CU_EXTRA_SIZE)
         a->parameterSize = *(const size_t *)extras[1];
   }
}

/* Brings those that are given one by one to their places. False when these are not known, or there is no memory. */
static bool gather_parameters(const VkCuLaunchInfoNVX *info, struct vp_arena *arena,
                              struct vp_cmd_vkCmdCuLaunchKernelVP *a)
{
   const struct vp_cu_function *function = VP_FROM_HANDLE(struct vp_cu_function, info->function);
   for (uint32_t i = 0; i < function->count; i++) {
      const size_t end = (size_t)function->parameters[i].offset + function->parameters[i].size;
      a->parameterSize = end > a->parameterSize ? end : a->parameterSize;
   }
   uint8_t *bytes = vp_arena_alloc(arena, a->parameterSize);
   if (!function->is_known || function->count != info->paramCount || !bytes)
      return false;
   for (uint32_t i = 0; i < function->count; i++)
      memcpy(bytes + function->parameters[i].offset, info->pParams[i], function->parameters[i].size);
   a->pParameters = bytes;
   return true;
}

VKAPI_ATTR void VKAPI_CALL vp_vkCmdCuLaunchKernelNVX(VkCommandBuffer commandBuffer,
                                                     const VkCuLaunchInfoNVX *pLaunchInfo)
{
   struct vp_command_buffer *cmd = VP_FROM_HANDLE(struct vp_command_buffer, commandBuffer);
   struct vp_cmd_vkCmdCuLaunchKernelVP a = {
      .commandBuffer = commandBuffer,
      .function = pLaunchInfo->function,
      .gridDimX = pLaunchInfo->gridDimX,
      .gridDimY = pLaunchInfo->gridDimY,
      .gridDimZ = pLaunchInfo->gridDimZ,
      .blockDimX = pLaunchInfo->blockDimX,
      .blockDimY = pLaunchInfo->blockDimY,
      .blockDimZ = pLaunchInfo->blockDimZ,
      .sharedMemBytes = pLaunchInfo->sharedMemBytes,
   };
   struct vp_arena arena;
   vp_arena_init(&arena, ARENA_LIMIT);
   if (pLaunchInfo->paramCount && !gather_parameters(pLaunchInfo, &arena, &a)) {
      vp_log(VP_LOG_ERROR, "a kernel is launched with parameters of which its binary does not say how long they are");
      cmd->result = VK_ERROR_UNKNOWN;
   }
   if (!pLaunchInfo->paramCount)
      find_launch_buffer(pLaunchInfo, &a);
   const size_t room = vp_room_vkCmdCuLaunchKernelVP(&a);
   if (cmd->result == VK_SUCCESS && (vp_command_buffer_has_room(cmd, room) || vp_command_buffer_make_room(cmd, room)))
      vp_write_vkCmdCuLaunchKernelVP(&cmd->commands, vp_record(cmd, room), 0, &a);
   cmd->observable = true;
   vp_arena_finish(&arena);
}
