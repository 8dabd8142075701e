/* SPDX-License-Identifier: MIT */
#include "client/connection.h"
#include "client/device.h"
#include "client/resource.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreateBuffer(VkDevice handle, const VkBufferCreateInfo *pCreateInfo,
                                                 const VkAllocationCallbacks *pAllocator, VkBuffer *pBuffer)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_resource *buffer = vp_object_create(device->conn, allocator, VK_OBJECT_TYPE_BUFFER, sizeof(*buffer));
   struct vp_encoder request;
   if (!buffer)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   struct vp_cmd_vkCreateBuffer a = {.device = handle, .pCreateInfo = pCreateInfo};
   VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (vp_encoder_init(&request)) {
      request.peer = &device->conn->peer;
      vp_request_vkCreateBuffer(&request, 0, &a);
      buffer->kind = vp_resource_kind_get(&device->kinds, &request);
      vp_encoder_finish(&request);
   }
   *pBuffer = VP_TO_HANDLE(VkBuffer, buffer);
   a.pBuffer = pBuffer;
   if (buffer->kind)
      result = vp_send_vkCreateBuffer(device->conn, &a);
   if (result != VK_SUCCESS) {
      vp_object_destroy(device->conn, allocator, buffer);
      *pBuffer = VK_NULL_HANDLE;
   }
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyBuffer(VkDevice handle, VkBuffer buffer, const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   if (!buffer)
      return;
   vp_send_vkDestroyBuffer(device->conn, &(struct vp_cmd_vkDestroyBuffer){.device = handle, .buffer = buffer});
   vp_object_destroy(device->conn, vp_allocator(pAllocator, device->allocator), VP_FROM_HANDLE(void, buffer));
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetBufferMemoryRequirements2(VkDevice handle,
                                                             const VkBufferMemoryRequirementsInfo2 *pInfo,
                                                             VkMemoryRequirements2 *pMemoryRequirements)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_resource *buffer = VP_FROM_HANDLE(struct vp_resource, pInfo->buffer);
   if (vp_resource_answer(&device->kinds, buffer, 0, pMemoryRequirements))
      return;
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 answer = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   struct vp_cmd_vkGetBufferMemoryRequirements2 a = {.device = handle, .pInfo = pInfo, .pMemoryRequirements = &answer};
   if (vp_call_vkGetBufferMemoryRequirements2(device->conn, &a) == VK_SUCCESS)
      vp_resource_remember(&device->kinds, buffer, 0, &answer);
   if (!vp_resource_answer(&device->kinds, buffer, 0, pMemoryRequirements))
      pMemoryRequirements->memoryRequirements = (VkMemoryRequirements){.size = 1, .alignment = 1};
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetBufferMemoryRequirements(VkDevice device, VkBuffer buffer,
                                                            VkMemoryRequirements *pMemoryRequirements)
{
   const VkBufferMemoryRequirementsInfo2 info = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
                                                 .buffer = buffer};
   VkMemoryRequirements2 requirements = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   vp_vkGetBufferMemoryRequirements2(device, &info, &requirements);
   *pMemoryRequirements = requirements.memoryRequirements;
}
