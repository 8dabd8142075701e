/* SPDX-License-Identifier: MIT */
/* Phase 7: images that are cleared, by commands and by render passes. */

#include <string.h>

#include "test-app/phase_07_execution.h"

struct clear_case {
   VkFormat format;
   VkClearColorValue color;
   uint32_t size;
   uint8_t texel[16];
};

static const struct clear_case clear_cases[] = {
   {VK_FORMAT_R8G8B8A8_UNORM, {.float32 = {0.2f, 0.4f, 0.6f, 1.0f}}, 4, {51, 102, 153, 255}},
   {VK_FORMAT_B8G8R8A8_UNORM, {.float32 = {0.2f, 0.4f, 0.6f, 0.0f}}, 4, {153, 102, 51, 0}},
   {VK_FORMAT_R8_UINT, {.uint32 = {0x7f}}, 1, {0x7f}},
   {VK_FORMAT_R16G16_SINT, {.int32 = {-2, 258}}, 4, {0xfe, 0xff, 0x02, 0x01}},
   {VK_FORMAT_R32_UINT, {.uint32 = {0x89abcdef}}, 4, {0xef, 0xcd, 0xab, 0x89}},
   {VK_FORMAT_R16G16B16A16_SFLOAT, {.float32 = {1.0f, -2.0f, 0.5f, 0.0f}}, 8, {0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0}},
   {VK_FORMAT_R32G32B32A32_SFLOAT,
    {.float32 = {1.0f, -2.0f, 0.5f, 0.0f}},
    16,
    {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0, 0}},
};

/* Three levels; the middle one is cleared a second time, to zero. */
static void check_clear(struct execution *f, const struct clear_case *c)
{
   enum { WIDTH = 37, HEIGHT = 21, LEVELS = 3 };
   const VkClearColorValue zero = {.uint32 = {0, 0, 0, 0}};
   const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, LEVELS, 0, 1};
   const VkImageSubresourceRange middle = {VK_IMAGE_ASPECT_COLOR_BIT, 1, 1, 0, 1};
   VkImageCreateInfo info =
      app_image_info(c->format, WIDTH, HEIGHT, VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   VkBufferImageCopy regions[LEVELS];
   struct app_image image = {0};
   uint32_t offset = 0;
   info.mipLevels = LEVELS;
   if (!app_image_supported(&f->ctx, &info)) {
      app_note(f->test, "format %d cannot be copied", (int)c->format);
      return;
   }
   VkCommandBuffer commands = VK_NULL_HANDLE;
   if (!app_image_create(&f->ctx, &image, &info, 0))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   execution_cmd_to_target(commands, &image);
   vkCmdClearColorImage(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &c->color, 1, &all);
   app_cmd_barrier(commands);
   vkCmdClearColorImage(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &zero, 1, &middle);
   execution_cmd_to_source(commands, &image);
   for (uint32_t level = 0; level < LEVELS; level++) {
      regions[level] = execution_whole(WIDTH >> level, HEIGHT >> level, VK_IMAGE_ASPECT_COLOR_BIT);
      regions[level].imageSubresource.mipLevel = level;
      regions[level].bufferOffset = offset;
      uint32_t texels = (WIDTH >> level) * (HEIGHT >> level);
      for (uint32_t i = 0; i < texels; i++) {
         uint8_t *texel = f->expected + offset + i * c->size;
         memset(texel, 0, c->size);
         if (level != 1)
            memcpy(texel, c->texel, c->size);
      }
      memset(f->expected + offset + texels * c->size, 0xee, 16);
      offset += (texels * c->size + 15) / 16 * 16;
   }
   memset(f->readback.map, 0xee, offset);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, LEVELS,
                          regions);
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands))
      CHECK_BYTES(f->test, f->expected, f->readback.map, offset);
done:
   app_image_destroy(&f->ctx, &image);
}

static void check_depth_clear(struct execution *f, VkFormat format, float depth, uint32_t size, const uint8_t *texel)
{
   enum { SIZE = 33 };
   VkImageCreateInfo info =
      app_image_info(format, SIZE, SIZE, VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   VkClearDepthStencilValue value = {depth, 0};
   VkImageSubresourceRange range = {VK_IMAGE_ASPECT_DEPTH_BIT, 0, 1, 0, 1};
   VkBufferImageCopy region = execution_whole(SIZE, SIZE, VK_IMAGE_ASPECT_DEPTH_BIT);
   struct app_image image = {0};
   if (!app_image_supported(&f->ctx, &info))
      return;
   VkCommandBuffer commands = VK_NULL_HANDLE;
   if (!app_image_create(&f->ctx, &image, &info, 0))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   app_cmd_image_layout(commands, image.handle, VK_IMAGE_ASPECT_DEPTH_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdClearDepthStencilImage(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &value, 1, &range);
   app_cmd_image_layout(commands, image.handle, VK_IMAGE_ASPECT_DEPTH_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &region);
   app_cmd_barrier(commands);
   if (app_commands_run(&f->ctx, commands)) {
      for (uint32_t i = 0; i < SIZE * SIZE; i++)
         memcpy(f->expected + i * size, texel, size);
      CHECK_BYTES(f->test, f->expected, f->readback.map, SIZE * SIZE * size);
   }
done:
   app_image_destroy(&f->ctx, &image);
}

void execution_check_clears(struct execution *f)
{
   for (uint32_t i = 0; i < APP_COUNT(clear_cases); i++)
      check_clear(f, &clear_cases[i]);
   if (!execution_has_graphics(f))
      return;
   check_depth_clear(f, VK_FORMAT_D16_UNORM, 1.0f, 2, (const uint8_t[]){0xff, 0xff});
   check_depth_clear(f, VK_FORMAT_D16_UNORM, 0.0f, 2, (const uint8_t[]){0, 0});
   check_depth_clear(f, VK_FORMAT_D32_SFLOAT, 0.25f, 4, (const uint8_t[]){0, 0, 0x80, 0x3e});
}

#define PASS_SIZE 50

static bool pass_create(struct execution *f, const struct app_image *image, VkRenderPass *pass,
                        VkFramebuffer *framebuffer)
{
   VkAttachmentDescription attachment = {
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
      .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
   };
   VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
   VkSubpassDescription subpass = {.colorAttachmentCount = 1, .pColorAttachments = &reference};
   VkRenderPassCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
      .subpassCount = 1,
      .pSubpasses = &subpass,
   };
   if (!VK_CHECK(f->test, vkCreateRenderPass(f->ctx.device, &info, NULL, pass)))
      return false;
   VkFramebufferCreateInfo framebuffer_info = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
      .renderPass = *pass,
      .attachmentCount = 1,
      .pAttachments = &image->view,
      .width = PASS_SIZE,
      .height = PASS_SIZE,
      .layers = 1,
   };
   return VK_CHECK(f->test, vkCreateFramebuffer(f->ctx.device, &framebuffer_info, NULL, framebuffer));
}

/* A render pass that draws nothing: cleared when it begins, two rectangles cleared inside it. */
void execution_check_pass_clears(struct execution *f)
{
   VkImageCreateInfo info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, PASS_SIZE, PASS_SIZE,
                                           VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
   const VkClearValue ground = {.color = {.float32 = {0.2f, 0.4f, 0.6f, 1.0f}}};
   const VkClearAttachment inner = {VK_IMAGE_ASPECT_COLOR_BIT, 0, {.color = {.float32 = {1.0f, 0.0f, 0.0f, 1.0f}}}};
   const VkClearRect rects[2] = {{{{7, 9}, {20, 11}}, 0, 1}, {{{30, 30}, {20, 20}}, 0, 1}};
   VkBufferImageCopy down = execution_whole(PASS_SIZE, PASS_SIZE, VK_IMAGE_ASPECT_COLOR_BIT);
   VkRenderPass pass = VK_NULL_HANDLE;
   VkFramebuffer framebuffer = VK_NULL_HANDLE;
   struct app_image image = {0};
   VkCommandBuffer commands = VK_NULL_HANDLE;
   if (!app_image_create(&f->ctx, &image, &info, VK_IMAGE_ASPECT_COLOR_BIT) ||
       !pass_create(f, &image, &pass, &framebuffer))
      goto done;
   commands = app_commands_begin(&f->ctx);
   if (!commands)
      goto done;
   VkRenderPassBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .renderPass = pass,
      .framebuffer = framebuffer,
      .renderArea = {{0, 0}, {PASS_SIZE, PASS_SIZE}},
      .clearValueCount = 1,
      .pClearValues = &ground,
   };
   vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
   vkCmdClearAttachments(commands, 1, &inner, 2, rects);
   vkCmdEndRenderPass(commands);
   app_cmd_barrier(commands);
   vkCmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, f->readback.handle, 1, &down);
   app_cmd_barrier(commands);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   for (uint32_t y = 0; y < PASS_SIZE; y++) {
      for (uint32_t x = 0; x < PASS_SIZE; x++) {
         bool red = (x >= 7 && x < 27 && y >= 9 && y < 20) || (x >= 30 && y >= 30);
         memcpy(f->expected + (y * PASS_SIZE + x) * 4,
                red ? (const uint8_t[]){255, 0, 0, 255} : (const uint8_t[]){51, 102, 153, 255}, 4);
      }
   }
   CHECK_BYTES(f->test, f->expected, f->readback.map, PASS_SIZE * PASS_SIZE * 4);
done:
   vkDestroyFramebuffer(f->ctx.device, framebuffer, NULL);
   vkDestroyRenderPass(f->ctx.device, pass, NULL);
   app_image_destroy(&f->ctx, &image);
}
