/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_PIPELINE_LAYOUT_H
#define VP_CLIENT_PIPELINE_PIPELINE_LAYOUT_H

#include "client/link/object.h"

struct vp_descriptor_set_layout;
struct vp_device;

struct vp_pipeline_layout {
   struct vp_object base;
   uint32_t set_count;
   struct vp_descriptor_set_layout *sets[]; /* references; NULL where the application gave none */
};

/* NULL when there is no such set. */
static inline const struct vp_descriptor_set_layout *vp_pipeline_layout_set(const struct vp_pipeline_layout *layout,
                                                                            uint32_t set)
{
   return set < layout->set_count ? layout->sets[set] : NULL;
}

/* Nothing is being recorded any more: says what was destroyed meanwhile. */
void vp_pipeline_layouts_end(struct vp_device *device);

#endif
