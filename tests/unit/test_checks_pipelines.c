/* SPDX-License-Identifier: MIT */
/* Checks of descriptors, of render passes and of pipelines and what they are bound with. */

#include "tests/unit/checks.h"

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
   uint32_t code[8] = {0x07230203};
   VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = 31, .pCode = code};
   VkShaderModule module = OBJECT(VkShaderModule, FREE);

   BAD("31 bytes are no SPIR-V", vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pShaderModule = &module);
   info.codeSize = 16;
   BAD("16 bytes are no SPIR-V", vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pShaderModule = &module);
   info.codeSize = 32;
   code[3] = (1 << 22) + 1;
   BAD("ids up to 4194305", vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pShaderModule = &module);
   code[3] = 1 << 22;
   GOOD(vkCreateShaderModule, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pShaderModule = &module);
}

/* --- descriptor buffers --- */

static VkDescriptorSetLayout create_buffer_layouts(VkPipelineLayout *pipeline_layout)
{
   const VkDescriptorSetLayoutBinding binding = {2, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT,
                                                 NULL};
   const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                 .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
                                                 .bindingCount = 1,
                                                 .pBindings = &binding};
   VkDescriptorSetLayout layout = OBJECT(VkDescriptorSetLayout, FREE);
   const VkDescriptorSetLayout both[] = {layout, OBJECT(VkDescriptorSetLayout, SET_LAYOUT)};
   const VkPipelineLayoutCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 2, .pSetLayouts = both};
   *pipeline_layout = OBJECT(VkPipelineLayout, FREE + 1);
   GOOD(vkCreateDescriptorSetLayout, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pSetLayout = &layout);
   GOOD(vkCreatePipelineLayout, .device = DEVICE_OBJECT, .pCreateInfo = &pipeline_info,
        .pPipelineLayout = pipeline_layout);
   return layout;
}

static void test_descriptor_buffer_layouts(void)
{
   const uint32_t buffers[] = {3, 0}, beyond[] = {4, 0};
   const VkDeviceSize offsets[2] = {0};
   VkDeviceSize size;
   VkPipelineLayout both;
   VkDescriptorSetLayout layout = create_buffer_layouts(&both);
   const VkDescriptorSetLayout other = OBJECT(VkDescriptorSetLayout, SET_LAYOUT);
#define OFFSETS .layout = both, .pOffsets = offsets
   GOOD(vkGetDescriptorSetLayoutSizeEXT, .device = DEVICE_OBJECT, .layout = layout, .pLayoutSizeInBytes = &size);
   GOOD(vkGetDescriptorSetLayoutBindingOffsetEXT, .device = DEVICE_OBJECT, .layout = layout, .binding = 2,
        .pOffset = &size);
   GOOD_CMD(vkCmdSetDescriptorBufferOffsetsEXT, OFFSETS, .setCount = 1, .pBufferIndices = buffers);
   BAD("no binding 1", vkGetDescriptorSetLayoutBindingOffsetEXT, .device = DEVICE_OBJECT, .layout = layout,
       .binding = 1, .pOffset = &size);
   BAD("was not created with", vkGetDescriptorSetLayoutBindingOffsetEXT, .device = DEVICE_OBJECT, .layout = other,
       .binding = 0, .pOffset = &size);
   BAD("was not created with", vkGetDescriptorSetLayoutSizeEXT, .device = DEVICE_OBJECT, .layout = other,
       .pLayoutSizeInBytes = &size);
   create_buffer_layouts(&both);
   BAD_CMD("was not created with", vkCmdSetDescriptorBufferOffsetsEXT, OFFSETS, .setCount = 2,
           .pBufferIndices = buffers);
   create_buffer_layouts(&both);
   BAD_CMD("not 1 from 2 on", vkCmdSetDescriptorBufferOffsetsEXT, OFFSETS, .firstSet = 2, .setCount = 1,
           .pBufferIndices = buffers);
   create_buffer_layouts(&both);
   BAD_CMD("maxDescriptorBufferBindings", vkCmdSetDescriptorBufferOffsetsEXT, OFFSETS, .setCount = 1,
           .pBufferIndices = beyond);
   create_buffer_layouts(&both);
   BAD_CMD("was not created with", vkCmdBindDescriptorBufferEmbeddedSamplersEXT, .layout = both);
#undef OFFSETS
}

static void test_descriptor_buffers(void)
{
   const VkDescriptorBufferBindingInfoEXT bindings[5] = {
      {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT},
      {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT},
      {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT},
      {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT},
      {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT},
   };
   const VkDescriptorAddressInfoEXT buffer = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_ADDRESS_INFO_EXT, .address = 4096, .range = 64};
   const VkDescriptorImageInfo nothing = {0};
   const VkSampler none = VK_NULL_HANDLE;
   VkDescriptorGetInfoEXT info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
                                  .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                  .data.pStorageBuffer = &buffer};
   uint8_t bytes[65];
   test_descriptor_buffer_layouts();
   GOOD_CMD(vkCmdBindDescriptorBuffersEXT, .bufferCount = 4, .pBindingInfos = bindings);
   BAD_CMD("maxDescriptorBufferBindings", vkCmdBindDescriptorBuffersEXT, .bufferCount = 5, .pBindingInfos = bindings);
#define GET(SIZE) .device = DEVICE_OBJECT, .pDescriptorInfo = &info, .dataSize = (SIZE), .pDescriptor = bytes
   GOOD(vkGetDescriptorEXT, GET(64));
   BAD("no descriptor has 65 bytes", vkGetDescriptorEXT, GET(65));
   info.type = VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE;
   info.data.pSampledImage = &nothing;
   GOOD(vkGetDescriptorEXT, GET(64));
   info.type = VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT;
   BAD("is missing", vkGetDescriptorEXT, GET(64));
   info.type = VK_DESCRIPTOR_TYPE_SAMPLER;
   info.data.pSampler = &none;
   BAD("is missing", vkGetDescriptorEXT, GET(64));
#undef GET
}

#ifdef VK_EXT_shader_object

static void test_shader_objects(void)
{
   static const uint32_t code[8] = {0x07230203, 0x10000, 0, 100};
   static const uint32_t constant = 7;
   VkSpecializationMapEntry entry = {.size = sizeof(constant)};
   const VkSpecializationInfo constants = {1, &entry, sizeof(constant), &constant};
   VkShaderCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                 .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
                                 .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                 .codeSize = sizeof(code),
                                 .pCode = code,
                                 .pName = "main",
                                 .pSpecializationInfo = &constants};
   VkShaderEXT shader = OBJECT(VkShaderEXT, FREE);
   VkShaderStageFlagBits stage = VK_SHADER_STAGE_FRAGMENT_BIT;
#define CREATE .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info, .pShaders = &shader
   GOOD(vkCreateShadersEXT, CREATE);
   GOOD_CMD(vkCmdBindShadersEXT, .stageCount = 1, .pStages = &stage, .pShaders = &shader);
   GOOD_CMD(vkCmdBindShadersEXT, .stageCount = 1, .pStages = &stage);
   stage = VK_SHADER_STAGE_VERTEX_BIT;
   BAD_CMD("is bound to", vkCmdBindShadersEXT, .stageCount = 1, .pStages = &stage, .pShaders = &shader);
   stage = VK_SHADER_STAGE_RAYGEN_BIT_KHR;
   BAD_CMD("is no stage", vkCmdBindShadersEXT, .stageCount = 1, .pStages = &stage);
   stage = 0;
   BAD_CMD("is no stage", vkCmdBindShadersEXT, .stageCount = 1, .pStages = &stage);
   entry.offset = 1;
   BAD("the specialization data", vkCreateShadersEXT, CREATE);
   entry.offset = 0;
   info.stage = VK_SHADER_STAGE_FRAGMENT_BIT | VK_SHADER_STAGE_VERTEX_BIT;
   BAD("is no stage", vkCreateShadersEXT, CREATE);
   info.stage = VK_SHADER_STAGE_MISS_BIT_KHR;
   BAD("is no stage", vkCreateShadersEXT, CREATE);
   info.stage = VK_SHADER_STAGE_COMPUTE_BIT;
   info.codeSize = 31;
   BAD("31 bytes are no SPIR-V", vkCreateShadersEXT, CREATE);
   info.codeSize = 0;
   info.codeType = VK_SHADER_CODE_TYPE_BINARY_EXT;
   BAD("no code", vkCreateShadersEXT, CREATE);
   info.codeSize = sizeof(code);
   info.codeType = (VkShaderCodeTypeEXT)2;
   BAD("no code of a known type", vkCreateShadersEXT, CREATE);
   info.codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT;
   info.pName = NULL;
   BAD("no name", vkCreateShadersEXT, CREATE);
#undef CREATE
}

/* Drivers copy layouts and linked shaders into tables of their own. */
static void test_layouts_of_shaders(void)
{
   static const uint32_t code[8] = {0x07230203, 0x10000, 0, 100};
   VkDescriptorSetLayout layouts[33];
   const VkPushConstantRange ranges[] = {{VK_SHADER_STAGE_VERTEX_BIT, 252, 4}, {VK_SHADER_STAGE_VERTEX_BIT, 252, 8}};
   const VkShaderCreateInfoEXT plain = {.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                        .flags = VK_SHADER_CREATE_LINK_STAGE_BIT_EXT,
                                        .stage = VK_SHADER_STAGE_VERTEX_BIT,
                                        .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                        .codeSize = sizeof(code),
                                        .pCode = code,
                                        .pName = "main",
                                        .setLayoutCount = 32,
                                        .pSetLayouts = layouts,
                                        .pushConstantRangeCount = 1,
                                        .pPushConstantRanges = ranges};
   VkShaderCreateInfoEXT infos[] = {plain, plain};
   VkShaderEXT shaders[] = {OBJECT(VkShaderEXT, FREE), OBJECT(VkShaderEXT, FREE + 1)};
#define CREATE(COUNT) .device = DEVICE_OBJECT, .createInfoCount = (COUNT), .pCreateInfos = infos, .pShaders = shaders
   for (unsigned i = 0; i < 33; i++)
      layouts[i] = OBJECT(VkDescriptorSetLayout, SET_LAYOUT);
   GOOD(vkCreateShadersEXT, CREATE(1));
   GOOD(vkDestroyShaderEXT, .device = DEVICE_OBJECT, .shader = shaders[0]);
   infos[0].setLayoutCount = 33;
   BAD("maxBoundDescriptorSets", vkCreateShadersEXT, CREATE(1));
   infos[0].setLayoutCount = 32;
   infos[0].pSetLayouts = NULL;
   BAD("layouts", vkCreateShadersEXT, CREATE(1));
   infos[0] = plain;
   infos[0].pushConstantRangeCount = 2;
   BAD("maxPushConstantsSize", vkCreateShadersEXT, CREATE(1));
   infos[0].pPushConstantRanges = NULL;
   BAD("push constants", vkCreateShadersEXT, CREATE(1));
   infos[0] = plain;
   BAD("two shaders for the stage 0x1 are linked", vkCreateShadersEXT, CREATE(2));
   infos[1].stage = VK_SHADER_STAGE_FRAGMENT_BIT;
   GOOD(vkCreateShadersEXT, CREATE(2));
#undef CREATE
}

#endif

static void test_slots(void)
{
   const VkViewport viewports[16] = {{.width = 1}};
   const VkRect2D scissors[16] = {{.extent = {1, 1}}};

   GOOD_CMD(vkCmdSetViewport, .firstViewport = 0, .viewportCount = 16, .pViewports = viewports);
   BAD_CMD("maxViewports", vkCmdSetViewport, .firstViewport = 1, .viewportCount = 16, .pViewports = viewports);
   BAD_CMD("maxViewports", vkCmdSetScissor, .firstScissor = UINT32_MAX, .scissorCount = 2, .pScissors = scissors);
}

int main(void)
{
   open_all();
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
   test_descriptor_buffers();
#ifdef VK_EXT_shader_object
   test_shader_objects();
   test_layouts_of_shaders();
#endif
   session_close();
   return check_finish();
}
