/* SPDX-License-Identifier: MIT */

/* Memory, semaphores and fences of other processes and devices: handles to them
 * do not cross a network, so none can be imported or exported. Memory of the application itself can. */

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "client/device/image_format.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

static bool is_importable(const struct vp_physical_device *gpu, VkExternalMemoryHandleTypeFlagBits type)
{
   return type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT &&
          vp_extension_set_has(&gpu->extensions, VP_EXT_VK_EXT_external_memory_host);
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceExternalBufferProperties(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceExternalBufferInfo *pInfo,
   VkExternalBufferProperties *pProperties)
{
   const struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   const bool importable = is_importable(gpu, pInfo->handleType);
   pProperties->externalMemoryProperties = (VkExternalMemoryProperties){
      .externalMemoryFeatures = importable ? VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT : 0,
      .compatibleHandleTypes = (VkExternalMemoryHandleTypeFlags)pInfo->handleType,
   };
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
   (void)physicalDevice, (void)pInfo;
   pProperties->exportFromImportedHandleTypes = 0;
   pProperties->compatibleHandleTypes = 0;
   pProperties->externalFenceFeatures = 0;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceExternalSemaphoreProperties(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceExternalSemaphoreInfo *pInfo,
   VkExternalSemaphoreProperties *pProperties)
{
   (void)physicalDevice, (void)pInfo;
   pProperties->exportFromImportedHandleTypes = 0;
   pProperties->compatibleHandleTypes = 0;
   pProperties->externalSemaphoreFeatures = 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetPhysicalDeviceImageFormatProperties2(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceImageFormatInfo2 *pInfo,
   VkImageFormatProperties2 *pProperties)
{
   struct vp_physical_device *gpu = VP_FROM_HANDLE(struct vp_physical_device, physicalDevice);
   const VkPhysicalDeviceExternalImageFormatInfo *external =
      vp_chain_find(pInfo->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
   if (external && external->handleType && !is_importable(gpu, external->handleType))
      return VK_ERROR_FORMAT_NOT_SUPPORTED;
   struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
      .physicalDevice = physicalDevice, .pImageFormatInfo = pInfo, .pImageFormatProperties = pProperties};
   return vp_image_format_ask(gpu, &a);
}
