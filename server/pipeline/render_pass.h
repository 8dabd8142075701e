/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_RENDER_PASS_H
#define VP_SERVER_PIPELINE_RENDER_PASS_H

#include <stdint.h>

struct vps_object;

/* How many views a view mask has; one without multiview. */
uint32_t vps_view_mask_count(uint32_t mask);

/* The most views that a subpass of a render pass has. */
uint32_t vps_render_pass_views(const struct vps_object *render_pass);

#endif
