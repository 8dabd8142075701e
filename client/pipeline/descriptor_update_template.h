/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_DESCRIPTOR_UPDATE_TEMPLATE_H
#define VP_CLIENT_PIPELINE_DESCRIPTOR_UPDATE_TEMPLATE_H

#include "client/link/object.h"

struct vp_descriptor_set_layout;
struct vp_descriptor_writer;

/* The server never hears of templates: each use becomes plain writes. */
struct vp_descriptor_update_template {
   struct vp_object base;
   VkPipelineBindPoint bind_point; /* of push descriptors */
   uint32_t entry_count;
   VkDescriptorUpdateTemplateEntry entries[];
};

/* Adds the writes for a set of that layout (null: push descriptors). */
void vp_descriptor_update_template_expand(const struct vp_descriptor_update_template *self,
                                          struct vp_descriptor_writer *writer,
                                          const struct vp_descriptor_set_layout *layout, VkDescriptorSet set,
                                          const void *data);

#endif
