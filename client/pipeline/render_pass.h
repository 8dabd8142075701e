/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PIPELINE_RENDER_PASS_H
#define VP_CLIENT_PIPELINE_RENDER_PASS_H

#include "client/link/object.h"

/* What pipelines must know of a subpass. */
struct vp_subpass {
   uint32_t color_count; /* of its colour attachments, with unused ones */
   uint32_t view_mask;
   VkImageAspectFlags aspects; /* of the attachments that it uses: colour, depth, stencil */
};

struct vp_render_pass {
   struct vp_object base;
   uint32_t subpass_count;
   struct vp_subpass subpasses[];
};

#endif
