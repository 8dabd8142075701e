/* SPDX-License-Identifier: MIT */

/* What a driver trusts a program with does not reach it when it is wrong, and does at the very edge of what is right.
 * Each wrong command ends its session. */

#include "server/core/device.h"
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

/* --- buffers --- */

static void test_buffer_ranges(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER), other = OBJECT(VkBuffer, OTHER);
   static const VkDeviceSize wrong[][2] = {
      {0, SIZE + 4}, {SIZE - 4, 8}, {SIZE + 4, 0}, {UINT64_MAX - 3, 8}, {8, UINT64_MAX - 7}, {UINT64_MAX, UINT64_MAX},
   };
   const uint32_t word = 0;

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      const VkBufferCopy from = {.srcOffset = wrong[i][0], .size = wrong[i][1]};
      const VkBufferCopy to = {.dstOffset = wrong[i][0], .size = wrong[i][1]};
      const VkBufferCopy2 to2 = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_COPY_2, .dstOffset = wrong[i][0], .size = wrong[i][1]};
      const VkCopyBufferInfo2 info2 = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_INFO_2,
                                       .srcBuffer = buffer,
                                       .dstBuffer = other,
                                       .regionCount = 1,
                                       .pRegions = &to2};
      BAD_CMD("are not all in srcBuffer", vkCmdCopyBuffer, .srcBuffer = buffer, .dstBuffer = other, .regionCount = 1,
              .pRegions = &from);
      BAD_CMD("Buffer, which has 4096", vkCmdCopyBuffer, .srcBuffer = buffer, .dstBuffer = other, .regionCount = 1,
              .pRegions = &to);
      BAD_CMD("Buffer, which has 4096", vkCmdCopyBuffer2, .pCopyBufferInfo = &info2);
      if (wrong[i][1] != VK_WHOLE_SIZE)
         BAD_CMD("are not all in dstBuffer", vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = wrong[i][0],
                 .size = wrong[i][1]);
   }
   const VkBufferCopy regions[] = {{0, 0, SIZE}, {SIZE, SIZE, 0}, {4, SIZE - 4, 4}};
   GOOD_CMD(vkCmdCopyBuffer, .srcBuffer = buffer, .dstBuffer = other, .regionCount = 3, .pRegions = regions);
   GOOD_CMD(vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = SIZE - 4, .size = 4);
   GOOD_CMD(vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = SIZE - 4, .size = VK_WHOLE_SIZE);
   BAD_CMD("dstBuffer", vkCmdFillBuffer, .dstBuffer = buffer, .dstOffset = SIZE + 4, .size = VK_WHOLE_SIZE);
   GOOD_CMD(vkCmdUpdateBuffer, .dstBuffer = buffer, .dstOffset = SIZE - 4, .dataSize = 4, .pData = &word);
   BAD_CMD("dstBuffer", vkCmdUpdateBuffer, .dstBuffer = buffer, .dstOffset = SIZE, .dataSize = 4, .pData = &word);
}

static void test_indirect(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);

   GOOD_CMD(vkCmdDispatchIndirect, .buffer = buffer, .offset = SIZE - 12);
   BAD_CMD("12 bytes from 4088 on", vkCmdDispatchIndirect, .buffer = buffer, .offset = SIZE - 8);
   GOOD_CMD(vkCmdDrawIndirect, .buffer = buffer, .offset = UINT64_MAX, .drawCount = 0);
   GOOD_CMD(vkCmdDrawIndirect, .buffer = buffer, .offset = SIZE - 16, .drawCount = 1, .stride = UINT32_MAX);
   GOOD_CMD(vkCmdDrawIndirect, .buffer = buffer, .drawCount = SIZE / 16, .stride = 16);
   BAD_CMD("not all in buffer", vkCmdDrawIndirect, .buffer = buffer, .drawCount = SIZE / 16 + 1, .stride = 16);
   BAD_CMD("not all in buffer", vkCmdDrawIndirect, .buffer = buffer, .drawCount = UINT32_MAX, .stride = UINT32_MAX);
   BAD_CMD("not all in buffer", vkCmdDrawIndirect, .buffer = buffer, .offset = UINT64_MAX - 3, .drawCount = 1);
   BAD_CMD("not all in buffer", vkCmdDrawIndexedIndirect, .buffer = buffer, .offset = SIZE - 16, .drawCount = 1);
   GOOD_CMD(vkCmdDrawIndirectCount, .buffer = buffer, .countBuffer = OBJECT(VkBuffer, OTHER),
            .countBufferOffset = SIZE - 4, .maxDrawCount = 1, .stride = 16);
   BAD_CMD("in countBuffer", vkCmdDrawIndirectCount, .buffer = buffer, .countBuffer = OBJECT(VkBuffer, OTHER),
           .countBufferOffset = SIZE, .maxDrawCount = 1, .stride = 16);
}

static void test_bound_buffers(void)
{
   const VkBuffer buffers[] = {OBJECT(VkBuffer, BUFFER), VK_NULL_HANDLE, OBJECT(VkBuffer, OTHER)};
   const VkDeviceSize right[] = {0, UINT64_MAX, SIZE}, wrong[] = {0, 0, SIZE + 1}, sizes[] = {SIZE, 7, 0};
   const VkDeviceSize wrong_sizes[] = {SIZE + 1, 7, 0};

   GOOD_CMD(vkCmdBindVertexBuffers, .firstBinding = 29, .bindingCount = 3, .pBuffers = buffers, .pOffsets = right);
   GOOD_CMD(vkCmdBindVertexBuffers2, .bindingCount = 3, .pBuffers = buffers, .pOffsets = right, .pSizes = sizes);
   BAD_CMD("maxVertexInputBindings", vkCmdBindVertexBuffers, .firstBinding = 30, .bindingCount = 3, .pBuffers = buffers,
           .pOffsets = right);
   BAD_CMD("maxVertexInputBindings", vkCmdBindVertexBuffers, .firstBinding = UINT32_MAX, .bindingCount = 3,
           .pBuffers = buffers, .pOffsets = right);
   BAD_CMD("a buffer, which has", vkCmdBindVertexBuffers, .bindingCount = 3, .pBuffers = buffers, .pOffsets = wrong);
   BAD_CMD("a buffer, which has", vkCmdBindVertexBuffers2, .bindingCount = 3, .pBuffers = buffers, .pOffsets = right,
           .pSizes = wrong_sizes);
   GOOD_CMD(vkCmdBindIndexBuffer, .buffer = buffers[0], .offset = SIZE - 2);
   BAD_CMD("buffer, which has", vkCmdBindIndexBuffer, .buffer = buffers[0], .offset = SIZE + 2);
   GOOD_CMD(vkCmdBindTransformFeedbackBuffersEXT, .firstBinding = 3, .bindingCount = 1, .pBuffers = buffers,
            .pOffsets = right, .pSizes = sizes);
   BAD_CMD("maxTransformFeedbackBuffers", vkCmdBindTransformFeedbackBuffersEXT, .firstBinding = 4, .bindingCount = 1,
           .pBuffers = buffers, .pOffsets = right, .pSizes = sizes);
}

static void test_buffer_views(void)
{
   VkBufferViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                  .buffer = OBJECT(VkBuffer, BUFFER),
                                  .offset = SIZE - 16,
                                  .range = 16};
   VkBufferView view = OBJECT(VkBufferView, FREE);

   GOOD(vkCreateBufferView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
   GOOD(vkDestroyBufferView, .device = DEVICE_OBJECT, .bufferView = view);
   info.range = 17;
   BAD("not all in buffer", vkCreateBufferView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
   info.range = UINT64_MAX - 8;
   BAD("not all in buffer", vkCreateBufferView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
}

static void test_queries(void)
{
   const VkQueryPool pool = OBJECT(VkQueryPool, QUERIES);
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkQueryResultFlags flags = VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT;

   GOOD_CMD(vkCmdCopyQueryPoolResults, .queryPool = pool, .firstQuery = 5, .queryCount = 3, .dstBuffer = buffer,
            .dstOffset = SIZE - 4);
   GOOD_CMD(vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 3, .dstBuffer = buffer, .dstOffset = SIZE - 48,
            .stride = 16, .flags = flags);
   BAD_CMD("not all in dstBuffer", vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 3, .dstBuffer = buffer,
           .dstOffset = SIZE - 40, .stride = 16, .flags = flags);
   BAD_CMD("not all in dstBuffer", vkCmdCopyQueryPoolResults, .queryPool = pool, .queryCount = 3, .dstBuffer = buffer,
           .stride = UINT64_MAX / 2 + 2);
   BAD_CMD("not all in their pool", vkCmdCopyQueryPoolResults, .queryPool = pool, .firstQuery = 6, .queryCount = 3,
           .dstBuffer = buffer, .stride = 4);
}

/* --- images --- */

static VkImageSubresourceLayers layers(uint32_t level, uint32_t first, uint32_t count)
{
   return (VkImageSubresourceLayers){VK_IMAGE_ASPECT_COLOR_BIT, level, first, count};
}

static VkBufferImageCopy piece(VkImageSubresourceLayers where, VkOffset3D offset, VkExtent3D extent)
{
   return (VkBufferImageCopy){.imageSubresource = where, .imageOffset = offset, .imageExtent = extent};
}

static void test_image_pieces(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkBufferImageCopy right[] = {
      piece(layers(0, 2, 1), (VkOffset3D){60, 28, 0}, (VkExtent3D){4, 4, 1}),
      piece(layers(3, 0, 3), (VkOffset3D){0, 0, 0}, (VkExtent3D){8, 4, 1}),
      piece(layers(3, 1, VK_REMAINING_ARRAY_LAYERS), (VkOffset3D){7, 3, 0}, (VkExtent3D){1, 1, 1}),
   };
   const VkBufferImageCopy wrong[] = {
      piece(layers(4, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 3, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 1, 3), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 2, UINT32_MAX - 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){1, 1, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){61, 28, 0}, (VkExtent3D){4, 4, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){0, -1, 0}, (VkExtent3D){4, 4, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){0, 0, 1}, (VkExtent3D){4, 4, 1}),
      piece(layers(0, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){4, 4, 2}),
      piece(layers(0, 0, 1), (VkOffset3D){8, 0, 0}, (VkExtent3D){UINT32_MAX - 7, 4, 1}),
      piece(layers(1, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){33, 1, 1}),
   };
   const VkImage image = OBJECT(VkImage, IMAGE);

   GOOD_CMD(vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image, .regionCount = 3, .pRegions = right);
   GOOD_CMD(vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer, .regionCount = 3, .pRegions = right);
   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      BAD_CMD("not in the image of 64x32x1", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image,
              .regionCount = 1, .pRegions = &wrong[i]);
      BAD_CMD("not in the image of 64x32x1", vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer,
              .regionCount = 1, .pRegions = &wrong[i]);
   }
}

/* What a copy takes of a buffer follows from the format. */
static void test_image_bytes(void)
{
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   const VkImage image = OBJECT(VkImage, IMAGE), blocks = OBJECT(VkImage, BLOCKS), volume = OBJECT(VkImage, VOLUME);
   VkBufferImageCopy region = piece(layers(0, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){64, 16, 1});

   GOOD_CMD(vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer, .regionCount = 1, .pRegions = &region);
   region.bufferOffset = 4;
   BAD_CMD("4096 bytes from 4 on", vkCmdCopyImageToBuffer, .srcImage = image, .dstBuffer = buffer, .regionCount = 1,
           .pRegions = &region);
   region.bufferOffset = 0;
   region.bufferRowLength = 65;
   BAD_CMD("4156 bytes from 0 on", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image, .regionCount = 1,
           .pRegions = &region);
   region.bufferRowLength = UINT32_MAX;
   BAD_CMD("the buffer, which has", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = image, .regionCount = 1,
           .pRegions = &region);

   region = piece(layers(0, 0, 1), (VkOffset3D){0, 0, 0}, (VkExtent3D){30, 30, 1}); /* 8x8 blocks of 16 bytes */
   region.bufferOffset = SIZE - 1024;
   GOOD_CMD(vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = blocks, .regionCount = 1, .pRegions = &region);
   region.bufferOffset += 16;
   BAD_CMD("1024 bytes", vkCmdCopyBufferToImage, .srcBuffer = buffer, .dstImage = blocks, .regionCount = 1,
           .pRegions = &region);

   region = piece(layers(0, 0, 1), (VkOffset3D){0, 0, 15}, (VkExtent3D){16, 16, 1});
   GOOD_CMD(vkCmdCopyImageToBuffer, .srcImage = volume, .dstBuffer = buffer, .regionCount = 1, .pRegions = &region);
   region.imageExtent.depth = 2;
   BAD_CMD("texels are not in", vkCmdCopyImageToBuffer, .srcImage = volume, .dstBuffer = buffer, .regionCount = 1,
           .pRegions = &region);
   region.imageOffset.z = 14;
   BAD_CMD("8192 bytes", vkCmdCopyImageToBuffer, .srcImage = volume, .dstBuffer = buffer, .regionCount = 1,
           .pRegions = &region);
}

static void test_image_copies(void)
{
   const VkImage image = OBJECT(VkImage, IMAGE), blocks = OBJECT(VkImage, BLOCKS), volume = OBJECT(VkImage, VOLUME);
   const VkOffset3D zero = {0, 0, 0};
   VkImageCopy region = {layers(0, 0, 1), zero, layers(0, 0, 1), zero, {16, 16, 1}};

   GOOD_CMD(vkCmdCopyImage, .srcImage = image, .dstImage = volume, .regionCount = 1, .pRegions = &region);
   region.dstOffset.z = 16;
   BAD_CMD("of 16x16x16", vkCmdCopyImage, .srcImage = image, .dstImage = volume, .regionCount = 1, .pRegions = &region);
   region.dstOffset.z = 13; /* layers become slices */
   region.srcSubresource.layerCount = region.extent.depth = 3;
   GOOD_CMD(vkCmdCopyImage, .srcImage = image, .dstImage = volume, .regionCount = 1, .pRegions = &region);

   /* One texel of 16 bytes is a block: 8x8 of them are 32x32 texels, of which there are 30. */
   region = (VkImageCopy){layers(0, 0, 1), zero, layers(0, 0, 1), zero, {8, 8, 1}};
   GOOD_CMD(vkCmdCopyImage, .srcImage = volume, .dstImage = blocks, .regionCount = 1, .pRegions = &region);
   region.extent.width = 9;
   BAD_CMD("of 30x30x1", vkCmdCopyImage, .srcImage = volume, .dstImage = blocks, .regionCount = 1, .pRegions = &region);
   region.extent = (VkExtent3D){30, 30, 1};
   region.dstOffset = (VkOffset3D){8, 8, 0};
   GOOD_CMD(vkCmdCopyImage, .srcImage = blocks, .dstImage = volume, .regionCount = 1, .pRegions = &region);
   region.dstOffset.x = 9;
   BAD_CMD("of 16x16x16", vkCmdCopyImage, .srcImage = blocks, .dstImage = volume, .regionCount = 1,
           .pRegions = &region);

   VkImageResolve resolve = {layers(0, 0, 1), zero, layers(3, 0, 1), zero, {8, 4, 1}};
   GOOD_CMD(vkCmdResolveImage, .srcImage = image, .dstImage = image, .regionCount = 1, .pRegions = &resolve);
   resolve.extent.height = 5;
   BAD_CMD("texels are not in", vkCmdResolveImage, .srcImage = image, .dstImage = image, .regionCount = 1,
           .pRegions = &resolve);

   VkImageBlit blit = {layers(0, 0, 1), {{64, 32, 1}, {0, 0, 0}}, layers(1, 0, 1), {{0, 0, 0}, {32, 16, 1}}};
   GOOD_CMD(vkCmdBlitImage, .srcImage = image, .dstImage = image, .regionCount = 1, .pRegions = &blit);
   blit.srcOffsets[1].x = -1;
   BAD_CMD("texels are not in", vkCmdBlitImage, .srcImage = image, .dstImage = image, .regionCount = 1,
           .pRegions = &blit);
   blit.srcOffsets[1].x = 0;
   blit.dstOffsets[1].x = 33;
   BAD_CMD("texels are not in", vkCmdBlitImage, .srcImage = image, .dstImage = image, .regionCount = 1,
           .pRegions = &blit);
}

static void test_image_ranges(void)
{
   const VkClearColorValue color = {.uint32 = {0}};
   VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 3, VK_REMAINING_MIP_LEVELS, 1, 2};
   VkImageViewCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                 .image = OBJECT(VkImage, VOLUME),
                                 .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 1, 1, 4, 4}};
   VkImageView view = OBJECT(VkImageView, FREE);

   GOOD_CMD(vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &color, .rangeCount = 1,
            .pRanges = &range);
   range.layerCount = 3;
   BAD_CMD("a level or a layer", vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &color,
           .rangeCount = 1, .pRanges = &range);
   range.layerCount = 1;
   range.baseMipLevel = 4;
   BAD_CMD("a level or a layer", vkCmdClearColorImage, .image = OBJECT(VkImage, IMAGE), .pColor = &color,
           .rangeCount = 1, .pRanges = &range);
   GOOD(vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view); /* slices */
   GOOD(vkDestroyImageView, .device = DEVICE_OBJECT, .imageView = view);
   info.subresourceRange.layerCount = 5;
   BAD("a level or a layer", vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
   info.subresourceRange = (VkImageSubresourceRange){VK_IMAGE_ASPECT_COLOR_BIT, 1, 2, 0, 1};
   BAD("a level or a layer", vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pView = &view);
}

static void test_image_creation(void)
{
   static const struct {
      VkExtent3D extent;
      uint32_t levels, layers, samples;
      VkImageType type;
   } wrong[] = {
      {{0, 4, 1}, 1, 1, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, 4, 1, 1, VK_IMAGE_TYPE_2D},
      {{4, 4, 1}, 0, 1, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, UINT32_MAX, 1, 1, VK_IMAGE_TYPE_2D},
      {{4, 4, 1}, 1, 0, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, 1, 1, 3, VK_IMAGE_TYPE_2D},
      {{4, 4, 2}, 1, 1, 1, VK_IMAGE_TYPE_2D}, {{4, 4, 1}, 1, 1, 1, VK_IMAGE_TYPE_1D},
      {{4, 4, 4}, 1, 2, 1, VK_IMAGE_TYPE_3D},
   };
   VkImage image = OBJECT(VkImage, FREE);

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                      .imageType = wrong[i].type,
                                      .format = VK_FORMAT_R8_UNORM,
                                      .extent = wrong[i].extent,
                                      .mipLevels = wrong[i].levels,
                                      .arrayLayers = wrong[i].layers,
                                      .samples = (VkSampleCountFlagBits)wrong[i].samples};
      BAD("there is no image of", vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pImage = &image);
   }
}

/* --- descriptors --- */

static VkWriteDescriptorSet write_of(uint32_t binding, uint32_t element, uint32_t count, VkDescriptorType type,
                                     const VkDescriptorBufferInfo *infos)
{
   return (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                 .dstSet = OBJECT(VkDescriptorSet, SET),
                                 .dstBinding = binding,
                                 .dstArrayElement = element,
                                 .descriptorCount = count,
                                 .descriptorType = type,
                                 .pBufferInfo = infos};
}

#define STORAGE VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
#define DYNAMIC VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC

static void test_descriptor_writes(void)
{
   VkDescriptorBufferInfo infos[3];
   for (unsigned i = 0; i < 3; i++)
      infos[i] = (VkDescriptorBufferInfo){OBJECT(VkBuffer, BUFFER), SIZE - 256, 256};
   const VkWriteDescriptorSet right[] = {write_of(0, 0, 2, DYNAMIC, infos), write_of(1, 1, 1, STORAGE, infos),
                                         write_of(1, 0, 2, STORAGE, infos)};
   const VkWriteDescriptorSet wrong[] = {
      write_of(2, 0, 1, STORAGE, infos),          write_of(1, 0, 3, STORAGE, infos), /* goes on in images */
      write_of(0, 1, 2, DYNAMIC, infos),          write_of(3, 0, 1, STORAGE, infos),
      write_of(1, 2, 1, STORAGE, infos),          write_of(1, UINT32_MAX, 2, STORAGE, infos),
      write_of(UINT32_MAX, 0, 1, STORAGE, infos), write_of(1, 0, 1, DYNAMIC, infos),
   };

   GOOD(vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 3, .pDescriptorWrites = right);
   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
      BAD("the set has no", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
          .pDescriptorWrites = &wrong[i]);

   VkWriteDescriptorSet write = write_of(1, 0, 1, STORAGE, NULL);
   BAD("there is nothing for", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
       .pDescriptorWrites = &write);
   write = write_of(3, 0, 1, VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, infos);
   BAD("there is nothing for", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
       .pDescriptorWrites = &write);
   write = write_of(1, 0, 1, STORAGE, infos);
   write.dstSet = VK_NULL_HANDLE;
   BAD("dstSet is missing", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
       .pDescriptorWrites = &write);
   write = write_of(1, 0, 1, STORAGE, infos);
   infos[0].range = 257;
   BAD("257 bytes from 3840 on", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
       .pDescriptorWrites = &write);
   infos[0] = (VkDescriptorBufferInfo){OBJECT(VkBuffer, BUFFER), SIZE + 4, VK_WHOLE_SIZE};
   BAD("a descriptor's buffer", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
       .pDescriptorWrites = &write);
}

static void test_inline_blocks(void)
{
   const VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK, 16,
                                                 VK_SHADER_STAGE_COMPUTE_BIT, NULL};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, FREE);
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = OBJECT(VkDescriptorPool, SET_POOL),
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &layout};
   VkDescriptorSet set = OBJECT(VkDescriptorSet, FREE + 1);
   const uint8_t bytes[16] = {0};
   VkWriteDescriptorSetInlineUniformBlock block = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET_INLINE_UNIFORM_BLOCK, .dataSize = 16, .pData = bytes};
   VkWriteDescriptorSet write = write_of(0, 0, 16, VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK, NULL);

   GOOD(vkCreateDescriptorSetLayout, .device = DEVICE_OBJECT, .pCreateInfo = &layout_info, .pSetLayout = &layout);
   GOOD(vkAllocateDescriptorSets, .device = DEVICE_OBJECT, .pAllocateInfo = &info, .pDescriptorSets = &set);
   write.dstSet = set;
   write.pNext = &block;
   GOOD(vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1, .pDescriptorWrites = &write);
   block.dataSize = 12;
   BAD("there is nothing for", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorWriteCount = 1,
       .pDescriptorWrites = (write.dstSet = OBJECT(VkDescriptorSet, FREE + 1), &write));
}

static void test_descriptor_copies(void)
{
   VkCopyDescriptorSet copy = {.sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
                               .srcSet = OBJECT(VkDescriptorSet, SET),
                               .srcBinding = 1,
                               .dstSet = OBJECT(VkDescriptorSet, SET),
                               .dstBinding = 1,
                               .dstArrayElement = 1,
                               .descriptorCount = 1};

   GOOD(vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorCopyCount = 1, .pDescriptorCopies = &copy);
   copy.descriptorCount = 2;
   BAD("more than there are", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorCopyCount = 1,
       .pDescriptorCopies = &copy);
   copy.descriptorCount = 1;
   copy.srcBinding = 3; /* an image */
   BAD("more than there are", vkUpdateDescriptorSets, .device = DEVICE_OBJECT, .descriptorCopyCount = 1,
       .pDescriptorCopies = &copy);
}

static void test_layouts(void)
{
   const VkDescriptorSetLayoutBinding wrong[] = {{UINT32_MAX, STORAGE, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
   const VkDescriptorSetLayoutBinding many[] = {{0, STORAGE, UINT32_MAX, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
                                                {1, STORAGE, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
   VkDescriptorSetLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = wrong};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, FREE), layouts[33];
   VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 252, 8};
   VkPipelineLayoutCreateInfo pipeline_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                               .pushConstantRangeCount = 1,
                                               .pPushConstantRanges = &range};
   VkPipelineLayout pipeline_layout = OBJECT(VkPipelineLayout, FREE);

   BAD("more descriptors or bindings", vkCreateDescriptorSetLayout, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pSetLayout = &layout);
   info.bindingCount = 2;
   info.pBindings = many;
   BAD("more descriptors or bindings", vkCreateDescriptorSetLayout, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pSetLayout = &layout);
   BAD("maxPushConstantsSize", vkCreatePipelineLayout, .device = DEVICE_OBJECT, .pCreateInfo = &pipeline_info,
       .pPipelineLayout = &pipeline_layout);
   range.offset = UINT32_MAX - 3;
   BAD("maxPushConstantsSize", vkCreatePipelineLayout, .device = DEVICE_OBJECT, .pCreateInfo = &pipeline_info,
       .pPipelineLayout = &pipeline_layout);
   for (unsigned i = 0; i < 33; i++)
      layouts[i] = OBJECT(VkDescriptorSetLayout, SET_LAYOUT);
   pipeline_info.setLayoutCount = 33;
   pipeline_info.pSetLayouts = layouts;
   pipeline_info.pushConstantRangeCount = 0;
   BAD("maxBoundDescriptorSets", vkCreatePipelineLayout, .device = DEVICE_OBJECT, .pCreateInfo = &pipeline_info,
       .pPipelineLayout = &pipeline_layout);
}

static void test_sets(void)
{
   const VkDescriptorSet sets[] = {OBJECT(VkDescriptorSet, SET), OBJECT(VkDescriptorSet, SET),
                                   OBJECT(VkDescriptorSet, SET)};
   const VkPipelineLayout layout = OBJECT(VkPipelineLayout, LAYOUT);
   const uint32_t offsets[2] = {0, 0};

   GOOD_CMD(vkCmdBindDescriptorSets, .layout = layout, .descriptorSetCount = 1, .pDescriptorSets = sets,
            .dynamicOffsetCount = 2, .pDynamicOffsets = offsets);
   BAD_CMD("the sets take 2 dynamic offsets, and there are 1", vkCmdBindDescriptorSets, .layout = layout,
           .descriptorSetCount = 1, .pDescriptorSets = sets, .dynamicOffsetCount = 1, .pDynamicOffsets = offsets);
   BAD_CMD("does not have the layout of its place", vkCmdBindDescriptorSets, .layout = layout, .firstSet = 1,
           .descriptorSetCount = 1, .pDescriptorSets = sets, .dynamicOffsetCount = 2, .pDynamicOffsets = offsets);
   BAD_CMD("the layout has 2 sets", vkCmdBindDescriptorSets, .layout = layout, .descriptorSetCount = 3,
           .pDescriptorSets = sets, .dynamicOffsetCount = 2, .pDynamicOffsets = offsets);
   BAD_CMD("the layout has 2 sets", vkCmdBindDescriptorSets, .layout = layout, .firstSet = UINT32_MAX,
           .descriptorSetCount = 2, .pDescriptorSets = sets, .dynamicOffsetCount = 2, .pDynamicOffsets = offsets);
}

static void test_pushes(void)
{
   const VkPipelineLayout layout = OBJECT(VkPipelineLayout, LAYOUT);
   const VkDescriptorBufferInfo info = {OBJECT(VkBuffer, BUFFER), 0, SIZE};
   VkWriteDescriptorSet write = write_of(1, 0, 1, STORAGE, &info);
   const uint8_t bytes[64] = {0};

   write.dstSet = VK_NULL_HANDLE;
   GOOD_CMD(vkCmdPushDescriptorSet, .layout = layout, .set = 1, .descriptorWriteCount = 1, .pDescriptorWrites = &write);
   BAD_CMD("none of number 2", vkCmdPushDescriptorSet, .layout = layout, .set = 2, .descriptorWriteCount = 1,
           .pDescriptorWrites = &write);
   write.dstBinding = 0;
   BAD_CMD("the set has no", vkCmdPushDescriptorSet, .layout = layout, .set = 1, .descriptorWriteCount = 1,
           .pDescriptorWrites = &write);
   GOOD_CMD(vkCmdPushConstants, .layout = layout, .offset = 16, .size = 48, .pValues = bytes);
   BAD_CMD("push constants", vkCmdPushConstants, .layout = layout, .offset = 20, .size = 48, .pValues = bytes);
   BAD_CMD("push constants", vkCmdPushConstants, .layout = layout, .offset = UINT32_MAX - 3, .size = 4,
           .pValues = bytes);
}

/* --- render passes and pipelines --- */

static void test_render_passes(void)
{
   const VkClearValue clear[2] = {{.color = {.uint32 = {0}}}};
   VkRenderPassBeginInfo info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                 .renderPass = OBJECT(VkRenderPass, RENDER_PASS),
                                 .framebuffer = OBJECT(VkFramebuffer, FRAMEBUFFER),
                                 .clearValueCount = 2,
                                 .pClearValues = clear};

   GOOD_CMD(vkCmdBeginRenderPass, .pRenderPassBegin = &info);
   GOOD_CMD(vkCmdNextSubpass, .contents = VK_SUBPASS_CONTENTS_INLINE);
   BAD_CMD("no other subpass", vkCmdNextSubpass, .contents = VK_SUBPASS_CONTENTS_INLINE);
   BAD_CMD("no other subpass", vkCmdNextSubpass, .contents = VK_SUBPASS_CONTENTS_INLINE);
   info.clearValueCount = 1;
   BAD_CMD("takes 2 values to clear with, and there are 1", vkCmdBeginRenderPass, .pRenderPassBegin = &info);
   info.clearValueCount = 2;
   info.framebuffer = VK_NULL_HANDLE;
   BAD_CMD("missing", vkCmdBeginRenderPass, .pRenderPassBegin = &info);
}

static void test_render_pass_creation(void)
{
   const VkAttachmentDescription attachment = {.format = VK_FORMAT_R8G8B8A8_UNORM};
   VkAttachmentReference reference = {1, VK_IMAGE_LAYOUT_GENERAL};
   VkSubpassDescription subpass = {.colorAttachmentCount = 1, .pColorAttachments = &reference};
   VkSubpassDependency dependency = {.srcSubpass = VK_SUBPASS_EXTERNAL, .dstSubpass = 1};
   VkRenderPassCreateInfo info = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                  .attachmentCount = 1,
                                  .pAttachments = &attachment,
                                  .subpassCount = 1,
                                  .pSubpasses = &subpass};
   VkRenderPass render_pass = OBJECT(VkRenderPass, FREE);
   const VkImageView views[] = {OBJECT(VkImageView, VIEW), OBJECT(VkImageView, VIEW), VK_NULL_HANDLE};
   VkFramebufferCreateInfo framebuffer_info = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                               .renderPass = OBJECT(VkRenderPass, RENDER_PASS),
                                               .attachmentCount = 2,
                                               .pAttachments = views};
   VkFramebuffer framebuffer = OBJECT(VkFramebuffer, FREE);

   BAD("attachment 1 is not one of the 1", vkCreateRenderPass, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pRenderPass = &render_pass);
   reference.attachment = VK_ATTACHMENT_UNUSED;
   info.dependencyCount = 1;
   info.pDependencies = &dependency;
   BAD("has 1 subpasses", vkCreateRenderPass, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pRenderPass = &render_pass);
   subpass = (VkSubpassDescription){.pDepthStencilAttachment = &reference};
   reference.attachment = 2;
   BAD("attachment 2 is not one of the 1", vkCreateRenderPass, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pRenderPass = &render_pass);
   BAD("does not have the 3 attachments", vkCreateFramebuffer, .device = DEVICE_OBJECT,
       .pCreateInfo = &framebuffer_info, .pFramebuffer = &framebuffer);
   framebuffer_info.attachmentCount = 3;
   BAD("does not have the 3 attachments", vkCreateFramebuffer, .device = DEVICE_OBJECT,
       .pCreateInfo = &framebuffer_info, .pFramebuffer = &framebuffer);
}

static void test_constants(void)
{
   VkSpecializationMapEntry entry = {.constantID = 7, .offset = 4, .size = 4};
   const uint32_t data[2] = {0};
   const VkSpecializationInfo constants = {
      .mapEntryCount = 1, .pMapEntries = &entry, .dataSize = sizeof(data), .pData = data};
   VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                       .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                 .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                 .module = OBJECT(VkShaderModule, MODULE),
                                                 .pName = "main",
                                                 .pSpecializationInfo = &constants},
                                       .layout = OBJECT(VkPipelineLayout, LAYOUT)};
   VkPipeline pipeline = OBJECT(VkPipeline, FREE);

   GOOD(vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
        .pPipelines = &pipeline);
   pipeline = OBJECT(VkPipeline, FREE + 1);
   entry.size = 5;
   BAD("5 bytes from 4 on", vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &info, .pPipelines = &pipeline);
   entry = (VkSpecializationMapEntry){.offset = UINT32_MAX, .size = 4};
   BAD("the specialization data", vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &info, .pPipelines = &pipeline);
   entry = (VkSpecializationMapEntry){.offset = 4, .size = SIZE_MAX};
   BAD("the specialization data", vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &info, .pPipelines = &pipeline);
   info.stage.pSpecializationInfo = NULL;
   info.stage.stage = 0;
   BAD("is no stage", vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
       .pPipelines = &pipeline);
}

static void test_graphics(void)
{
   VkVertexInputBindingDescription binding = {31, 4, VK_VERTEX_INPUT_RATE_VERTEX};
   VkVertexInputAttributeDescription attribute = {31, 31, VK_FORMAT_R8_UNORM, 0};
   const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                          VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
                                                       .vertexBindingDescriptionCount = 1,
                                                       .pVertexBindingDescriptions = &binding,
                                                       .vertexAttributeDescriptionCount = 1,
                                                       .pVertexAttributeDescriptions = &attribute};
   const VkPipelineShaderStageCreateInfo stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                  .stage = VK_SHADER_STAGE_VERTEX_BIT,
                                                  .module = OBJECT(VkShaderModule, MODULE),
                                                  .pName = "main"};
   VkGraphicsPipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                        .stageCount = 1,
                                        .pStages = &stage,
                                        .pVertexInputState = &input,
                                        .layout = OBJECT(VkPipelineLayout, LAYOUT),
                                        .renderPass = OBJECT(VkRenderPass, RENDER_PASS),
                                        .subpass = 1};
   VkPipeline pipeline = OBJECT(VkPipeline, FREE);
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO};
   info.pRasterizationState = &rasterization;

   GOOD(vkCreateGraphicsPipelines, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
        .pPipelines = &pipeline);
   pipeline = OBJECT(VkPipeline, FREE + 1);
   info.subpass = 2;
   BAD("none of number 2", vkCreateGraphicsPipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &info, .pPipelines = &pipeline);
   info.subpass = 0;
   binding.binding = 32;
   BAD("maxVertexInputBindings", vkCreateGraphicsPipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &info, .pPipelines = &pipeline);
   binding.binding = 0;
   attribute.location = UINT32_MAX;
   BAD("maxVertexInputAttributes", vkCreateGraphicsPipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &info, .pPipelines = &pipeline);
}

static void test_modules(void)
{
   const uint32_t code[8] = {0x07230203};
   VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = 31, .pCode = code};
   VkShaderModule module = OBJECT(VkShaderModule, FREE);

   BAD("31 bytes are no SPIR-V", vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pShaderModule = &module);
   info.codeSize = 16;
   BAD("16 bytes are no SPIR-V", vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pShaderModule = &module);
}

static void test_slots(void)
{
   const VkViewport viewports[16] = {{.width = 1}};
   const VkRect2D scissors[16] = {{.extent = {1, 1}}};

   GOOD_CMD(vkCmdSetViewport, .firstViewport = 0, .viewportCount = 16, .pViewports = viewports);
   BAD_CMD("maxViewports", vkCmdSetViewport, .firstViewport = 1, .viewportCount = 16, .pViewports = viewports);
   BAD_CMD("maxViewports", vkCmdSetScissor, .firstScissor = UINT32_MAX, .scissorCount = 2, .pScissors = scissors);
}

/* --- what must be there, and only once --- */

static void test_missing(void)
{
   const VkCopyBufferInfo2 copy = {.sType = VK_STRUCTURE_TYPE_COPY_BUFFER_INFO_2,
                                   .dstBuffer = OBJECT(VkBuffer, BUFFER)};
   const VkCopyImageInfo2 images = {.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_INFO_2, .srcImage = OBJECT(VkImage, IMAGE)};
   const VkBindBufferMemoryInfo bind = {.sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
                                        .buffer = OBJECT(VkBuffer, BUFFER)};
   const VkImageViewCreateInfo view_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO};
   const VkBufferMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER, .size = VK_WHOLE_SIZE};
   const VkImageMemoryBarrier image_barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
   const VkComputePipelineCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = OBJECT(VkShaderModule, MODULE),
                .pName = "main"}};
   const VkCommandBufferAllocateInfo commands_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                      .commandBufferCount = 1};
   const VkDescriptorSetLayout layouts[] = {VK_NULL_HANDLE};
   const VkDescriptorSetAllocateInfo sets_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                  .descriptorPool = OBJECT(VkDescriptorPool, SET_POOL),
                                                  .descriptorSetCount = 1,
                                                  .pSetLayouts = layouts};
   VkImageView view = OBJECT(VkImageView, FREE);
   VkPipeline pipeline = OBJECT(VkPipeline, FREE);
   VkCommandBuffer commands = OBJECT(VkCommandBuffer, FREE);
   VkDescriptorSet set = OBJECT(VkDescriptorSet, FREE);
   const VkEvent event = VK_NULL_HANDLE;

   BAD_CMD("srcBuffer is missing", vkCmdCopyBuffer2, .pCopyBufferInfo = &copy);
   BAD_CMD("dstImage is missing", vkCmdCopyImage2, .pCopyImageInfo = &images);
   BAD_CMD("buffer is missing", vkCmdPipelineBarrier, .srcStageMask = 1, .dstStageMask = 1,
           .bufferMemoryBarrierCount = 1, .pBufferMemoryBarriers = &barrier);
   BAD_CMD("image is missing", vkCmdPipelineBarrier, .srcStageMask = 1, .dstStageMask = 1, .imageMemoryBarrierCount = 1,
           .pImageMemoryBarriers = &image_barrier);
   BAD_CMD("pEvents is missing", vkCmdWaitEvents, .eventCount = 1, .pEvents = &event);
   BAD("memory is missing", vkBindBufferMemory2, .device = DEVICE_OBJECT, .bindInfoCount = 1, .pBindInfos = &bind);
   BAD("image is missing", vkCreateImageView, .device = DEVICE_OBJECT, .pCreateInfo = &view_info, .pView = &view);
   BAD("layout is missing", vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1,
       .pCreateInfos = &pipeline_info, .pPipelines = &pipeline);
   BAD("commandPool is missing", vkAllocateCommandBuffers, .device = DEVICE_OBJECT, .pAllocateInfo = &commands_info,
       .pCommandBuffers = &commands);
   BAD("pSetLayouts is missing", vkAllocateDescriptorSets, .device = DEVICE_OBJECT, .pAllocateInfo = &sets_info,
       .pDescriptorSets = &set);
}

static void test_chains(void)
{
   VkImageFormatListCreateInfo list = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO};
   VkImageStencilUsageCreateInfo usage = {.sType = VK_STRUCTURE_TYPE_IMAGE_STENCIL_USAGE_CREATE_INFO, .pNext = &list};
   VkImageFormatListCreateInfo first = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO, .pNext = &usage};
   VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                             .pNext = &usage,
                             .imageType = VK_IMAGE_TYPE_2D,
                             .format = VK_FORMAT_R8_UNORM,
                             .extent = {4, 4, 1},
                             .mipLevels = 1,
                             .arrayLayers = 1,
                             .samples = VK_SAMPLE_COUNT_1_BIT};
   VkImage image = OBJECT(VkImage, FREE);

   GOOD(vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pImage = &image);
   image = OBJECT(VkImage, FREE + 1);
   info.pNext = &first;
   BAD("a chain has two structs of a type", vkCreateImage, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pImage = &image);
}

/* --- answers --- */

/* The address sanitizer takes an eighth. */
#define LITTLE ((size_t)256 << 20)

static size_t resident(void)
{
   FILE *file = fopen("/proc/self/statm", "re");
   unsigned long pages = 0;

   if (file && fscanf(file, "%*u %lu", &pages) != 1)
      pages = 0;
   if (file)
      fclose(file);
   return (size_t)pages * 4096;
}

static size_t most_resident;

/* Writes as much as there is, which is little. */
static VKAPI_ATTR VkResult VKAPI_CALL get_cache_data(VkDevice device, VkPipelineCache cache, size_t *size, void *data)
{
   (void)device, (void)cache;
   most_resident = resident();
   if (!CHECK(data && *size >= 32))
      return VK_INCOMPLETE;
   memset(data, 7, 32);
   *size = 32;
   return VK_SUCCESS;
}

/* Room that a client says it has takes no memory, and is not all sent back. */
static void test_room(void)
{
   const VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   VkPipelineCache cache = OBJECT(VkPipelineCache, FREE);
   size_t size = (size_t)900 << 20;
   uint8_t data[1];
   uint32_t results[3] = {0};

   GOOD(vkCreatePipelineCache, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pPipelineCache = &cache);
   ((struct vps_device *)vps_object_find(&ctx.objects, objects[DEVICE].id)->state)->functions.GetPipelineCacheData =
      get_cache_data;
   const size_t before = resident();
   vp_request_vkGetPipelineCacheData(
      &enc, 1,
      &(struct vp_cmd_vkGetPipelineCacheData){
         .device = DEVICE_OBJECT, .pipelineCache = cache, .pDataSize = &size, .pData = data});
   CHECK(session_run());
   CHECK(vp_encoder_size(&ctx.enc) < 200);
#ifndef __SANITIZE_THREAD__ /* it has memory of its own beside each allocation */
   CHECK(most_resident < before + LITTLE && resident() < before + LITTLE);
#endif

   BAD("3 results do not take", vkGetQueryPoolResults, .device = DEVICE_OBJECT,
       .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dataSize = (size_t)900 << 20, .pData = results,
       .stride = 4);
   BAD("3 results do not fit", vkGetQueryPoolResults, .device = DEVICE_OBJECT,
       .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dataSize = 12, .pData = results,
       .stride = UINT32_MAX);
   BAD("too much temporary memory", vkGetQueryPoolResults, .device = DEVICE_OBJECT,
       .queryPool = OBJECT(VkQueryPool, QUERIES), .queryCount = 3, .dataSize = (size_t)1 << 40, .pData = results);
   CHECK(resident() < before + LITTLE);
}

static void test_bindings(void)
{
   const VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = (VkDeviceSize)2 * SIZE, .memoryTypeIndex = 1};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);
   const VkBuffer buffer = OBJECT(VkBuffer, BUFFER);
   VkBindImageMemoryInfo info = {.sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
                                 .image = OBJECT(VkImage, IMAGE),
                                 .memory = memory,
                                 .memoryOffset = 2 * SIZE + 1};
   static const VkDeviceSize wrong[] = {SIZE + 1, UINT64_MAX - SIZE + 1, UINT64_MAX};

   for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
      GOOD(vkAllocateMemory, .device = DEVICE_OBJECT, .pAllocateInfo = &memory_info, .pMemory = &memory);
      BAD("are not all in the memory", vkBindBufferMemory, .device = DEVICE_OBJECT, .buffer = buffer, .memory = memory,
          .memoryOffset = wrong[i]);
   }
   GOOD(vkAllocateMemory, .device = DEVICE_OBJECT, .pAllocateInfo = &memory_info, .pMemory = &memory);
   GOOD(vkBindBufferMemory, .device = DEVICE_OBJECT, .buffer = buffer, .memory = memory, .memoryOffset = SIZE);
   BAD("are not all in the memory", vkBindImageMemory2, .device = DEVICE_OBJECT, .bindInfoCount = 1,
       .pBindInfos = &info);
   info.memory = VK_NULL_HANDLE;
   BAD("its memory is missing", vkBindImageMemory2, .device = DEVICE_OBJECT, .bindInfoCount = 1, .pBindInfos = &info);
}

int main(void)
{
   open_all();
   test_bindings();
   test_room();
   test_missing();
   test_chains();
   test_buffer_ranges();
   test_indirect();
   test_bound_buffers();
   test_buffer_views();
   test_queries();
   test_image_pieces();
   test_image_bytes();
   test_image_copies();
   test_image_ranges();
   test_image_creation();
   test_descriptor_writes();
   test_inline_blocks();
   test_descriptor_copies();
   test_layouts();
   test_sets();
   test_pushes();
   test_render_passes();
   test_render_pass_creation();
   test_constants();
   test_graphics();
   test_modules();
   test_slots();
   session_close();
   return check_finish();
}
