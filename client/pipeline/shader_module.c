/* SPDX-License-Identifier: MIT */

/* Finds the entry points in a module's SPIR-V when it is created, and looks stages of pipelines up among them. */

#include "client/pipeline/shader_module.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/wire/spirv.h"

/* The execution model of a stage; UINT32_MAX for one that is not known. */
static uint32_t execution_model(VkShaderStageFlagBits stage)
{
   switch ((uint32_t)stage) {
   case VK_SHADER_STAGE_VERTEX_BIT:
      return 0;
   case VK_SHADER_STAGE_TESSELLATION_CONTROL_BIT:
      return 1;
   case VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT:
      return 2;
   case VK_SHADER_STAGE_GEOMETRY_BIT:
      return 3;
   case VK_SHADER_STAGE_FRAGMENT_BIT:
      return 4;
   case VK_SHADER_STAGE_COMPUTE_BIT:
      return 5;
   case VK_SHADER_STAGE_RAYGEN_BIT_KHR:
      return 5313;
   case VK_SHADER_STAGE_INTERSECTION_BIT_KHR:
      return 5314;
   case VK_SHADER_STAGE_ANY_HIT_BIT_KHR:
      return 5315;
   case VK_SHADER_STAGE_CLOSEST_HIT_BIT_KHR:
      return 5316;
   case VK_SHADER_STAGE_MISS_BIT_KHR:
      return 5317;
   case VK_SHADER_STAGE_CALLABLE_BIT_KHR:
      return 5318;
   case VK_SHADER_STAGE_TASK_BIT_EXT:
      return 5364;
   case VK_SHADER_STAGE_MESH_BIT_EXT:
      return 5365;
   default:
      return UINT32_MAX;
   }
}

/* Task and mesh shaders of the older extension have models of their own. */
static uint32_t older_model(uint32_t model)
{
   return model == 5364 ? 5267 : model == 5365 ? 5268 : model;
}

static bool has_entry_point(const uint32_t *entry_points, size_t count, VkShaderStageFlagBits stage, const char *name)
{
   const uint32_t model = execution_model(stage);
   return vp_spirv_has_entry_point(entry_points, count, model, name) ||
          vp_spirv_has_entry_point(entry_points, count, older_model(model), name);
}

bool vp_specialization_is_sound(const VkSpecializationInfo *info)
{
   for (uint32_t i = 0; info && i < info->mapEntryCount; i++) {
      const VkSpecializationMapEntry *entry = &info->pMapEntries[i];
      if (entry->offset > info->dataSize || entry->size > info->dataSize - entry->offset)
         return false;
   }
   return true;
}

bool vp_shader_code_is_sound(struct vp_arena *arena, const void *code, size_t size, VkShaderStageFlagBits stage,
                             const char *name)
{
   const size_t count = size % 4 ? 0 : vp_spirv_entry_points(code, size / 4, NULL);
   uint32_t *entry_points = vp_arena_alloc_array(arena, count, sizeof(*entry_points));
   if (!entry_points || !count)
      return false;
   vp_spirv_entry_points(code, size / 4, entry_points);
   return has_entry_point(entry_points, count, stage, name);
}

/* The code is in a module or given directly. It can also be only named; then nothing is known of it. */
bool vp_shader_stage_is_sound(struct vp_arena *arena, const VkPipelineShaderStageCreateInfo *stage)
{
   const struct vp_shader_module *module = VP_FROM_HANDLE(struct vp_shader_module, stage->module);
   const VkShaderModuleCreateInfo *code = vp_chain_find(stage->pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
   if (!vp_specialization_is_sound(stage->pSpecializationInfo))
      return false;
   if (module)
      return !module->base.error && has_entry_point(module->entry_points, module->count, stage->stage, stage->pName);
   return !code || vp_shader_code_is_sound(arena, code->pCode, code->codeSize, stage->stage, stage->pName);
}

void *vp_make_vkCreateShaderModule(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                   const VkShaderModuleCreateInfo *info)
{
   const size_t words = info->codeSize / 4;
   const size_t count = info->codeSize % 4 ? 0 : vp_spirv_entry_points(info->pCode, words, NULL);
   struct vp_shader_module *module = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_SHADER_MODULE,
                                                      sizeof(*module) + count * sizeof(module->entry_points[0]));
   if (module)
      module->count = count;
   if (module && count)
      vp_spirv_entry_points(info->pCode, words, module->entry_points);
   return module;
}

/* What has no entry point may not be a shader at all. */
VkResult vp_say_vkCreateShaderModule(struct vp_device *device, void *object, struct vp_cmd_vkCreateShaderModule *a)
{
   const struct vp_shader_module *module = object;
   return vp_try_vkCreateShaderModule(device, module->count == 0, a);
}
