/* SPDX-License-Identifier: MIT */

/* Work that the application's own threads may do. None is left to them: pipelines are compiled by the server, and
 * nothing else can be deferred here. So each operation is complete from the beginning. */

#include "client/connection.h"
#include "client/device.h"
#include "client/vp_entry.h"

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateDeferredOperationKHR(VkDevice handle, const VkAllocationCallbacks *pAllocator,
                                                               VkDeferredOperationKHR *pDeferredOperation)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_object *operation = vp_object_create(device->conn, vp_allocator(pAllocator, device->allocator),
                                                  VK_OBJECT_TYPE_DEFERRED_OPERATION_KHR, sizeof(*operation));
   *pDeferredOperation = VP_TO_HANDLE(VkDeferredOperationKHR, operation);
   return operation ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyDeferredOperationKHR(VkDevice handle, VkDeferredOperationKHR operation,
                                                            const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   vp_object_destroy(device->conn, vp_allocator(pAllocator, device->allocator), VP_FROM_HANDLE(void, operation));
}

VKAPI_ATTR uint32_t VKAPI_CALL vp_vkGetDeferredOperationMaxConcurrencyKHR(VkDevice device,
                                                                          VkDeferredOperationKHR operation)
{
   (void)device, (void)operation;
   return 0; /* no thread has anything to do */
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetDeferredOperationResultKHR(VkDevice device, VkDeferredOperationKHR operation)
{
   (void)device, (void)operation;
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkDeferredOperationJoinKHR(VkDevice device, VkDeferredOperationKHR operation)
{
   (void)device, (void)operation;
   return VK_SUCCESS;
}
