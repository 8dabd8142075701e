/* SPDX-License-Identifier: MIT */

/* Keeps a template's entries, and turns each into a descriptor write when the application brings the data. */

#include "client/pipeline/descriptor_update_template.h"

#include <string.h>

#include "client/core/device.h"
#include "client/pipeline/descriptor_set.h"
#include "client/pipeline/descriptor_write.h"
#include "client/vp_entry.h"

void *vp_make_vkCreateDescriptorUpdateTemplate(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                               const VkDescriptorUpdateTemplateCreateInfo *info)
{
   struct vp_descriptor_update_template *self;
   const uint32_t count = info->descriptorUpdateEntryCount;
   self = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_DESCRIPTOR_UPDATE_TEMPLATE,
                           sizeof(*self) + count * sizeof(self->entries[0]));
   if (!self)
      return NULL;
   if (info->templateType != VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_DESCRIPTOR_SET)
      self->bind_point = info->pipelineBindPoint;
   self->entry_count = count;
   memcpy(self->entries, info->pDescriptorUpdateEntries, count * sizeof(self->entries[0]));
   return self;
}

void vp_descriptor_update_template_expand(const struct vp_descriptor_update_template *self,
                                          struct vp_descriptor_writer *writer,
                                          const struct vp_descriptor_set_layout *layout, VkDescriptorSet set,
                                          const void *data)
{
   for (uint32_t i = 0; i < self->entry_count; i++)
      vp_descriptor_writer_add_entry(writer, layout, set, &self->entries[i], data);
}

VKAPI_ATTR void VKAPI_CALL vp_vkUpdateDescriptorSetWithTemplate(VkDevice handle, VkDescriptorSet set,
                                                                VkDescriptorUpdateTemplate template_handle,
                                                                const void *pData)
{
   struct vp_descriptor_writer writer;
   vp_descriptor_set_writer_init(&writer, vp_device_from_handle(handle));
   vp_descriptor_update_template_expand(VP_FROM_HANDLE(struct vp_descriptor_update_template, template_handle), &writer,
                                        VP_FROM_HANDLE(struct vp_descriptor_set, set)->layout, set, pData);
   vp_descriptor_writer_flush(&writer);
}
