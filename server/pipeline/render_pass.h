/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PIPELINE_RENDER_PASS_H
#define VP_SERVER_PIPELINE_RENDER_PASS_H

#include <stdbool.h>
#include <stdint.h>

struct vps_context;
struct vps_object;

/* The state of a VkRenderPass. */
struct vps_render_pass {
   uint32_t views; /* the most that a subpass has */
   uint32_t subpasses, attachments;
   uint32_t named;  /* subpasses name attachments below this one */
   uint32_t clears; /* attachments that are cleared are below this one */
};

/* How many views a view mask has; one without multiview. */
uint32_t vps_view_mask_count(uint32_t mask);

/* The most views that a subpass of a render pass has. */
uint32_t vps_render_pass_views(const struct vps_object *render_pass);

/* Whether it has a subpass; if not, the session ends. */
bool vps_render_pass_has_subpass(struct vps_context *ctx, const struct vps_object *render_pass, uint32_t subpass);

#endif
