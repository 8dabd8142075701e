/* SPDX-License-Identifier: MIT */

/* vkCreateShadersEXT returns at once, like the creation of pipelines; it waits for machine code, which the driver may
 * not take, and where a shader looks wrong. */

#include <string.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/shader_module.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#ifdef VK_EXT_shader_object

#define ARENA_LIMIT ((size_t)1 << 30)

static bool is_shader_sound(struct vp_arena *arena, const VkShaderCreateInfoEXT *info)
{
   return info->codeType == VK_SHADER_CODE_TYPE_SPIRV_EXT && vp_specialization_is_sound(info->pSpecializationInfo) &&
          vp_shader_code_is_sound(arena, info->pCode, info->codeSize, info->stage, info->pName);
}

static bool shaders_may_fail(struct vp_arena *arena, const struct vp_cmd_vkCreateShadersEXT *a)
{
   for (uint32_t i = 0; i < a->createInfoCount; i++) {
      if (!is_shader_sound(arena, &a->pCreateInfos[i]))
         return true;
   }
   return false;
}

/* Asks and waits. Of what there is, `created` has the ids; all else in it is null. */
static VkResult wait_for_shaders(struct vp_device *device, const struct vp_cmd_vkCreateShadersEXT *a,
                                 VkShaderEXT *created)
{
   struct vp_cmd_vkCreateShadersEXT answer = *a;
   struct vp_call call;
   answer.pShaders = created;
   vp_request_vkCreateShadersEXT(vp_call_begin(device->conn), 1, a);
   vp_call_queue(device->conn, &call);
   VkResult result = vp_call_wait(device->conn, &call, VP_CMD_vkCreateShadersEXT);
   if (result == VK_SUCCESS) {
      call.dec.keep_ids = true;
      vp_reply_vkCreateShadersEXT(&call.dec, &answer);
      result = answer.ret;
   }
   const VkResult end = vp_call_end(device->conn, &call);
   return end == VK_SUCCESS ? result : end;
}

/* Says the command, or waits for what becomes of it: then what there is not becomes null. */
static VkResult create_shaders(struct vp_device *device, const VkAllocationCallbacks *allocator,
                               struct vp_cmd_vkCreateShadersEXT *a)
{
   struct vp_arena arena;
   vp_arena_init(&arena, ARENA_LIMIT);
   const bool wait = vp_device_is_careful(device, VP_CMD_vkCreateShadersEXT) || shaders_may_fail(&arena, a);
   VkShaderEXT *created = vp_arena_alloc_array(&arena, a->createInfoCount, sizeof(*created));
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (created && wait)
      result = wait_for_shaders(device, a, created);
   else if (created)
      result = vp_send_vkCreateShadersEXT(device->conn, a);
   for (uint32_t i = 0; i < a->createInfoCount; i++) {
      if (wait && created ? created[i] != VK_NULL_HANDLE : result == VK_SUCCESS)
         continue;
      vp_object_destroy(&device->conn->objects, allocator, VP_FROM_HANDLE(struct vp_object, a->pShaders[i]));
      a->pShaders[i] = VK_NULL_HANDLE;
   }
   vp_arena_finish(&arena);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateShadersEXT(VkDevice handle, uint32_t createInfoCount,
                                                     const VkShaderCreateInfoEXT *pCreateInfos,
                                                     const VkAllocationCallbacks *pAllocator, VkShaderEXT *pShaders)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_cmd_vkCreateShadersEXT a = {
      .device = handle, .createInfoCount = createInfoCount, .pCreateInfos = pCreateInfos, .pShaders = pShaders};
   bool made = true;
   memset(pShaders, 0, createInfoCount * sizeof(*pShaders));
   for (uint32_t i = 0; i < createInfoCount && made; i++) {
      struct vp_object *object =
         vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_SHADER_EXT, sizeof(*object));
      pShaders[i] = VP_TO_HANDLE(VkShaderEXT, object);
      made = object != NULL;
   }
   if (made)
      return create_shaders(device, allocator, &a);
   for (uint32_t i = 0; i < createInfoCount; i++) {
      vp_object_destroy(&device->conn->objects, allocator, VP_FROM_HANDLE(struct vp_object, pShaders[i]));
      pShaders[i] = VK_NULL_HANDLE;
   }
   return VK_ERROR_OUT_OF_HOST_MEMORY;
}

#endif
