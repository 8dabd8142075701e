/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_CHECKS_H
#define VP_UNIT_CHECKS_H

/* What a driver trusts a program with does not reach it when it is wrong, and does at the very edge of what is right.
 * Each wrong command ends its session. open_all() makes the objects below. */

#include "tests/unit/null_session.h"

#define SIZE 4096u

enum {
   MEMORY = FIRST_OBJECT,
   POOL,
   COMMANDS,
   BUFFER,
   OTHER,
   IMAGE,  /* 64x32, four levels, three layers */
   BLOCKS, /* 30x30, in blocks of 4x4 */
   VOLUME, /* 16x16x16, two levels */
   QUERIES,
   SET_LAYOUT,
   PLAIN_LAYOUT,
   LAYOUT,
   SET_POOL,
   SET,
   RENDER_PASS,
   VIEW,
   FRAMEBUFFER,
   MODULE,
   FREE,
};

#define DEVICE_OBJECT OBJECT(VkDevice, DEVICE)
#define RECORDING OBJECT(VkCommandBuffer, COMMANDS)

/* --- objects --- */

static void create_image(unsigned which, VkImageType type, VkFormat format, VkExtent3D extent, uint32_t levels,
                         uint32_t layers)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = type,
                                   .format = format,
                                   .extent = extent,
                                   .mipLevels = levels,
                                   .arrayLayers = layers,
                                   .samples = VK_SAMPLE_COUNT_1_BIT};
   VkImage image = OBJECT(VkImage, which);
   DO(vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pImage = &image);
}

static void create_buffer(unsigned which)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = SIZE, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
   VkBuffer buffer = OBJECT(VkBuffer, which);
   DO(vkCreateBuffer, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pBuffer = &buffer);
}

/* Binding 0: two dynamic storage buffers, 1: two storage buffers, 3: one sampled image. */
static void create_set_layouts(void)
{
   const VkDescriptorSetLayoutBinding bindings[] = {
      {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC, 2, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {3, VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
   };
   const VkDescriptorSetLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 3, .pBindings = bindings};
   const VkDescriptorSetLayoutCreateInfo plain = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 2, .pBindings = bindings + 1};
   VkDescriptorSetLayout layouts[] = {OBJECT(VkDescriptorSetLayout, SET_LAYOUT),
                                      OBJECT(VkDescriptorSetLayout, PLAIN_LAYOUT)};
   const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 16, 48};
   const VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                   .setLayoutCount = 2,
                                                   .pSetLayouts = layouts,
                                                   .pushConstantRangeCount = 1,
                                                   .pPushConstantRanges = &range};
   VkPipelineLayout layout = OBJECT(VkPipelineLayout, LAYOUT);

   DO(vkCreateDescriptorSetLayout, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pSetLayout = &layouts[0]);
   DO(vkCreateDescriptorSetLayout, .device = DEVICE_OBJECT, .pCreateInfo = &plain, .pSetLayout = &layouts[1]);
   DO(vkCreatePipelineLayout, .device = DEVICE_OBJECT, .pCreateInfo = &layout_info, .pPipelineLayout = &layout);
}

static void create_set(void)
{
   const VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 4};
   VkDescriptorPool pool = OBJECT(VkDescriptorPool, SET_POOL);
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, SET_LAYOUT);
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = pool,
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &layout};
   VkDescriptorSet set = OBJECT(VkDescriptorSet, SET);

   DO(vkCreateDescriptorPool, .device = DEVICE_OBJECT, .pCreateInfo = &pool_info, .pDescriptorPool = &pool);
   DO(vkAllocateDescriptorSets, .device = DEVICE_OBJECT, .pAllocateInfo = &info, .pDescriptorSets = &set);
}

/* Two subpasses, three attachments, of which the second is cleared. */
static void create_render_pass(void)
{
   VkAttachmentDescription attachments[3] = {{.format = VK_FORMAT_R8G8B8A8_UNORM, .samples = VK_SAMPLE_COUNT_1_BIT}};
   const VkAttachmentReference colors[] = {{0, VK_IMAGE_LAYOUT_GENERAL}, {1, VK_IMAGE_LAYOUT_GENERAL}};
   const VkSubpassDescription subpasses[] = {{.colorAttachmentCount = 2, .pColorAttachments = colors},
                                             {.colorAttachmentCount = 2, .pColorAttachments = colors}};
   const VkRenderPassCreateInfo info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                        .attachmentCount = 3,
                                        .pAttachments = attachments,
                                        .subpassCount = 2,
                                        .pSubpasses = subpasses};
   VkRenderPass render_pass = OBJECT(VkRenderPass, RENDER_PASS);
   const VkImageViewCreateInfo view_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                            .image = OBJECT(VkImage, IMAGE),
                                            .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   VkImageView view = OBJECT(VkImageView, VIEW);
   const VkImageView views[] = {view, view, view};
   const VkFramebufferCreateInfo framebuffer_info = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                     .renderPass = render_pass,
                                                     .attachmentCount = 3,
                                                     .pAttachments = views};
   VkFramebuffer framebuffer = OBJECT(VkFramebuffer, FRAMEBUFFER);

   attachments[0].loadOp = attachments[2].loadOp = VK_ATTACHMENT_LOAD_OP_LOAD;
   attachments[1].loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR;
   DO(vkCreateRenderPass, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pRenderPass = &render_pass);
   DO(vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &view_info, .pView = &view);
   DO(vkCreateFramebuffer, .device = DEVICE_OBJECT, .pCreateInfo = &framebuffer_info, .pFramebuffer = &framebuffer);
}

static void open_all(void)
{
   static const uint32_t code[8] = {0x07230203, 0x10000, 0, 100};
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkQueryPoolCreateInfo query_info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryCount = 8};
   const VkShaderModuleCreateInfo module_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(code), .pCode = code};
   VkCommandPool pool = OBJECT(VkCommandPool, POOL);
   VkQueryPool queries = OBJECT(VkQueryPool, QUERIES);
   VkShaderModule module = OBJECT(VkShaderModule, MODULE);

   session_open();
   DO(vkCreateCommandPool, .device = DEVICE_OBJECT, .pCreateInfo = &pool_info, .pCommandPool = &pool);
   create_commands(POOL, COMMANDS, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   create_buffer(BUFFER);
   create_buffer(OTHER);
   create_image(IMAGE, VK_IMAGE_TYPE_2D, VK_FORMAT_R8G8B8A8_UNORM, (VkExtent3D){64, 32, 1}, 4, 3);
   create_image(BLOCKS, VK_IMAGE_TYPE_2D, VK_FORMAT_BC7_UNORM_BLOCK, (VkExtent3D){30, 30, 1}, 1, 1);
   create_image(VOLUME, VK_IMAGE_TYPE_3D, VK_FORMAT_R32G32B32A32_SFLOAT, (VkExtent3D){16, 16, 16}, 2, 1);
   DO(vkCreateQueryPool, .device = DEVICE_OBJECT, .pCreateInfo = &query_info, .pQueryPool = &queries);
   DO(vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &module_info, .pShaderModule = &module);
   create_set_layouts();
   create_set();
   create_render_pass();
   begin(COMMANDS);
}

static bool refused(uint32_t command, const char *text)
{
   const bool ok = vps_executor_run(&ctx, enc.start, vp_encoder_size(&enc));
   vp_encoder_reset(&enc);
   const bool right = !ok && ctx.error.command == command && strstr(ctx.error.text, text);
   if (!right)
      fprintf(stderr, "  it says: %s\n", ok ? "nothing" : ctx.error.text);
   session_close();
   open_all();
   return right;
}

/* A command that is fine, and one that is refused because of this. */
#define GOOD DO
#define BAD(text, name, ...) \
   (vp_request_##name(&enc, 0, &(struct vp_cmd_##name){__VA_ARGS__}), CHECK(refused(VP_CMD_##name, text)))
#define GOOD_CMD(name, ...) GOOD(name, .commandBuffer = RECORDING, __VA_ARGS__)
#define BAD_CMD(text, name, ...) BAD(text, name, .commandBuffer = RECORDING, __VA_ARGS__)

#endif
