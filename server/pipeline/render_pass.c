/* SPDX-License-Identifier: MIT */

/* Notes how many subpasses, views and attachments a render pass has, for the checks of what names them. */

#include "server/pipeline/render_pass.h"

#include <stdlib.h>

#include "common/wire/chain.h"
#include "server/core/context.h"

uint32_t vps_view_mask_count(uint32_t mask)
{
   return mask ? (uint32_t)__builtin_popcount(mask) : 1;
}

uint32_t vps_render_pass_views(const struct vps_object *render_pass)
{
   const struct vps_render_pass *state = render_pass->state;
   return state->views;
}

bool vps_render_pass_has_subpass(struct vps_context *ctx, const struct vps_object *render_pass, uint32_t subpass)
{
   const struct vps_render_pass *state = render_pass->state;

   if (subpass >= state->subpasses)
      vps_fail(ctx, "the render pass has %u subpasses, and none of number %u", state->subpasses, subpass);
   return subpass < state->subpasses;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
   return a > b ? a : b;
}

static bool has_stencil(VkFormat format)
{
   return format >= VK_FORMAT_S8_UINT && format <= VK_FORMAT_D32_SFLOAT_S8_UINT;
}

static void add_attachment(struct vps_render_pass *state, uint32_t number, VkFormat format, VkAttachmentLoadOp load,
                           VkAttachmentLoadOp stencil_load)
{
   if (load == VK_ATTACHMENT_LOAD_OP_CLEAR || (has_stencil(format) && stencil_load == VK_ATTACHMENT_LOAD_OP_CLEAR))
      state->clears = number + 1;
}

static void add_name(struct vps_render_pass *state, uint32_t attachment)
{
   if (attachment != VK_ATTACHMENT_UNUSED)
      state->named = larger(state->named, attachment + 1);
}

static void enter(struct vps_context *ctx, VkRenderPass id, const struct vps_render_pass *state)
{
   struct vps_object *object = vps_object_find(&ctx->objects, (uint64_t)(uintptr_t)id);
   struct vps_render_pass *copy = malloc(sizeof(*copy));

   if (!copy) {
      vps_fail(ctx, "the server is out of memory");
      return;
   }
   *copy = *state;
   object->state = copy;
   object->release = free;
}

static uint32_t count_views(const VkRenderPassCreateInfo *info)
{
   const VkRenderPassMultiviewCreateInfo *multiview =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO);
   uint32_t views = 1;

   for (uint32_t i = 0; multiview && i < multiview->subpassCount; i++)
      views = larger(views, vps_view_mask_count(multiview->pViewMasks[i]));
   return views;
}

void vps_observe_vkCreateRenderPass(struct vps_context *ctx, const struct vp_cmd_vkCreateRenderPass *a)
{
   const VkRenderPassCreateInfo *info = a->pCreateInfo;
   struct vps_render_pass state = {
      .views = count_views(info), .subpasses = info->subpassCount, .attachments = info->attachmentCount};

   for (uint32_t i = 0; i < info->attachmentCount; i++)
      add_attachment(&state, i, info->pAttachments[i].format, info->pAttachments[i].loadOp,
                     info->pAttachments[i].stencilLoadOp);
   for (uint32_t i = 0; i < info->subpassCount; i++) {
      const VkSubpassDescription *subpass = &info->pSubpasses[i];
      for (uint32_t k = 0; k < subpass->inputAttachmentCount; k++)
         add_name(&state, subpass->pInputAttachments[k].attachment);
      for (uint32_t k = 0; k < subpass->colorAttachmentCount; k++) {
         add_name(&state, subpass->pColorAttachments[k].attachment);
         if (subpass->pResolveAttachments)
            add_name(&state, subpass->pResolveAttachments[k].attachment);
      }
      if (subpass->pDepthStencilAttachment)
         add_name(&state, subpass->pDepthStencilAttachment->attachment);
   }
   enter(ctx, *a->pRenderPass, &state);
}

void vps_observe_vkCreateRenderPass2(struct vps_context *ctx, const struct vp_cmd_vkCreateRenderPass2 *a)
{
   const VkRenderPassCreateInfo2 *info = a->pCreateInfo;
   struct vps_render_pass state = {.views = 1, .subpasses = info->subpassCount, .attachments = info->attachmentCount};

   for (uint32_t i = 0; i < info->attachmentCount; i++)
      add_attachment(&state, i, info->pAttachments[i].format, info->pAttachments[i].loadOp,
                     info->pAttachments[i].stencilLoadOp);
   for (uint32_t i = 0; i < info->subpassCount; i++) {
      const VkSubpassDescription2 *subpass = &info->pSubpasses[i];
      state.views = larger(state.views, vps_view_mask_count(subpass->viewMask));
      for (uint32_t k = 0; k < subpass->inputAttachmentCount; k++)
         add_name(&state, subpass->pInputAttachments[k].attachment);
      for (uint32_t k = 0; k < subpass->colorAttachmentCount; k++) {
         add_name(&state, subpass->pColorAttachments[k].attachment);
         if (subpass->pResolveAttachments)
            add_name(&state, subpass->pResolveAttachments[k].attachment);
      }
      if (subpass->pDepthStencilAttachment)
         add_name(&state, subpass->pDepthStencilAttachment->attachment);
   }
   enter(ctx, *a->pRenderPass, &state);
}
