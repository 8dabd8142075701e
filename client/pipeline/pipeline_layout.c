/* SPDX-License-Identifier: MIT */

/* Keeps the set layouts that a pipeline layout was made of. While commands are being recorded that may use it, its
 * destruction is put off until they are in the stream. */

#include "client/pipeline/pipeline_layout.h"

#include <stdlib.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/pipeline/descriptor_set_layout.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

void vp_finish_vkDestroyPipelineLayout(struct vp_device *device, void *object)
{
   const struct vp_pipeline_layout *layout = object;
   for (uint32_t i = 0; i < layout->set_count; i++)
      vp_descriptor_set_layout_unref(device, layout->sets[i]);
}

void *vp_make_vkCreatePipelineLayout(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                     const VkPipelineLayoutCreateInfo *info)
{
   struct vp_pipeline_layout *layout;
   const size_t size = sizeof(*layout) + info->setLayoutCount * sizeof(layout->sets[0]);
   layout = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_PIPELINE_LAYOUT, size);
   for (uint32_t i = 0; layout && i < info->setLayoutCount; i++)
      layout->sets[layout->set_count++] =
         vp_descriptor_set_layout_ref(VP_FROM_HANDLE(struct vp_descriptor_set_layout, info->pSetLayouts[i]));
   return layout;
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
   vp_object_table_replace(&device->conn->objects, &layout->base, &late->base);
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
      vp_object_table_remove(&device->conn->objects, &late->base);
      free(late);
      late = next;
   }
}

VKAPI_ATTR void VKAPI_CALL vp_vkDestroyPipelineLayout(VkDevice handle, VkPipelineLayout layout_handle,
                                                      const VkAllocationCallbacks *pAllocator)
{
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_pipeline_layout *layout = VP_FROM_HANDLE(struct vp_pipeline_layout, layout_handle);
   if (!layout)
      return;
   if (!destroy_later(device, layout)) {
      send_destruction(device, &layout->base);
      vp_object_table_remove(&device->conn->objects, &layout->base);
   }
   vp_finish_vkDestroyPipelineLayout(device, layout);
   vp_object_free(vp_allocator(pAllocator, device->allocator), layout);
}
