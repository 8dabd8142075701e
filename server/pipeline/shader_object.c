/* SPDX-License-Identifier: MIT */

/* Shaders without pipelines (VK_EXT_shader_object): created as pipelines are, by the maker or at once. */

#include "server/pipeline/shader_object.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/pipeline/pipeline.h"

#ifdef VK_EXT_shader_object

/* Once they are noted elsewhere, the command's ids are not needed any more: the driver's handles take their place. */
static VkResult create_shaders(const struct vps_creation *creation)
{
   const struct vp_cmd_vkCreateShadersEXT *a = &creation->command.shaders;

   for (uint32_t i = 0; i < creation->count; i++)
      a->pShaders[i] = VK_NULL_HANDLE;
   const VkResult result =
      creation->device->functions.CreateShadersEXT(a->device, a->createInfoCount, a->pCreateInfos, NULL, a->pShaders);

   for (uint32_t i = 0; i < creation->count; i++)
      creation->handles[i] = (VkPipeline)(uintptr_t)a->pShaders[i];
   return result;
}

/* Of machine code nothing is known. */
static void note_shader(struct vps_context *ctx, const struct vps_creation *creation, uint32_t i)
{
   const VkShaderCreateInfoEXT *info = &creation->command.shaders.pCreateInfos[i];
   struct vps_shader *shader = malloc(sizeof(*shader));

   if (!shader) {
      vps_fail(ctx, "the server is out of memory");
      return;
   }
   shader->stage = info->stage;
   shader->stores = info->codeType == VK_SHADER_CODE_TYPE_SPIRV_EXT
                       ? vps_spirv_find_stores(info->pCode, info->codeSize / 4)
                       : vps_stores_anything;
   creation->objects[i]->state = shader;
   creation->objects[i]->release = free;
}

static const struct vps_pipeline_kind shaders = {VK_OBJECT_TYPE_SHADER_EXT, create_shaders, note_shader, NULL};

void vps_handle_vkCreateShadersEXT(struct vps_context *ctx, struct vp_cmd_vkCreateShadersEXT *a)
{
   struct vps_creation creation = {.kind = &shaders, .command.shaders = *a};
   VkPipeline *ids = vps_alloc(ctx, a->createInfoCount, sizeof(*ids));

   if (!ids)
      return;
   for (uint32_t i = 0; i < a->createInfoCount; i++)
      ids[i] = (VkPipeline)(uintptr_t)a->pShaders[i];
   a->ret = vps_create(ctx, &creation, a->createInfoCount, ids);
   /* Unless they are being made by now: then nobody waits for a reply, and the memory is not ours any more. */
   for (uint32_t i = 0; ctx->reply && i < a->createInfoCount; i++)
      a->pShaders[i] = (VkShaderEXT)(uintptr_t)ids[i];
}

#endif
