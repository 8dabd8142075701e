/* SPDX-License-Identifier: MIT */

/* What venus-bench draws and computes with: targets, pipelines, sets. */

#include <stdint.h>

#include "bench_draw.vert.h"
#include "tools/bench.h"

#define FORMAT VK_FORMAT_R8G8B8A8_UNORM

void bench_target_init(const struct bench_device *on, struct bench_target *target, uint32_t width, uint32_t height,
                       uint32_t layers)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = FORMAT,
      .extent = {width, height, 1},
      .mipLevels = 1,
      .arrayLayers = layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
   };
   VkMemoryRequirements requirements;
   VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};

   *target = (struct bench_target){.width = width, .height = height, .layers = layers};
   VK(vkCreateImage(on->device, &info, NULL, &target->image));
   vkGetImageMemoryRequirements(on->device, target->image, &requirements);
   memory_info.allocationSize = requirements.size;
   memory_info.memoryTypeIndex =
      bench_memory_type(on, requirements.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, 0);
   VK(vkAllocateMemory(on->device, &memory_info, NULL, &target->memory));
   VK(vkBindImageMemory(on->device, target->image, target->memory, 0));

   const VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = target->image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D_ARRAY,
      .format = FORMAT,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, layers},
   };
   VK(vkCreateImageView(on->device, &view_info, NULL, &target->view));
}

void bench_target_finish(const struct bench_device *on, struct bench_target *target)
{
   vkDestroyImageView(on->device, target->view, NULL);
   vkDestroyImage(on->device, target->image, NULL);
   vkFreeMemory(on->device, target->memory, NULL);
}

/* A single layer is no view of a multiview rendering. */
static uint32_t view_mask(const struct bench_target *target)
{
   return target->layers > 1 ? (1u << target->layers) - 1 : 0;
}

static void to_layout(const struct bench_slot *slot, const struct bench_target *target, VkImageLayout from,
                      VkImageLayout to, VkAccessFlags access)
{
   const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = access,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = target->image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, target->layers},
   };
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0,
                        NULL, 0, NULL, 1, &barrier);
}

void bench_target_begin(const struct bench_slot *slot, const struct bench_target *target)
{
   const VkRenderingAttachmentInfo color = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = target->view,
      .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
   };
   const VkRenderingInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = {{0, 0}, {target->width, target->height}},
      .layerCount = 1,
      .viewMask = view_mask(target),
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
   };
   to_layout(slot, target, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
             VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT);
   vkCmdBeginRendering(slot->commands, &info);
}

void bench_target_end(const struct bench_slot *slot)
{
   vkCmdEndRendering(slot->commands);
}

void bench_target_copy(const struct bench_slot *slot, const struct bench_target *target, VkBuffer to, uint32_t width,
                       uint32_t height)
{
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {width, height, 1},
   };
   to_layout(slot, target, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
             VK_ACCESS_TRANSFER_READ_BIT);
   vkCmdCopyImageToBuffer(slot->commands, target->image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, to, 1, &region);
}

/* --- pipelines --- */

void bench_drawing_init(const struct bench_device *on, struct bench_drawing *drawing, const struct bench_target *target,
                        VkPipelineLayout layout, const uint32_t *fragment, size_t fragment_size)
{
   *drawing = (struct bench_drawing){
      .target = target,
      .layout = layout,
      .vertex = bench_shader(on, draw_vert_shader, sizeof(draw_vert_shader)),
      .fragment = bench_shader(on, fragment, fragment_size),
   };
}

void bench_drawing_finish(const struct bench_device *on, struct bench_drawing *drawing)
{
   vkDestroyShaderModule(on->device, drawing->vertex, NULL);
   vkDestroyShaderModule(on->device, drawing->fragment, NULL);
}

static const VkSpecializationMapEntry constant_0 = {0, 0, sizeof(uint32_t)};

static VkPipelineShaderStageCreateInfo shader_stage(VkShaderStageFlagBits stage, VkShaderModule module,
                                                    const VkSpecializationInfo *constants)
{
   return (VkPipelineShaderStageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage = stage,
      .module = module,
      .pName = "main",
      .pSpecializationInfo = constants,
   };
}

VkPipeline bench_drawing_pipeline(const struct bench_device *on, const struct bench_drawing *drawing)
{
   const struct bench_target *target = drawing->target;
   const VkSpecializationInfo vertex_constants = {1, &constant_0, sizeof(drawing->from_set), &drawing->from_set};
   const VkSpecializationInfo fragment_constants = {1, &constant_0, sizeof(drawing->seed), &drawing->seed};
   const VkPipelineShaderStageCreateInfo stages[] = {
      shader_stage(VK_SHADER_STAGE_VERTEX_BIT, drawing->vertex, &vertex_constants),
      shader_stage(VK_SHADER_STAGE_FRAGMENT_BIT, drawing->fragment, &fragment_constants),
   };
   const VkPipelineVertexInputStateCreateInfo vertex_input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
   const VkViewport viewport = {0, 0, (float)target->width, (float)target->height, 0, 1};
   const VkRect2D scissor = {{0, 0}, {target->width, target->height}};
   const VkPipelineViewportStateCreateInfo viewports = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .pViewports = &viewport,
      .scissorCount = 1,
      .pScissors = &scissor,
   };
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .lineWidth = 1};
   const VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO, .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
   const VkPipelineColorBlendAttachmentState blend = {.colorWriteMask = 0xf};
   const VkPipelineColorBlendStateCreateInfo blends = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO, .attachmentCount = 1, .pAttachments = &blend};
   const VkFormat format = FORMAT;
   const VkPipelineRenderingCreateInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .viewMask = view_mask(target),
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &format,
   };
   const VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = &rendering,
      .stageCount = 2,
      .pStages = stages,
      .pVertexInputState = &vertex_input,
      .pInputAssemblyState = &assembly,
      .pViewportState = &viewports,
      .pRasterizationState = &rasterization,
      .pMultisampleState = &samples,
      .pColorBlendState = &blends,
      .layout = drawing->layout,
   };
   VkPipeline pipeline;
   VK(vkCreateGraphicsPipelines(on->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   return pipeline;
}

VkPipeline bench_compute_pipeline(const struct bench_device *on, VkPipelineCreateFlags flags, VkPipelineLayout layout,
                                  VkShaderModule module, uint32_t seed)
{
   const VkSpecializationInfo constants = {1, &constant_0, sizeof(seed), &seed};
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = flags,
      .stage = shader_stage(VK_SHADER_STAGE_COMPUTE_BIT, module, &constants),
      .layout = layout,
   };
   VkPipeline pipeline;
   VK(vkCreateComputePipelines(on->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   return pipeline;
}

/* --- sets --- */

void bench_set_init(const struct bench_device *on, struct bench_set *set, VkDescriptorType type, uint32_t buffers,
                    uint32_t count, VkPushConstantRange push)
{
   VkDescriptorSetLayoutBinding bindings[BENCH_SET_BUFFERS];
   const VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = buffers, .pBindings = bindings};
   const VkDescriptorPoolSize size = {type, count * buffers};
   const VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                                 .maxSets = count,
                                                 .poolSizeCount = 1,
                                                 .pPoolSizes = &size};

   *set = (struct bench_set){.type = type, .buffers = buffers};
   for (uint32_t i = 0; i < buffers; i++)
      bindings[i] = (VkDescriptorSetLayoutBinding){i, type, 1, push.stageFlags, NULL};
   VK(vkCreateDescriptorSetLayout(on->device, &set_info, NULL, &set->set_layout));
   VK(vkCreateDescriptorPool(on->device, &pool_info, NULL, &set->pool));
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &set->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &push,
   };
   VK(vkCreatePipelineLayout(on->device, &layout_info, NULL, &set->layout));
}

VkDescriptorSet bench_set_new(const struct bench_device *on, const struct bench_set *set,
                              const VkDescriptorBufferInfo *buffers)
{
   const VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = set->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &set->set_layout,
   };
   VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .descriptorCount = set->buffers, /* goes on with the next binding */
      .descriptorType = set->type,
      .pBufferInfo = buffers,
   };
   VK(vkAllocateDescriptorSets(on->device, &info, &write.dstSet));
   vkUpdateDescriptorSets(on->device, 1, &write, 0, NULL);
   return write.dstSet;
}

void bench_set_finish(const struct bench_device *on, struct bench_set *set)
{
   vkDestroyPipelineLayout(on->device, set->layout, NULL);
   vkDestroyDescriptorPool(on->device, set->pool, NULL);
   vkDestroyDescriptorSetLayout(on->device, set->set_layout, NULL);
}
