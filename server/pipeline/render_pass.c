/* SPDX-License-Identifier: MIT */
#include "server/pipeline/render_pass.h"

#include "server/record/command_buffer.h"
#include "server/session/context.h"

/* The state of a render pass is the number of its views, kept in the pointer. */

uint32_t vps_view_mask_count(uint32_t mask)
{
   return mask ? (uint32_t)__builtin_popcount(mask) : 1;
}

uint32_t vps_render_pass_views(const struct vps_object *render_pass)
{
   const uintptr_t views = (uintptr_t)render_pass->state;
   return views ? (uint32_t)views : 1;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
   return a > b ? a : b;
}

static uint32_t count_views(const VkRenderPassCreateInfo *info)
{
   uint32_t views = 1;
   for (const VkBaseInStructure *node = info->pNext; node; node = node->pNext) {
      if (node->sType != VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO)
         continue;
      const VkRenderPassMultiviewCreateInfo *multiview = (const VkRenderPassMultiviewCreateInfo *)node;
      for (uint32_t i = 0; i < multiview->subpassCount; i++)
         views = larger(views, vps_view_mask_count(multiview->pViewMasks[i]));
   }
   return views;
}

static uint32_t count_views_2(const VkRenderPassCreateInfo2 *info)
{
   uint32_t views = 1;
   for (uint32_t i = 0; i < info->subpassCount; i++)
      views = larger(views, vps_view_mask_count(info->pSubpasses[i].viewMask));
   return views;
}

static void set_views(struct vp_context *ctx, VkRenderPass id, uint32_t views)
{
   vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)id)->state = (void *)(uintptr_t)views;
}

void vps_observe_vkCreateRenderPass(struct vp_context *ctx, const struct vp_cmd_vkCreateRenderPass *a)
{
   set_views(ctx, *a->pRenderPass, count_views(a->pCreateInfo));
}

void vps_observe_vkCreateRenderPass2(struct vp_context *ctx, const struct vp_cmd_vkCreateRenderPass2 *a)
{
   set_views(ctx, *a->pRenderPass, count_views_2(a->pCreateInfo));
}

static void begin(struct vp_context *ctx, uint32_t views)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;

   command_buffer->views = views;
}

static void begin_render_pass(struct vp_context *ctx)
{
   const struct vps_object *render_pass = vps_used(ctx, VK_OBJECT_TYPE_RENDER_PASS);

   begin(ctx, render_pass ? vps_render_pass_views(render_pass) : 1);
}

void vps_observe_vkCmdBeginRenderPass(struct vp_context *ctx, const struct vp_cmd_vkCmdBeginRenderPass *a)
{
   (void)a;
   begin_render_pass(ctx);
}

void vps_observe_vkCmdBeginRenderPass2(struct vp_context *ctx, const struct vp_cmd_vkCmdBeginRenderPass2 *a)
{
   (void)a;
   begin_render_pass(ctx);
}

void vps_observe_vkCmdBeginRendering(struct vp_context *ctx, const struct vp_cmd_vkCmdBeginRendering *a)
{
   begin(ctx, vps_view_mask_count(a->pRenderingInfo->viewMask));
}
