/* SPDX-License-Identifier: MIT */

/* VK_KHR_pipeline_binary: keys and data of the driver's binaries, and their creation, of which the reply says which
 * there are. */

#include <string.h>

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/reserve.h"
#include "server/vp_dispatch.h"

#ifdef VK_KHR_pipeline_binary

/* --- keys --- */

static bool read_key(struct vps_context *ctx, const VkPipelineKeyVP *said, VkPipelineBinaryKeyKHR *key)
{
   if (said->size > sizeof(key->key)) {
      vps_fail(ctx, "a key of %u bytes is too long", said->size);
      return false;
   }
   *key = (VkPipelineBinaryKeyKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR, .keySize = said->size};
   memcpy(key->key, said->key, sizeof(key->key));
   return true;
}

static void say_key(VkPipelineKeyVP *said, const VkPipelineBinaryKeyKHR *key)
{
   said->size = key->keySize;
   memcpy(said->key, key->key, sizeof(said->key));
}

static VkPipelineCreateInfoKHR wrap_infos(const VkPipelineInfosVP *infos)
{
   const void *info = infos->graphicsCount  ? (const void *)infos->pGraphics
                      : infos->computeCount ? (const void *)infos->pCompute
                                            : (const void *)infos->pRayTracing;

   return (VkPipelineCreateInfoKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_CREATE_INFO_KHR,
                                    .pNext = (void *)(uintptr_t)info};
}

void vps_handle_vkGetPipelineKeyVP(struct vps_context *ctx, struct vp_cmd_vkGetPipelineKeyVP *a)
{
   const struct vps_device_functions *functions = &ctx->used[0]->device->functions;
   const VkPipelineCreateInfoKHR info = wrap_infos(a->pInfos);
   VkPipelineBinaryKeyKHR key = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR};

   if (!functions->GetPipelineKeyKHR) {
      vps_missing_function(ctx);
      return;
   }
   do
      a->ret = functions->GetPipelineKeyKHR(a->device, info.pNext ? &info : NULL, &key);
   while (vps_try_again(ctx, a->ret));
   say_key(a->pKey, &key);
}

void vps_handle_vkGetPipelineBinaryDataVP(struct vps_context *ctx, struct vp_cmd_vkGetPipelineBinaryDataVP *a)
{
   const struct vps_device_functions *functions = &ctx->used[0]->device->functions;
   const uint64_t handle = vps_use_handle(ctx, VK_OBJECT_TYPE_PIPELINE_BINARY_KHR, a->pipelineBinary);
   const VkPipelineBinaryDataInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_DATA_INFO_KHR,
                                             .pipelineBinary = (VkPipelineBinaryKHR)(uintptr_t)handle};
   VkPipelineBinaryKeyKHR key = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR};
   const size_t room = a->pData ? *a->pDataSize : 0;

   *a->pDataSize = 0;
   a->ret = ctx->poison;
   if (!handle || ctx->poison)
      return;
   if (!functions->GetPipelineBinaryDataKHR) {
      vps_missing_function(ctx);
      return;
   }
   do {
      *a->pNeeded = room;
      a->ret = functions->GetPipelineBinaryDataKHR(a->device, &info, &key, a->pNeeded, a->pData);
   } while (vps_try_again(ctx, a->ret));
   if (a->pData && a->ret >= 0)
      *a->pDataSize = *a->pNeeded < room ? *a->pNeeded : room;
   say_key(a->pKey, &key);
}

/* --- creation --- */

/* The binaries that the client brings. False ends the session. */
static bool read_given(struct vps_context *ctx, const struct vp_cmd_vkCreatePipelineBinariesVP *a,
                       VkPipelineBinaryKeysAndDataKHR *given)
{
   VkPipelineBinaryKeyKHR *keys = vps_alloc(ctx, a->givenCount, sizeof(*keys));
   VkPipelineBinaryDataKHR *data = vps_alloc(ctx, a->givenCount, sizeof(*data));
   bool ok = keys && data;

   for (uint32_t i = 0; ok && i < a->givenCount; i++) {
      ok = read_key(ctx, &a->pGiven[i].key, &keys[i]);
      data[i] = (VkPipelineBinaryDataKHR){a->pGiven[i].dataSize, (void *)(uintptr_t)a->pGiven[i].pData};
   }
   *given = (VkPipelineBinaryKeysAndDataKHR){a->givenCount, keys, data};
   return ok;
}

/* Whether the ids can be given to new objects; otherwise the session ends. */
static bool check_ids(struct vps_context *ctx, const struct vp_cmd_vkCreatePipelineBinariesVP *a)
{
   for (uint32_t i = 0; i < a->idCount; i++) {
      if (!vps_check_new(ctx, a->pIds[i]))
         return false;
   }
   return true;
}

static void destroy_binaries(struct vps_context *ctx, VkPipelineBinaryKHR *handles, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      vps_destroy_handle(ctx->used[0]->device, VK_OBJECT_TYPE_PIPELINE_BINARY_KHR, (uint64_t)(uintptr_t)handles[i]);
      handles[i] = VK_NULL_HANDLE;
   }
}

static void enter_binaries(struct vps_context *ctx, struct vp_cmd_vkCreatePipelineBinariesVP *a,
                           const VkPipelineBinaryKHR *handles)
{
   for (uint32_t i = 0; i < a->idCount; i++) {
      a->pCreated[i] = handles[i] != VK_NULL_HANDLE;
      if (handles[i])
         vps_created(ctx, VK_OBJECT_TYPE_PIPELINE_BINARY_KHR, a->pIds[i], (uint64_t)(uintptr_t)handles[i], VK_SUCCESS);
   }
}

void vps_handle_vkCreatePipelineBinariesVP(struct vps_context *ctx, struct vp_cmd_vkCreatePipelineBinariesVP *a)
{
   const struct vps_device_functions *functions = &ctx->used[0]->device->functions;
   const VkPipelineCreateInfoKHR pipeline = wrap_infos(a->pInfos);
   VkPipelineBinaryKeysAndDataKHR given;
   VkPipelineBinaryKHR *handles = vps_alloc(ctx, a->idCount, sizeof(VkPipelineBinaryKHR));

   if (!handles || !read_given(ctx, a, &given) || !check_ids(ctx, a))
      return;
   if (!functions->CreatePipelineBinariesKHR) {
      vps_missing_function(ctx);
      return;
   }
   vps_admit(ctx, a->idCount);
   a->ret = ctx->poison;
   if (ctx->poison)
      return;
   const VkPipelineBinaryCreateInfoKHR info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_CREATE_INFO_KHR,
      .pKeysAndDataInfo = a->givenCount ? &given : NULL,
      .pipeline = a->pipeline,
      .pPipelineCreateInfo = a->givenCount || a->pipeline ? NULL : &pipeline,
   };
   VkPipelineBinaryHandlesInfoKHR out = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_HANDLES_INFO_KHR,
                                         .pPipelineBinaries = a->idCount ? handles : NULL};
   do {
      destroy_binaries(ctx, handles, a->idCount);
      out.pipelineBinaryCount = a->idCount;
      a->ret = functions->CreatePipelineBinariesKHR(a->device, &info, NULL, &out);
   } while (vps_try_again(ctx, a->ret));
   *a->pBinaryCount = out.pipelineBinaryCount;
   if (a->ret < 0)
      destroy_binaries(ctx, handles, a->idCount);
   enter_binaries(ctx, a, handles);
}

#else

/* Built with a registry that does not have the extension, so it was never offered. */

void vps_handle_vkGetPipelineKeyVP(struct vps_context *ctx, struct vp_cmd_vkGetPipelineKeyVP *a)
{
   (void)a;
   vps_missing_function(ctx);
}

void vps_handle_vkGetPipelineBinaryDataVP(struct vps_context *ctx, struct vp_cmd_vkGetPipelineBinaryDataVP *a)
{
   (void)a;
   vps_missing_function(ctx);
}

void vps_handle_vkCreatePipelineBinariesVP(struct vps_context *ctx, struct vp_cmd_vkCreatePipelineBinariesVP *a)
{
   (void)a;
   vps_missing_function(ctx);
}

#endif
