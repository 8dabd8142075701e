/* SPDX-License-Identifier: MIT */
#include "client/pipeline_layout.h"

#include "client/connection.h"
#include "client/descriptor_set_layout.h"
#include "client/device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#include <stdlib.h>

static void unref_sets(struct vp_device *device, struct vp_pipeline_layout *layout)
{
   for (uint32_t i = 0; i < layout->set_count; i++)
      vp_descriptor_set_layout_unref(device, layout->sets[i]);
}

static void destroy(struct vp_device *device, const VkAllocationCallbacks *allocator, struct vp_pipeline_layout *layout)
{
   unref_sets(device, layout);
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
   struct vp_cmd_vkCreatePipelineLayout a = {
      .device = handle, .pCreateInfo = pCreateInfo, .pPipelineLayout = pPipelineLayout};
   const VkResult result = vp_try_vkCreatePipelineLayout(device, false, &a);
   if (result != VK_SUCCESS) {
      destroy(device, allocator, layout);
      *pPipelineLayout = VK_NULL_HANDLE;
   }
   return result;
}

/* --- the end --- */

/* An id whose object is gone, until its destruction is in the stream. */
struct vp_late_layout {
   struct vp_object base;
   struct vp_late_layout *next;
};

static void send_destruction(struct vp_device *device, struct vp_object *named)
{
   const struct vp_cmd_vkDestroyPipelineLayout a = {.device = VP_TO_HANDLE(VkDevice, device),
                                                    .pipelineLayout = VP_TO_HANDLE(VkPipelineLayout, named)};
   vp_send_vkDestroyPipelineLayout(device->conn, &a);
}

/* What is recorded with a layout goes into the stream when the recording ends. Drivers have used it by then, and some
 * programs destroy it before. False when nothing is being recorded. */
static bool destroy_later(struct vp_device *device, struct vp_pipeline_layout *layout)
{
   struct vp_late_layout *late = device->recording_count ? calloc(1, sizeof(*late)) : NULL;
   if (!late)
      return false;
   vp_connection_replace_object(device->conn, &layout->base, &late->base);
   pthread_mutex_lock(&device->late_lock);
   late->next = device->late_layouts;
   device->late_layouts = late;
   pthread_mutex_unlock(&device->late_lock);
   return true;
}

void vp_pipeline_layouts_end(struct vp_device *device)
{
   pthread_mutex_lock(&device->late_lock);
   struct vp_late_layout *late = device->late_layouts;
   device->late_layouts = NULL;
   pthread_mutex_unlock(&device->late_lock);
   while (late) {
      struct vp_late_layout *next = late->next;
      send_destruction(device, &late->base);
      vp_connection_remove_object(device->conn, &late->base);
      free(late);
      late = next;
   }
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyPipelineLayout(VkDevice handle, VkPipelineLayout layout_handle,
                                                      const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, device->allocator);
   struct vp_pipeline_layout *layout = VP_FROM_HANDLE(struct vp_pipeline_layout, layout_handle);
   if (!layout)
      return;
   if (destroy_later(device, layout)) {
      unref_sets(device, layout);
      vp_object_free(allocator, layout);
      return;
   }
   send_destruction(device, &layout->base);
   destroy(device, allocator, layout);
}
