/* SPDX-License-Identifier: MIT */

/* Attachments and subpasses that render passes and what uses them name: drivers look them up in arrays. */

#include "common/wire/chain.h"
#include "server/check/check.h"
#include "server/core/device.h"
#include "server/pipeline/render_pass.h"
#include "server/record/command_buffer.h"
#include "server/vp_dispatch.h"

/* Attachments that something names, each `stride` bytes behind the one before. */
struct references {
   const uint32_t *first;
   size_t stride;
   uint32_t count;
};

/* What is looked at in a subpass. */
struct subpass {
   struct references inputs, colors, resolves, depth, preserved;
};

#define REFERENCES(array, number)                                                     \
   (struct references)                                                                \
   {                                                                                  \
      (array) ? &(array)->attachment : NULL, sizeof(*(array)), (array) ? (number) : 0 \
   }

static bool check_references(struct vps_context *ctx, const struct references *references, uint32_t attachments)
{
   const uint8_t *at = (const uint8_t *)references->first;

   for (uint32_t i = 0; i < references->count; i++, at += references->stride) {
      const uint32_t attachment = *(const uint32_t *)(const void *)at;
      if (attachment >= attachments && attachment != VK_ATTACHMENT_UNUSED) {
         vps_fail(ctx, "attachment %u is not one of the %u of the render pass", attachment, attachments);
         return false;
      }
   }
   return true;
}

static bool check_subpass(struct vps_context *ctx, const struct subpass *subpass, uint32_t attachments)
{
   return vps_check_slots(ctx, 0, subpass->colors.count, ctx->used[0]->device->limits.maxColorAttachments,
                          "maxColorAttachments") &&
          check_references(ctx, &subpass->inputs, attachments) &&
          check_references(ctx, &subpass->colors, attachments) &&
          check_references(ctx, &subpass->resolves, attachments) &&
          check_references(ctx, &subpass->depth, attachments) &&
          check_references(ctx, &subpass->preserved, attachments);
}

static bool check_dependency(struct vps_context *ctx, uint32_t from, uint32_t to, uint32_t subpasses)
{
   const bool ok = (from < subpasses || from == VK_SUBPASS_EXTERNAL) && (to < subpasses || to == VK_SUBPASS_EXTERNAL);
   if (!ok)
      vps_fail(ctx, "the render pass has %u subpasses, not %u and %u", subpasses, from, to);
   return ok;
}

bool vps_check_vkCreateRenderPass(struct vps_context *ctx, const struct vp_cmd_vkCreateRenderPass *a)
{
   const VkRenderPassCreateInfo *info = a->pCreateInfo;
   bool ok = true;

   for (uint32_t i = 0; i < info->subpassCount && ok; i++) {
      const VkSubpassDescription *s = &info->pSubpasses[i];
      const struct subpass subpass = {
         .inputs = REFERENCES(s->pInputAttachments, s->inputAttachmentCount),
         .colors = REFERENCES(s->pColorAttachments, s->colorAttachmentCount),
         .resolves = REFERENCES(s->pResolveAttachments, s->colorAttachmentCount),
         .depth = REFERENCES(s->pDepthStencilAttachment, 1),
         .preserved = {s->pPreserveAttachments, sizeof(uint32_t), s->preserveAttachmentCount},
      };
      ok = check_subpass(ctx, &subpass, info->attachmentCount);
   }
   for (uint32_t i = 0; i < info->dependencyCount && ok; i++)
      ok = check_dependency(ctx, info->pDependencies[i].srcSubpass, info->pDependencies[i].dstSubpass,
                            info->subpassCount);
   return ok;
}

/* What chains add to a subpass. */
static bool check_subpass_chain(struct vps_context *ctx, const void *chain, uint32_t attachments)
{
   const VkSubpassDescriptionDepthStencilResolve *depth =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_DEPTH_STENCIL_RESOLVE);
   const VkFragmentShadingRateAttachmentInfoKHR *rate =
      vp_chain_find(chain, VK_STRUCTURE_TYPE_FRAGMENT_SHADING_RATE_ATTACHMENT_INFO_KHR);

   return (!depth || check_references(ctx, &REFERENCES(depth->pDepthStencilResolveAttachment, 1), attachments)) &&
          (!rate || check_references(ctx, &REFERENCES(rate->pFragmentShadingRateAttachment, 1), attachments));
}

bool vps_check_vkCreateRenderPass2(struct vps_context *ctx, const struct vp_cmd_vkCreateRenderPass2 *a)
{
   const VkRenderPassCreateInfo2 *info = a->pCreateInfo;
   bool ok = true;

   for (uint32_t i = 0; i < info->subpassCount && ok; i++) {
      const VkSubpassDescription2 *s = &info->pSubpasses[i];
      const struct subpass subpass = {
         .inputs = REFERENCES(s->pInputAttachments, s->inputAttachmentCount),
         .colors = REFERENCES(s->pColorAttachments, s->colorAttachmentCount),
         .resolves = REFERENCES(s->pResolveAttachments, s->colorAttachmentCount),
         .depth = REFERENCES(s->pDepthStencilAttachment, 1),
         .preserved = {s->pPreserveAttachments, sizeof(uint32_t), s->preserveAttachmentCount},
      };
      ok = check_subpass(ctx, &subpass, info->attachmentCount) &&
           check_subpass_chain(ctx, s->pNext, info->attachmentCount);
   }
   for (uint32_t i = 0; i < info->dependencyCount && ok; i++)
      ok = check_dependency(ctx, info->pDependencies[i].srcSubpass, info->pDependencies[i].dstSubpass,
                            info->subpassCount);
   return ok;
}

bool vps_check_vkCreateFramebuffer(struct vps_context *ctx, const struct vp_cmd_vkCreateFramebuffer *a)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_RENDER_PASS);
   const struct vps_render_pass *render_pass = object ? object->state : NULL;
   const VkFramebufferCreateInfo *info = a->pCreateInfo;
   bool ok = render_pass && info->attachmentCount == render_pass->attachments;

   for (uint32_t i = 0; ok && !(info->flags & VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT) && i < info->attachmentCount; i++)
      ok = info->pAttachments && info->pAttachments[i];
   if (!ok)
      vps_fail(ctx, "a framebuffer does not have the %u attachments of its render pass",
               render_pass ? render_pass->attachments : 0);
   return ok;
}

/* --- recording --- */

static bool check_begin(struct vps_context *ctx, const VkRenderPassBeginInfo *info)
{
   const struct vps_object *object = vps_used(ctx, VK_OBJECT_TYPE_RENDER_PASS);
   const struct vps_render_pass *render_pass = object ? object->state : NULL;
   const VkRenderPassAttachmentBeginInfo *views =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO);

   if (!render_pass || !info->framebuffer)
      vps_fail(ctx, "the render pass or its framebuffer is missing");
   else if (info->clearValueCount < render_pass->clears)
      vps_fail(ctx, "the render pass takes %u values to clear with, and there are %u", render_pass->clears,
               info->clearValueCount);
   else if (views && views->attachmentCount && views->attachmentCount < render_pass->named)
      vps_fail(ctx, "the render pass has %u attachments, and there are %u", render_pass->named, views->attachmentCount);
   return !ctx->failed;
}

bool vps_check_vkCmdBeginRenderPass(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginRenderPass *a)
{
   return check_begin(ctx, a->pRenderPassBegin);
}

bool vps_check_vkCmdBeginRenderPass2(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginRenderPass2 *a)
{
   return check_begin(ctx, a->pRenderPassBegin);
}

/* Counts the subpass that is begun. */
static bool check_next(struct vps_context *ctx)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;

   if (command_buffer->subpasses_left == 0)
      vps_fail(ctx, "there is no other subpass");
   else
      command_buffer->subpasses_left--;
   return !ctx->failed;
}

bool vps_check_vkCmdNextSubpass(struct vps_context *ctx, const struct vp_cmd_vkCmdNextSubpass *a)
{
   (void)a;
   return check_next(ctx);
}

bool vps_check_vkCmdNextSubpass2(struct vps_context *ctx, const struct vp_cmd_vkCmdNextSubpass2 *a)
{
   (void)a;
   return check_next(ctx);
}

bool vps_check_vkCmdClearAttachments(struct vps_context *ctx, const struct vp_cmd_vkCmdClearAttachments *a)
{
   for (uint32_t i = 0; i < a->attachmentCount; i++) {
      const VkClearAttachment *attachment = &a->pAttachments[i];
      if ((attachment->aspectMask & VK_IMAGE_ASPECT_COLOR_BIT) && attachment->colorAttachment != VK_ATTACHMENT_UNUSED &&
          !vps_check_slots(ctx, attachment->colorAttachment, 1, ctx->target->device->limits.maxColorAttachments,
                           "maxColorAttachments"))
         return false;
   }
   return true;
}
