/* SPDX-License-Identifier: MIT */

/* VK_EXT_debug_utils: messengers live here (the loader and layers call them with
 * their own messages, we only pass on what the application submits itself).
 * Names go to the server. Labels are ordinary commands. */

#include "client/core/device.h"
#include "client/core/instance.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

struct vp_messenger {
   struct vp_messenger *next;
   VkDebugUtilsMessengerCreateInfoEXT info;
};

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateDebugUtilsMessengerEXT(VkInstance handle,
                                                                 const VkDebugUtilsMessengerCreateInfoEXT *pCreateInfo,
                                                                 const VkAllocationCallbacks *pAllocator,
                                                                 VkDebugUtilsMessengerEXT *pMessenger)
{
   struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   struct vp_messenger *messenger =
      vp_alloc(vp_allocator(pAllocator, instance->allocator), sizeof(*messenger), VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
   if (!messenger)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   messenger->info = *pCreateInfo;
   pthread_mutex_lock(&instance->messenger_lock);
   messenger->next = instance->messengers;
   instance->messengers = messenger;
   pthread_mutex_unlock(&instance->messenger_lock);
   *pMessenger = VP_TO_HANDLE(VkDebugUtilsMessengerEXT, messenger);
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyDebugUtilsMessengerEXT(VkInstance handle,
                                                              VkDebugUtilsMessengerEXT messenger_handle,
                                                              const VkAllocationCallbacks *pAllocator)
{
   struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   struct vp_messenger *messenger = VP_FROM_HANDLE(struct vp_messenger, messenger_handle);
   if (!messenger)
      return;
   pthread_mutex_lock(&instance->messenger_lock);
   struct vp_messenger **link = &instance->messengers;
   while (*link && *link != messenger)
      link = &(*link)->next;
   if (*link)
      *link = messenger->next;
   pthread_mutex_unlock(&instance->messenger_lock);
   vp_free(vp_allocator(pAllocator, instance->allocator), messenger);
}

VKAPI_ATTR void VKAPI_CALL vp_vkSubmitDebugUtilsMessageEXT(VkInstance handle,
                                                           VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                           VkDebugUtilsMessageTypeFlagsEXT types,
                                                           const VkDebugUtilsMessengerCallbackDataEXT *pCallbackData)
{
   struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   pthread_mutex_lock(&instance->messenger_lock);
   for (const struct vp_messenger *messenger = instance->messengers; messenger; messenger = messenger->next) {
      if ((messenger->info.messageSeverity & severity) && (messenger->info.messageType & types))
         messenger->info.pfnUserCallback(severity, types, pCallbackData, messenger->info.pUserData);
   }
   pthread_mutex_unlock(&instance->messenger_lock);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkSetDebugUtilsObjectNameEXT(VkDevice handle,
                                                               const VkDebugUtilsObjectNameInfoEXT *pNameInfo)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkObjectType type = pNameInfo->objectType;
   /* Objects that are only here have no name there. */
   if (type == VK_OBJECT_TYPE_INSTANCE || type == VK_OBJECT_TYPE_SURFACE_KHR || type == VK_OBJECT_TYPE_SWAPCHAIN_KHR ||
       type == VK_OBJECT_TYPE_FENCE || type == VK_OBJECT_TYPE_DEFERRED_OPERATION_KHR ||
       type == VK_OBJECT_TYPE_PRIVATE_DATA_SLOT || type == VK_OBJECT_TYPE_DESCRIPTOR_UPDATE_TEMPLATE ||
       type == VK_OBJECT_TYPE_DEBUG_UTILS_MESSENGER_EXT)
      return VK_SUCCESS;
   const struct vp_cmd_vkSetObjectNameVP a = {
      .device = handle,
      .object = vp_object_id(pNameInfo->objectHandle),
      .pObjectName = pNameInfo->pObjectName ? pNameInfo->pObjectName : "",
   };
   return vp_send_vkSetObjectNameVP(device->conn, &a);
}

/* Tags are binary and for tools in the same process; no other process has a use for them. */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkSetDebugUtilsObjectTagEXT(VkDevice device,
                                                              const VkDebugUtilsObjectTagInfoEXT *pTagInfo)
{
   (void)device, (void)pTagInfo;
   return VK_SUCCESS;
}
