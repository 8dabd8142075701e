/* SPDX-License-Identifier: MIT */

/* Memory, semaphores and fences of other processes and devices: handles to them
 * do not cross a network, so none can be imported or exported. */

#include "client/chain.h"
#include "client/physical_device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

VKAPI_ATTR void VKAPI_CALL vp_vkGetPhysicalDeviceExternalBufferProperties(
   VkPhysicalDevice physicalDevice, const VkPhysicalDeviceExternalBufferInfo *pInfo,
   VkExternalBufferProperties *pProperties)
{
   (void)physicalDevice;
   pProperties->externalMemoryProperties =
      (VkExternalMemoryProperties){.compatibleHandleTypes = (VkExternalMemoryHandleTypeFlags)pInfo->handleType};
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
   if (external && external->handleType)
      return VK_ERROR_FORMAT_NOT_SUPPORTED;
   struct vp_cmd_vkGetPhysicalDeviceImageFormatProperties2 a = {
      .physicalDevice = physicalDevice, .pImageFormatInfo = pInfo, .pImageFormatProperties = pProperties};
   struct vp_cached_call call;
   if (vp_cached_begin(&gpu->cache, gpu->conn, &call)) {
      vp_request_vkGetPhysicalDeviceImageFormatProperties2(&call.request, 1, &a);
      if (vp_cached_answer(&call, VP_CMD_vkGetPhysicalDeviceImageFormatProperties2))
         vp_reply_vkGetPhysicalDeviceImageFormatProperties2(&call.reply, &a);
   }
   const VkResult result = vp_cached_end(&call);
   return result == VK_SUCCESS ? a.ret : result;
}
