/* SPDX-License-Identifier: MIT */

/* Pipeline caches are the server's driver's. Their data is our header, then what that driver gives, which begins with a
 * header of its own. */

#include <string.h>

#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#define HEADER_SIZE sizeof(VkPipelineCacheHeaderVersionOne)
_Static_assert(sizeof(VkPipelineCacheHeaderVersionOne) == 32, "Vulkan says so");

/* More than this does not travel: a cache without it is slow at worst. */
#define MAX_DATA_SIZE ((size_t)256 << 20)

static VkPipelineCacheHeaderVersionOne own_header(const struct vp_device *device)
{
   const VkPhysicalDeviceProperties *properties = &device->physical_device->properties.properties;
   VkPipelineCacheHeaderVersionOne header = {
      .headerSize = HEADER_SIZE,
      .headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE,
      .vendorID = properties->vendorID,
      .deviceID = properties->deviceID,
   };
   memcpy(header.pipelineCacheUUID, properties->pipelineCacheUUID, VK_UUID_SIZE);
   return header;
}

/* Takes our header off. Data that begins otherwise is of another driver and of
 * no use, as is data that ends there. */
static void unwrap(const struct vp_device *device, VkPipelineCacheCreateInfo *info)
{
   const VkPipelineCacheHeaderVersionOne header = own_header(device);
   const size_t size = info->initialDataSize;
   if (size > HEADER_SIZE && size <= MAX_DATA_SIZE && memcmp(info->pInitialData, &header, HEADER_SIZE) == 0) {
      info->initialDataSize = size - HEADER_SIZE;
      info->pInitialData = (const uint8_t *)info->pInitialData + HEADER_SIZE;
   } else {
      info->initialDataSize = 0;
      info->pInitialData = NULL;
   }
}

VkResult vp_say_vkCreatePipelineCache(struct vp_device *device, void *object, struct vp_cmd_vkCreatePipelineCache *a)
{
   VkPipelineCacheCreateInfo info = *a->pCreateInfo;
   struct vp_cmd_vkCreatePipelineCache said = {
      .device = a->device, .pCreateInfo = &info, .pPipelineCache = a->pPipelineCache};
   (void)object;
   unwrap(device, &info);
   return vp_try_vkCreatePipelineCache(device, false, &said);
}

/* What the server's driver has: its size, or as much as there is room for. Nothing when the server is lost: this call
 * cannot say so, and programs that end then read the header of what they get. */
static VkResult get_host_data(struct vp_device *device, VkPipelineCache cache, size_t *size, void *data)
{
   struct vp_cmd_vkGetPipelineCacheData a = {
      .device = VP_TO_HANDLE(VkDevice, device), .pipelineCache = cache, .pDataSize = size, .pData = data};
   const VkResult result = vp_call_vkGetPipelineCacheData(device->conn, &a);
   if (result == VK_ERROR_DEVICE_LOST) {
      *size = 0;
      return VK_SUCCESS;
   }
   return result == VK_SUCCESS ? a.ret : result;
}

static VkResult get_size(struct vp_device *device, VkPipelineCache cache, size_t *size)
{
   *size = 0;
   const VkResult result = get_host_data(device, cache, size, NULL);
   if (*size > MAX_DATA_SIZE - HEADER_SIZE)
      *size = MAX_DATA_SIZE - HEADER_SIZE;
   *size = result < 0 ? 0 : *size + HEADER_SIZE;
   return result;
}

static VkResult get_data(struct vp_device *device, VkPipelineCache cache, size_t *size, uint8_t *data)
{
   const size_t room = *size < MAX_DATA_SIZE ? *size : MAX_DATA_SIZE;
   *size = 0;
   if (room < HEADER_SIZE)
      return VK_INCOMPLETE;
   size_t written = room - HEADER_SIZE;
   /* Without room a driver is not asked: it has a header at least. */
   const VkResult result = written || vp_connection_lost(device->conn)
                              ? get_host_data(device, cache, &written, data + HEADER_SIZE)
                              : VK_INCOMPLETE;
   if (result < 0)
      return result;
   const VkPipelineCacheHeaderVersionOne header = own_header(device);
   memcpy(data, &header, HEADER_SIZE);
   *size = HEADER_SIZE + (written < room - HEADER_SIZE ? written : room - HEADER_SIZE);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPipelineCacheData(VkDevice handle, VkPipelineCache pipelineCache,
                                                         size_t *pDataSize, void *pData)
{
   struct vp_device *device = vp_device_from_handle(handle);
   return pData ? get_data(device, pipelineCache, pDataSize, pData) : get_size(device, pipelineCache, pDataSize);
}
