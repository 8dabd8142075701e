/* SPDX-License-Identifier: MIT */
#include "client/pipeline_layout.h"

#include "client/connection.h"
#include "client/descriptor_set_layout.h"
#include "client/device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

static void destroy(struct vp_device *device, const VkAllocationCallbacks *allocator, struct vp_pipeline_layout *layout)
{
   for (uint32_t i = 0; i < layout->set_count; i++)
      vp_descriptor_set_layout_unref(device, layout->sets[i]);
   vp_object_destroy(device->conn, allocator, layout);
}

VKAPI_ATTR VkResult VKAPI_CALL vp_vkCreatePipelineLayout(VkDevice handle, const VkPipelineLayoutCreateInfo *pCreateInfo,
                                                         const VkAllocationCallbacks *pAllocator,
                                                         VkPipelineLayout *pPipelineLayout)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_pipeline_layout *layout;
   const size_t size = sizeof(*layout) + pCreateInfo->setLayoutCount * sizeof(layout->sets[0]);
   layout = vp_object_create(device->conn, allocator, VK_OBJECT_TYPE_PIPELINE_LAYOUT, size);
   if (!layout)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < pCreateInfo->setLayoutCount; i++)
      layout->sets[layout->set_count++] =
         vp_descriptor_set_layout_ref(VP_FROM_HANDLE(struct vp_descriptor_set_layout, pCreateInfo->pSetLayouts[i]));
   *pPipelineLayout = VP_TO_HANDLE(VkPipelineLayout, layout);
   const struct vp_cmd_vkCreatePipelineLayout a = {
      .device = handle, .pCreateInfo = pCreateInfo, .pPipelineLayout = pPipelineLayout};
   const VkResult result = vp_send_vkCreatePipelineLayout(device->conn, &a);
   if (result != VK_SUCCESS) {
      destroy(device, allocator, layout);
      *pPipelineLayout = VK_NULL_HANDLE;
   }
   return result;
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyPipelineLayout(VkDevice handle, VkPipelineLayout layout_handle,
                                                      const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_pipeline_layout *layout = VP_FROM_HANDLE(struct vp_pipeline_layout, layout_handle);
   if (!layout)
      return;
   const struct vp_cmd_vkDestroyPipelineLayout a = {.device = handle, .pipelineLayout = layout_handle};
   vp_send_vkDestroyPipelineLayout(device->conn, &a);
   destroy(device, vp_allocator(pAllocator, device->allocator), layout);
}
