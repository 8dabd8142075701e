/* SPDX-License-Identifier: MIT */
#include "client/pipeline/render_pass.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

#define GARBAGE ((void *)(uintptr_t)0xdead0000)
#define DEPTH VK_IMAGE_ASPECT_DEPTH_BIT
#define STENCIL VK_IMAGE_ASPECT_STENCIL_BIT
#define COLOR VK_IMAGE_ASPECT_COLOR_BIT

PEER_CODEC(vkCreateRenderPass)
PEER_CODEC(vkCreateRenderPass2)
PEER_CODEC(vkDestroyRenderPass)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateRenderPass),
   PEER_COMMAND(vkCreateRenderPass2),
   PEER_COMMAND(vkDestroyRenderPass),
};

static struct peer peer;
static unsigned seen;

static void destroy(VkRenderPass pass)
{
   vp_vkDestroyRenderPass(peer_device(&peer), pass, NULL);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkDestroyRenderPass));
}

static bool is(const struct vp_subpass *subpass, uint32_t colors, uint32_t views, VkImageAspectFlags aspects)
{
   return subpass->color_count == colors && subpass->view_mask == views && subpass->aspects == aspects;
}

static void test_first_version(void)
{
   const VkAttachmentDescription attachments[] = {
      {.format = VK_FORMAT_R8G8B8A8_UNORM, .samples = VK_SAMPLE_COUNT_1_BIT},
      {.format = VK_FORMAT_D16_UNORM, .samples = VK_SAMPLE_COUNT_1_BIT},
      {.format = VK_FORMAT_D32_SFLOAT_S8_UINT, .samples = VK_SAMPLE_COUNT_1_BIT},
   };
   const VkAttachmentReference color = {.attachment = 0},
                               unused[2] = {{.attachment = VK_ATTACHMENT_UNUSED}, {.attachment = VK_ATTACHMENT_UNUSED}};
   const VkAttachmentReference depth = {.attachment = 1}, both = {.attachment = 2};
   const VkSubpassDescription subpasses[] = {
      {.colorAttachmentCount = 1,
       .pColorAttachments = &color,
       .pDepthStencilAttachment = &depth,
       .pInputAttachments = GARBAGE,
       .pPreserveAttachments = GARBAGE},
      {.colorAttachmentCount = 2, .pColorAttachments = unused, .pDepthStencilAttachment = unused},
      {.pDepthStencilAttachment = &both, .pColorAttachments = GARBAGE},
      {.pColorAttachments = NULL},
   };
   const uint32_t masks[] = {3, 0, 1, 5};
   const VkRenderPassMultiviewCreateInfo multiview = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO, .subpassCount = 4, .pViewMasks = masks};
   const VkRenderPassCreateInfo info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                        .pNext = &multiview,
                                        .attachmentCount = 3,
                                        .pAttachments = attachments,
                                        .subpassCount = 4,
                                        .pSubpasses = subpasses,
                                        .pDependencies = GARBAGE};
   VkRenderPass handle;
   CHECK(vp_vkCreateRenderPass(peer_device(&peer), &info, NULL, &handle) == VK_SUCCESS);
   const struct vp_render_pass *pass = VP_FROM_HANDLE(struct vp_render_pass, handle);
   CHECK(pass->subpass_count == 4);
   CHECK(is(&pass->subpasses[0], 1, 3, COLOR | DEPTH));
   CHECK(is(&pass->subpasses[1], 2, 0, 0));
   CHECK(is(&pass->subpasses[2], 0, 1, DEPTH | STENCIL));
   CHECK(is(&pass->subpasses[3], 0, 5, 0));
   const struct vp_cmd_vkCreateRenderPass *a = peer_next(&peer, &seen, VP_CMD_vkCreateRenderPass);
   CHECK(a && (uint64_t)(uintptr_t)*a->pRenderPass == id_of(handle) && a->pCreateInfo->subpassCount == 4);
   destroy(handle);
}

static void test_second_version(void)
{
   const VkStructureType type = VK_STRUCTURE_TYPE_ATTACHMENT_REFERENCE_2;
   const VkAttachmentDescription2 attachments[] = {
      {.sType = VK_STRUCTURE_TYPE_ATTACHMENT_DESCRIPTION_2, .format = VK_FORMAT_S8_UINT},
      {.sType = VK_STRUCTURE_TYPE_ATTACHMENT_DESCRIPTION_2, .format = VK_FORMAT_B8G8R8A8_SRGB},
   };
   const VkAttachmentReference2 stencil = {.sType = type, .attachment = 0};
   const VkAttachmentReference2 colors[2] = {{.sType = type, .attachment = VK_ATTACHMENT_UNUSED},
                                             {.sType = type, .attachment = 1}};
   const VkSubpassDescription2 subpasses[] = {
      {.sType = VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_2,
       .viewMask = 7,
       .colorAttachmentCount = 2,
       .pColorAttachments = colors},
      {.sType = VK_STRUCTURE_TYPE_SUBPASS_DESCRIPTION_2, .pDepthStencilAttachment = &stencil},
   };
   const VkRenderPassCreateInfo2 info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO_2,
                                         .attachmentCount = 2,
                                         .pAttachments = attachments,
                                         .subpassCount = 2,
                                         .pSubpasses = subpasses,
                                         .pDependencies = GARBAGE,
                                         .pCorrelatedViewMasks = GARBAGE};
   VkRenderPass handle;
   CHECK(vp_vkCreateRenderPass2(peer_device(&peer), &info, NULL, &handle) == VK_SUCCESS);
   const struct vp_render_pass *pass = VP_FROM_HANDLE(struct vp_render_pass, handle);
   CHECK(pass->subpass_count == 2);
   CHECK(is(&pass->subpasses[0], 2, 7, COLOR));
   CHECK(is(&pass->subpasses[1], 0, 0, STENCIL));
   const struct vp_cmd_vkCreateRenderPass2 *a = peer_next(&peer, &seen, VP_CMD_vkCreateRenderPass2);
   CHECK(a && (uint64_t)(uintptr_t)*a->pRenderPass == id_of(handle) && a->pCreateInfo->pSubpasses[0].viewMask == 7);
   destroy(handle);
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), NULL);
   test_first_version();
   test_second_version();
   vp_vkDestroyRenderPass(peer_device(&peer), VK_NULL_HANDLE, NULL);
   peer_stop(&peer);
   CHECK(peer.call_count == 4);
   return check_finish();
}
