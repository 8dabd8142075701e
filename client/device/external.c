/* SPDX-License-Identifier: MIT */

/* What memory, semaphores and fences can be shared with: by file descriptors of ours with other processes that use the
 * same server, which are opaque; and memory of the application itself. No other handle crosses a network. */

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/device/image_format.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#define OPAQUE_MEMORY VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_SEMAPHORE VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT
#define OPAQUE_FENCE VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT

static bool is_importable(const struct vp_physical_device *gpu, VkExternalMemoryHandleTypeFlagBits type)
{
   return type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT &&
          vp_extension_set_has(&gpu->extensions, VP_EXT_VK_EXT_external_memory_host);
}

static bool is_opaque_fd(const struct vp_physical_device *gpu, VkExternalMemoryHandleTypeFlagBits type)
{
   return type == OPAQUE_MEMORY && vp_extension_set_has(&gpu->extensions, VP_EXT_VK_KHR_external_memory_fd);
}

/* Of the driver's answer what holds here, too. */
static void select_handles(VkExternalMemoryProperties *properties)
{
   properties->exportFromImportedHandleTypes &= OPAQUE_MEMORY;
   properties->compatibleHandleTypes &= OPAQUE_MEMORY;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceExternalBufferProperties(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceExternalBufferInfo *pInfo,
   VkExternalBufferProperties *pProperties)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   const bool importable = is_importable(gpu, pInfo->handleType);
   pProperties->externalMemoryProperties = (VkExternalMemoryProperties){
      .externalMemoryFeatures = importable ? VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT : 0,
      .compatibleHandleTypes = (VkExternalMemoryHandleTypeFlags)pInfo->handleType,
   };
   if (!is_opaque_fd(gpu, pInfo->handleType))
      return;
   struct vp_cmd_vkGetPhysicalDeviceExternalBufferProperties a = {
      .physicalDevice = physicalDevice, .pExternalBufferInfo = pInfo, .pExternalBufferProperties = pProperties};
   vp_ask_vkGetPhysicalDeviceExternalBufferProperties(&gpu->cache, gpu->conn, &a);
   select_handles(&pProperties->externalMemoryProperties);
}

/* Any coherent memory will do: what the application's memory has is copied there. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetMemoryHostPointerPropertiesEXT(VkDevice handle,
                                                                      VkExternalMemoryHandleTypeFlagBits handleType,
                                                                      const void *pHostPointer,
                                                                      VkMemoryHostPointerPropertiesEXT *pProperties)
{
   (void)pHostPointer;
   const struct vp_physical_device *gpu = vp_device_from_handle(handle)->physical_device;
   const VkPhysicalDeviceMemoryProperties *memory = &gpu->memory.memoryProperties;
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   pProperties->memoryTypeBits = 0;
   if (!is_importable(gpu, handleType))
      return VK_ERROR_INVALID_EXTERNAL_HANDLE;
   for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
      if ((memory->memoryTypes[i].propertyFlags & wanted) == wanted)
         pProperties->memoryTypeBits |= UINT32_C(1) << i;
   }
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceExternalFenceProperties(VkPhysicalDevice physicalDevice,
                                                                         const VkPhysicalDeviceExternalFenceInfo *pInfo,
                                                                         VkExternalFenceProperties *pProperties)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   pProperties->exportFromImportedHandleTypes = 0;
   pProperties->compatibleHandleTypes = 0;
   pProperties->externalFenceFeatures = 0;
   if (pInfo->handleType != OPAQUE_FENCE || !vp_extension_set_has(&gpu->extensions, VP_EXT_VK_KHR_external_fence_fd))
      return;
   struct vp_cmd_vkGetPhysicalDeviceExternalFenceProperties a = {
      .physicalDevice = physicalDevice, .pExternalFenceInfo = pInfo, .pExternalFenceProperties = pProperties};
   vp_ask_vkGetPhysicalDeviceExternalFenceProperties(&gpu->cache, gpu->conn, &a);
   pProperties->exportFromImportedHandleTypes &= OPAQUE_FENCE;
   pProperties->compatibleHandleTypes &= OPAQUE_FENCE;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceExternalSemaphoreProperties(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceExternalSemaphoreInfo *pInfo,
   VkExternalSemaphoreProperties *pProperties)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   pProperties->exportFromImportedHandleTypes = 0;
   pProperties->compatibleHandleTypes = 0;
   pProperties->externalSemaphoreFeatures = 0;
   if (pInfo->handleType != OPAQUE_SEMAPHORE ||
       !vp_extension_set_has(&gpu->extensions, VP_EXT_VK_KHR_external_semaphore_fd))
      return;
   struct vp_cmd_vkGetPhysicalDeviceExternalSemaphoreProperties a = {
      .physicalDevice = physicalDevice, .pExternalSemaphoreInfo = pInfo, .pExternalSemaphoreProperties = pProperties};
   vp_ask_vkGetPhysicalDeviceExternalSemaphoreProperties(&gpu->cache, gpu->conn, &a);
   pProperties->exportFromImportedHandleTypes &= OPAQUE_SEMAPHORE;
   pProperties->compatibleHandleTypes &= OPAQUE_SEMAPHORE;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceImageFormatProperties2(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceImageFormatInfo2 *pInfo,
   VkImageFormatProperties2 *pProperties)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   const VkPhysicalDeviceExternalImageFormatInfo *external =
      vp_chain_find(pInfo->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
   const VkExternalMemoryHandleTypeFlagBits type = external ? external->handleType : 0;
   if (type && !is_importable(gpu, type) && !is_opaque_fd(gpu, type))
      return VK_ERROR_FORMAT_NOT_SUPPORTED;
   struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
      .physicalDevice = physicalDevice, .pImageFormatInfo = pInfo, .pImageFormatProperties = pProperties};
   const VkResult result = vp_image_format_ask(gpu, &a);
   VkExternalImageFormatProperties *properties =
      (void *)(uintptr_t)vp_chain_find(pProperties->pNext, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES);
   if (properties && type == OPAQUE_MEMORY)
      select_handles(&properties->externalMemoryProperties);
   return result;
}
