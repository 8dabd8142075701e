/* SPDX-License-Identifier: MIT */

/* Notes aspects, colour attachments and view mask of each subpass, from either kind of create-info. */

#include "client/pipeline/render_pass.h"

#include "client/core/chain.h"
#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

static VkImageAspectFlags depth_stencil_aspects(VkFormat format)
{
   switch ((uint32_t)format) {
   case VK_FORMAT_D16_UNORM:
   case VK_FORMAT_X8_D24_UNORM_PACK32:
   case VK_FORMAT_D32_SFLOAT:
      return VK_IMAGE_ASPECT_DEPTH_BIT;
   case VK_FORMAT_S8_UINT:
      return VK_IMAGE_ASPECT_STENCIL_BIT;
   default:
      return VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT;
   }
}

static struct vp_render_pass *create_render_pass(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                                 uint32_t subpass_count)
{
   const size_t size = sizeof(struct vp_render_pass) + (size_t)subpass_count * sizeof(struct vp_subpass);
   struct vp_render_pass *pass = vp_object_create(&device->conn->objects, allocator, VK_OBJECT_TYPE_RENDER_PASS, size);
   if (pass)
      pass->subpass_count = subpass_count;
   return pass;
}

static void note_subpass(struct vp_subpass *subpass, const VkSubpassDescription *info,
                         const VkRenderPassCreateInfo *pass)
{
   const VkAttachmentReference *depth_stencil = info->pDepthStencilAttachment;
   subpass->color_count = info->colorAttachmentCount;
   for (uint32_t i = 0; i < info->colorAttachmentCount; i++) {
      if (info->pColorAttachments[i].attachment != VK_ATTACHMENT_UNUSED)
         subpass->aspects |= VK_IMAGE_ASPECT_COLOR_BIT;
   }
   if (depth_stencil && depth_stencil->attachment < pass->attachmentCount)
      subpass->aspects |= depth_stencil_aspects(pass->pAttachments[depth_stencil->attachment].format);
}

void *vp_make_vkCreateRenderPass(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                 const VkRenderPassCreateInfo *info)
{
   const VkRenderPassMultiviewCreateInfo *multiview =
      vp_chain_find(info->pNext, VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO);
   struct vp_render_pass *pass = create_render_pass(device, allocator, info->subpassCount);
   for (uint32_t i = 0; pass && i < pass->subpass_count; i++) {
      note_subpass(&pass->subpasses[i], &info->pSubpasses[i], info);
      if (multiview && i < multiview->subpassCount)
         pass->subpasses[i].view_mask = multiview->pViewMasks[i];
   }
   return pass;
}

static void note_subpass2(struct vp_subpass *subpass, const VkSubpassDescription2 *info,
                          const VkRenderPassCreateInfo2 *pass)
{
   const VkAttachmentReference2 *depth_stencil = info->pDepthStencilAttachment;
   subpass->color_count = info->colorAttachmentCount;
   subpass->view_mask = info->viewMask;
   for (uint32_t i = 0; i < info->colorAttachmentCount; i++) {
      if (info->pColorAttachments[i].attachment != VK_ATTACHMENT_UNUSED)
         subpass->aspects |= VK_IMAGE_ASPECT_COLOR_BIT;
   }
   if (depth_stencil && depth_stencil->attachment < pass->attachmentCount)
      subpass->aspects |= depth_stencil_aspects(pass->pAttachments[depth_stencil->attachment].format);
}

void *vp_make_vkCreateRenderPass2(struct vp_device *device, const VkAllocationCallbacks *allocator,
                                  const VkRenderPassCreateInfo2 *info)
{
   struct vp_render_pass *pass = create_render_pass(device, allocator, info->subpassCount);
   for (uint32_t i = 0; pass && i < pass->subpass_count; i++)
      note_subpass2(&pass->subpasses[i], &info->pSubpasses[i], info);
   return pass;
}
