/* SPDX-License-Identifier: MIT */

/* VK_KHR_pipeline_binary: binaries are the server's driver's. Create-infos of pipelines travel for their keys as they
 * do for the pipelines. */

#include <string.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/pipeline.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#ifdef VK_KHR_pipeline_binary

#define ARENA_LIMIT ((size_t)1 << 30)

_Static_assert(sizeof(((VkPipelineKeyVP *)0)->key) == VK_MAX_PIPELINE_BINARY_KEY_SIZE_KHR, "keys fit");

/* --- keys --- */

static VkPipelineKeyVP say_key(const VkPipelineBinaryKeyKHR *key)
{
   VkPipelineKeyVP said = {.size = key->keySize};
   memcpy(said.key, key->key, sizeof(said.key));
   return said;
}

/* Programs read as much of it as it says. */
static void hear_key(VkPipelineBinaryKeyKHR *key, const VkPipelineKeyVP *heard)
{
   key->keySize = heard->size < sizeof(key->key) ? heard->size : (uint32_t)sizeof(key->key);
   memcpy(key->key, heard->key, sizeof(key->key));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPipelineKeyKHR(VkDevice handle,
                                                      const VkPipelineCreateInfoKHR *pPipelineCreateInfo,
                                                      VkPipelineBinaryKeyKHR *pPipelineKey)
{
   struct vp_device *device = vp_device_from_handle(handle);
   VkPipelineInfosVP infos;
   VkPipelineKeyVP key = {0};
   struct vp_cmd_vkGetPipelineKeyVP a = {.device = handle, .pInfos = &infos, .pKey = &key};
   struct vp_arena arena;
   vp_arena_init(&arena, ARENA_LIMIT);
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (vp_pipeline_copy_infos(&arena, pPipelineCreateInfo ? pPipelineCreateInfo->pNext : NULL, &infos))
      result = vp_call_vkGetPipelineKeyVP(device->conn, &a);
   vp_arena_finish(&arena);
   hear_key(pPipelineKey, &key);
   return result == VK_SUCCESS ? a.ret : result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPipelineBinaryDataKHR(VkDevice handle, const VkPipelineBinaryDataInfoKHR *pInfo,
                                                             VkPipelineBinaryKeyKHR *pPipelineBinaryKey,
                                                             size_t *pPipelineBinaryDataSize, void *pPipelineBinaryData)
{
   VkPipelineKeyVP key = {0};
   size_t needed = 0, size = pPipelineBinaryData ? *pPipelineBinaryDataSize : 0;
   struct vp_cmd_vkGetPipelineBinaryDataVP a = {
      .device = handle,
      .pipelineBinary = vp_object_id((uint64_t)(uintptr_t)pInfo->pipelineBinary),
      .pKey = &key,
      .pNeeded = &needed,
      .pDataSize = &size,
      .pData = pPipelineBinaryData,
   };
   const VkResult result = vp_call_vkGetPipelineBinaryDataVP(vp_device_from_handle(handle)->conn, &a);
   hear_key(pPipelineBinaryKey, &key);
   /* Of what is there now programs read so much. */
   *pPipelineBinaryDataSize = pPipelineBinaryData && a.ret == VK_SUCCESS ? size : needed;
   return result == VK_SUCCESS ? a.ret : result;
}

/* --- creation --- */

/* What a creation needs of memory, all of it in the arena. */
struct making {
   struct vp_device *device;
   const VkAllocationCallbacks *allocator;
   struct vp_arena arena;
   VkPipelineInfosVP infos;
   VkPipelineBinaryVP *given;
   uint64_t *ids;
   VkBool32 *created;
};

/* The binaries that the application brings. False without memory. */
static bool say_given(struct making *making, const VkPipelineBinaryKeysAndDataKHR *given)
{
   making->given = vp_arena_alloc_array(&making->arena, given->binaryCount, sizeof(*making->given));
   for (uint32_t i = 0; making->given && i < given->binaryCount; i++) {
      making->given[i] = (VkPipelineBinaryVP){
         .key = say_key(&given->pPipelineBinaryKeys[i]),
         .dataSize = given->pPipelineBinaryData[i].dataSize,
         .pData = given->pPipelineBinaryData[i].pData,
      };
   }
   return making->given;
}

static void drop_objects(struct making *making, VkPipelineBinaryKHR *handles, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      if (making->created && making->created[i])
         continue;
      vp_object_destroy(&making->device->conn->objects, making->allocator, VP_FROM_HANDLE(void, handles[i]));
      handles[i] = VK_NULL_HANDLE;
   }
}

/* An object for each handle that there is room for. False without memory. */
static bool make_objects(struct making *making, VkPipelineBinaryKHR *handles, uint32_t count)
{
   bool ok = true;
   for (uint32_t i = 0; i < count; i++)
      handles[i] = VK_NULL_HANDLE;
   making->ids = vp_arena_alloc_array(&making->arena, count, sizeof(*making->ids));
   making->created = vp_arena_alloc_array(&making->arena, count, sizeof(*making->created));
   for (uint32_t i = 0; ok && making->ids && making->created && i < count; i++) {
      struct vp_object *object = vp_object_create(&making->device->conn->objects, making->allocator,
                                                  VK_OBJECT_TYPE_PIPELINE_BINARY_KHR, sizeof(*object));
      handles[i] = VP_TO_HANDLE(VkPipelineBinaryKHR, object);
      making->ids[i] = object ? object->id : 0;
      ok = object;
   }
   return ok && making->ids && making->created;
}

static bool prepare_binaries(struct making *making, const VkPipelineBinaryCreateInfoKHR *info)
{
   const VkPipelineCreateInfoKHR *pipeline = info->pPipelineCreateInfo;
   return vp_pipeline_copy_infos(&making->arena, pipeline ? pipeline->pNext : NULL, &making->infos) &&
          (!info->pKeysAndDataInfo || say_given(making, info->pKeysAndDataInfo));
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreatePipelineBinariesKHR(VkDevice handle,
                                                              const VkPipelineBinaryCreateInfoKHR *pCreateInfo,
                                                              const VkAllocationCallbacks *pAllocator,
                                                              VkPipelineBinaryHandlesInfoKHR *pBinaries)
{
   struct making making = {.device = vp_device_from_handle(handle)};
   VkPipelineBinaryKHR *handles = pBinaries->pPipelineBinaries;
   const uint32_t room = handles ? pBinaries->pipelineBinaryCount : 0;
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   uint32_t count = 0;
   making.allocator = vp_allocator(pAllocator, making.device->allocator);
   vp_arena_init(&making.arena, ARENA_LIMIT);
   if (make_objects(&making, handles, room) && prepare_binaries(&making, pCreateInfo)) {
      struct vp_cmd_vkCreatePipelineBinariesVP a = {
         .device = handle,
         .givenCount = pCreateInfo->pKeysAndDataInfo ? pCreateInfo->pKeysAndDataInfo->binaryCount : 0,
         .pGiven = making.given,
         .pipeline = pCreateInfo->pipeline,
         .pInfos = &making.infos,
         .idCount = room,
         .pIds = making.ids,
         .pBinaryCount = &count,
         .pCreated = making.created,
      };
      result = vp_call_vkCreatePipelineBinariesVP(making.device->conn, &a);
      result = result == VK_SUCCESS ? a.ret : result;
   }
   drop_objects(&making, handles, room);
   vp_arena_finish(&making.arena);
   pBinaries->pipelineBinaryCount = handles && count > room ? room : count;
   return result;
}

#endif
