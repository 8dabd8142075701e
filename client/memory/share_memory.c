/* SPDX-License-Identifier: MIT */

/* Memory that several processes have, by file descriptors of ours. It is never mapped: what one of them writes with the
 * CPU alone the others could not see. */

#include "client/memory/share_memory.h"

#include <unistd.h>

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/memory/device_memory.h"
#include "client/memory/resource.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/util/log.h"

#define OPAQUE_FD VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT

const VkImportMemoryFdInfoKHR *vp_memory_fd_of(const VkMemoryAllocateInfo *info)
{
   const VkImportMemoryFdInfoKHR *import = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
   return import && import->handleType ? import : NULL;
}

bool vp_memory_is_lent(const VkMemoryAllocateInfo *info)
{
   const VkExportMemoryAllocateInfo *export = vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
   return vp_memory_fd_of(info) || (export && (export->handleTypes & OPAQUE_FD));
}

VkResult vp_memory_import_fd(struct vp_device_memory *memory, const VkMemoryAllocateInfo *info)
{
   struct vp_device *device = memory->device;
   const VkImportMemoryFdInfoKHR *import = vp_memory_fd_of(info);
   VkDeviceMemory handle = VP_TO_HANDLE(VkDeviceMemory, memory);
   VkTokenVP token;
   uint32_t reason = 0;
   if (import->handleType != OPAQUE_FD || !vp_token_read(import->fd, VP_TOKEN_MEMORY, &token)) {
      vp_log(VP_LOG_WARN, "cannot import memory from a file descriptor: it is none of this driver's");
      return VK_ERROR_INVALID_EXTERNAL_HANDLE;
   }
   device->shares = true;
   struct vp_cmd_vkAllocateMemoryVP a = {.device = VP_TO_HANDLE(VkDevice, device),
                                         .pToken = &token,
                                         .pAllocateInfo = info,
                                         .pReason = &reason,
                                         .pMemory = &handle};
   const VkResult result = vp_call_vkAllocateMemoryVP(device->conn, &a);
   if (result == VK_SUCCESS && a.ret == VK_SUCCESS) {
      close(import->fd);
      return VK_SUCCESS;
   }
   vp_exports_log_refusal(device->physical_device, "memory", reason);
   return result != VK_SUCCESS ? result : a.ret;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetMemoryFdKHR(VkDevice handle, const VkMemoryGetFdInfoKHR *pGetFdInfo, int *pFd)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const struct vp_device_memory *memory = VP_FROM_HANDLE(struct vp_device_memory, pGetFdInfo->memory);
   VkTokenVP token;
   *pFd = -1;
   if (pGetFdInfo->handleType != OPAQUE_FD || !memory->lent)
      return VK_ERROR_TOO_MANY_OBJECTS;
   vp_exports_sweep(device->physical_device);
   device->shares = true;
   struct vp_cmd_vkExportMemoryVP a = {.device = handle, .memory = pGetFdInfo->memory, .pToken = &token};
   const VkResult result = vp_call_vkExportMemoryVP(device->conn, &a);
   if (result != VK_SUCCESS || a.ret != VK_SUCCESS)
      return result != VK_SUCCESS ? result : a.ret;
   *pFd = vp_exports_add(device->physical_device, VP_TOKEN_MEMORY, &token);
   return *pFd >= 0 ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
}

/* Opaque descriptors have none. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetMemoryFdPropertiesKHR(VkDevice device, VkExternalMemoryHandleTypeFlagBits type,
                                                             int fd, VkMemoryFdPropertiesKHR *pProperties)
{
   (void)device, (void)type, (void)fd;
   pProperties->memoryTypeBits = 0;
   return VK_ERROR_INVALID_EXTERNAL_HANDLE;
}

/* --- what memory it can be --- */

bool vp_buffer_is_lent(const VkBufferCreateInfo *info)
{
   const VkExternalMemoryBufferCreateInfo *external =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);
   return external && (external->handleTypes & OPAQUE_FD);
}

bool vp_image_is_lent(const VkImageCreateInfo *info)
{
   const VkExternalMemoryImageCreateInfo *external =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO);
   return external && (external->handleTypes & OPAQUE_FD);
}

void vp_memory_requirements_lend(const struct vp_device *device, VkMemoryRequirements *requirements)
{
   const VkPhysicalDeviceMemoryProperties *memory = &device->physical_device->memory.memoryProperties;
   uint32_t hidden = 0;
   for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
      if (!(memory->memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
         hidden |= UINT32_C(1) << i;
   }
   if (requirements->memoryTypeBits & hidden)
      requirements->memoryTypeBits &= hidden;
}
