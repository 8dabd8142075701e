/* SPDX-License-Identifier: MIT */
/* Phase 10: all that is made before the first frame, and its end. */

#include "test-app/phase_10_renderer.h"

#include <stdlib.h>
#include <string.h>

#include "test-app/scene.h"
#include "test-app/shaders.h"

#define COLOR_FORMAT VK_FORMAT_R8G8B8A8_UNORM

size_t renderer_picture_size(const struct renderer *r)
{
   return (size_t)r->width * r->height * 4;
}

/* Data into device memory, by way of a staging buffer. */
static bool upload(struct renderer *r, struct app_buffer *buffer, const void *data, VkDeviceSize size,
                   VkBufferUsageFlags usage)
{
   struct app_buffer staging = {0};
   bool good = app_buffer_create(&r->ctx, buffer, size, usage | VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_DEVICE) &&
               app_buffer_create(&r->ctx, &staging, size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, APP_MEMORY_UPLOAD);
   VkCommandBuffer commands = good ? app_commands_begin(&r->ctx) : VK_NULL_HANDLE;
   if (commands) {
      memcpy(staging.map, data, size);
      vkCmdCopyBuffer(commands, staging.handle, buffer->handle, 1, &(VkBufferCopy){0, 0, size});
      app_cmd_barrier(commands);
   }
   good = app_commands_run(&r->ctx, commands);
   app_buffer_destroy(&r->ctx, &staging);
   return good;
}

static bool create_layouts(struct renderer *r)
{
   const VkDescriptorSetLayoutBinding bindings[2] = {
      {0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1, VK_SHADER_STAGE_FRAGMENT_BIT, NULL},
   };
   VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 2,
      .pBindings = bindings,
   };
   const VkPushConstantRange range = {
      VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT,
      0,
      sizeof(struct scene_object),
   };
   const VkDescriptorPoolSize sizes[2] = {
      {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, RENDERER_IN_FLIGHT},
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, RENDERER_IN_FLIGHT},
   };
   VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = RENDERER_IN_FLIGHT,
      .poolSizeCount = 2,
      .pPoolSizes = sizes,
   };
   if (!VK_CHECK(r->test, vkCreateDescriptorSetLayout(r->ctx.device, &set_info, NULL, &r->set_layout)) ||
       !VK_CHECK(r->test, vkCreateDescriptorPool(r->ctx.device, &pool_info, NULL, &r->pool)))
      return false;
   VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &r->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &range,
   };
   return VK_CHECK(r->test, vkCreatePipelineLayout(r->ctx.device, &layout_info, NULL, &r->layout));
}

static bool create_pass(struct renderer *r)
{
   const VkAttachmentDescription attachments[2] = {
      {
         .format = COLOR_FORMAT,
         .samples = VK_SAMPLE_COUNT_1_BIT,
         .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
         .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
         .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
         .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
         .finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
      },
      {
         .format = r->depth_format,
         .samples = VK_SAMPLE_COUNT_1_BIT,
         .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
         .storeOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
         .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
         .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
         .finalLayout = VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL,
      },
   };
   const VkAttachmentReference color = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
   const VkAttachmentReference depth = {1, VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL};
   VkSubpassDescription subpass = {
      .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
      .pDepthStencilAttachment = &depth,
   };
   const VkSubpassDependency after = {
      .srcSubpass = 0,
      .dstSubpass = VK_SUBPASS_EXTERNAL,
      .srcStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
      .dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT,
      .srcAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
   };
   VkRenderPassCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = 2,
      .pAttachments = attachments,
      .subpassCount = 1,
      .pSubpasses = &subpass,
      .dependencyCount = 1,
      .pDependencies = &after,
   };
   return VK_CHECK(r->test, vkCreateRenderPass(r->ctx.device, &info, NULL, &r->pass));
}

/* For the render pass, or for dynamic rendering where `pass` is null. */
static bool create_pipeline(struct renderer *r, VkRenderPass pass, VkPipeline *pipeline)
{
   const VkFormat color_format = COLOR_FORMAT;
   VkPipelineRenderingCreateInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &color_format,
      .depthAttachmentFormat = r->depth_format,
   };
   VkShaderModule vertex = app_shader_module(&r->ctx, &shader_scene_vert);
   VkShaderModule fragment = app_shader_module(&r->ctx, &shader_scene_frag);
   const VkPipelineShaderStageCreateInfo stages[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_VERTEX_BIT,
         .module = vertex,
         .pName = "main",
      },
      {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
         .module = fragment,
         .pName = "main",
      },
   };
   const VkVertexInputBindingDescription binding = {0, sizeof(struct scene_vertex), VK_VERTEX_INPUT_RATE_VERTEX};
   const VkVertexInputAttributeDescription attributes[3] = {
      {0, 0, VK_FORMAT_R32G32B32_SFLOAT, offsetof(struct scene_vertex, position)},
      {1, 0, VK_FORMAT_R32G32B32_SFLOAT, offsetof(struct scene_vertex, normal)},
      {2, 0, VK_FORMAT_R32G32_SFLOAT, offsetof(struct scene_vertex, coordinate)},
   };
   VkPipelineVertexInputStateCreateInfo input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
      .vertexBindingDescriptionCount = 1,
      .pVertexBindingDescriptions = &binding,
      .vertexAttributeDescriptionCount = 3,
      .pVertexAttributeDescriptions = attributes,
   };
   VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
   };
   VkPipelineViewportStateCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .scissorCount = 1,
   };
   VkPipelineRasterizationStateCreateInfo raster = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .lineWidth = 1.0f,
   };
   VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   VkPipelineDepthStencilStateCreateInfo depth = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO,
      .depthTestEnable = VK_TRUE,
      .depthWriteEnable = VK_TRUE,
      .depthCompareOp = VK_COMPARE_OP_LESS,
   };
   const VkPipelineColorBlendAttachmentState attachment = {.colorWriteMask = 0xf};
   VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
   };
   const VkDynamicState dynamic_states[2] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
   VkPipelineDynamicStateCreateInfo dynamic = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
      .dynamicStateCount = 2,
      .pDynamicStates = dynamic_states,
   };
   VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = pass ? NULL : &rendering,
      .stageCount = 2,
      .pStages = stages,
      .pVertexInputState = &input,
      .pInputAssemblyState = &assembly,
      .pViewportState = &view,
      .pRasterizationState = &raster,
      .pMultisampleState = &samples,
      .pDepthStencilState = &depth,
      .pColorBlendState = &blend,
      .pDynamicState = &dynamic,
      .layout = r->layout,
      .renderPass = pass,
   };
   bool good = vertex && fragment &&
               VK_CHECK(r->test, vkCreateGraphicsPipelines(r->ctx.device, VK_NULL_HANDLE, 1, &info, NULL, pipeline));
   vkDestroyShaderModule(r->ctx.device, fragment, NULL);
   vkDestroyShaderModule(r->ctx.device, vertex, NULL);
   return good;
}

static bool create_targets(struct renderer *r, struct renderer_slot *slot)
{
   VkImageCreateInfo color = app_image_info(COLOR_FORMAT, r->width, r->height,
                                            VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
   VkImageCreateInfo depth =
      app_image_info(r->depth_format, r->width, r->height, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT);
   if (!app_image_create(&r->ctx, &slot->color, &color, VK_IMAGE_ASPECT_COLOR_BIT) ||
       !app_image_create(&r->ctx, &slot->depth, &depth, VK_IMAGE_ASPECT_DEPTH_BIT) ||
       !app_buffer_create(&r->ctx, &slot->readback, renderer_picture_size(r), VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                          APP_MEMORY_READBACK))
      return false;
   const VkImageView views[2] = {slot->color.view, slot->depth.view};
   VkFramebufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
      .renderPass = r->pass,
      .attachmentCount = 2,
      .pAttachments = views,
      .width = r->width,
      .height = r->height,
      .layers = 1,
   };
   return VK_CHECK(r->test, vkCreateFramebuffer(r->ctx.device, &info, NULL, &slot->framebuffer));
}

static bool create_slot(struct renderer *r, struct renderer_slot *slot, uint32_t index)
{
   VkDescriptorSetAllocateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = r->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &r->set_layout,
   };
   VkCommandBufferAllocateInfo commands_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = r->ctx.pool,
      .commandBufferCount = 1,
   };
   if (!create_targets(r, slot) || !VK_CHECK(r->test, vkAllocateDescriptorSets(r->ctx.device, &set_info, &slot->set)) ||
       !VK_CHECK(r->test, vkAllocateCommandBuffers(r->ctx.device, &commands_info, &slot->commands)))
      return false;
   slot->fence = app_fence_create(&r->ctx, 0);
   if (!slot->fence)
      return false;
   const VkDescriptorBufferInfo uniform = {r->uniforms.handle, index * RENDERER_UNIFORM_STRIDE,
                                           sizeof(struct scene_frame)};
   const VkDescriptorImageInfo texture = {r->sampler, r->texture.view, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
   const VkWriteDescriptorSet writes[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = slot->set,
         .dstBinding = 0,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
         .pBufferInfo = &uniform,
      },
      {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = slot->set,
         .dstBinding = 1,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
         .pImageInfo = &texture,
      },
   };
   vkUpdateDescriptorSets(r->ctx.device, 2, writes, 0, NULL);
   return true;
}

static VkFormat choose_depth_format(struct app_context *ctx)
{
   static const VkFormat formats[] = {VK_FORMAT_D32_SFLOAT, VK_FORMAT_X8_D24_UNORM_PACK32, VK_FORMAT_D16_UNORM};
   for (uint32_t i = 0; i + 1 < APP_COUNT(formats); i++) {
      VkFormatProperties found;
      vkGetPhysicalDeviceFormatProperties(ctx->physical, formats[i], &found);
      if (found.optimalTilingFeatures & VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT)
         return formats[i];
   }
   return VK_FORMAT_D16_UNORM; /* which every device has */
}

bool renderer_create(struct app_test *t, struct renderer *r)
{
   r->test = t;
   r->width = t->options->width;
   r->height = t->options->height;
   r->first = malloc(renderer_picture_size(r));
   r->previous = malloc(renderer_picture_size(r));
   r->pass_first = malloc(renderer_picture_size(r));
   r->hashes = calloc(t->options->frames, sizeof(*r->hashes));
   if (!CHECK(t, r->first && r->previous && r->pass_first && r->hashes) || !app_context_create(t, &r->ctx) ||
       !CHECK(t, r->ctx.queues[0].flags & VK_QUEUE_GRAPHICS_BIT))
      return false;
   r->depth_format = choose_depth_format(&r->ctx);
   scene_build(&r->geometry);
   if (!upload(r, &r->vertices, r->geometry.vertices, r->geometry.vertex_count * sizeof(r->geometry.vertices[0]),
               VK_BUFFER_USAGE_VERTEX_BUFFER_BIT) ||
       !upload(r, &r->indices, r->geometry.indices, r->geometry.index_count * sizeof(r->geometry.indices[0]),
               VK_BUFFER_USAGE_INDEX_BUFFER_BIT) ||
       !app_buffer_create(&r->ctx, &r->uniforms, RENDERER_IN_FLIGHT * RENDERER_UNIFORM_STRIDE,
                          VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT, APP_MEMORY_UPLOAD) ||
       !renderer_create_texture(r) || !create_layouts(r) || !create_pass(r) ||
       !create_pipeline(r, r->pass, &r->pipelines[0]))
      return false;
   if (r->ctx.has_dynamic_rendering && !create_pipeline(r, VK_NULL_HANDLE, &r->pipelines[1]))
      return false;
   for (uint32_t i = 0; i < RENDERER_IN_FLIGHT; i++) {
      if (!create_slot(r, &r->slots[i], i))
         return false;
   }
   return true;
}

void renderer_destroy(struct renderer *r)
{
   VkDevice device = r->ctx.device;
   if (device) {
      VK_CHECK(r->test, vkDeviceWaitIdle(device));
      for (uint32_t i = 0; i < RENDERER_IN_FLIGHT; i++) {
         vkDestroyFence(device, r->slots[i].fence, NULL);
         vkDestroyFramebuffer(device, r->slots[i].framebuffer, NULL);
         app_buffer_destroy(&r->ctx, &r->slots[i].readback);
         app_image_destroy(&r->ctx, &r->slots[i].depth);
         app_image_destroy(&r->ctx, &r->slots[i].color);
      }
      for (uint32_t i = 0; i < 2; i++)
         vkDestroyPipeline(device, r->pipelines[i], NULL);
      vkDestroyRenderPass(device, r->pass, NULL);
      vkDestroyPipelineLayout(device, r->layout, NULL);
      vkDestroyDescriptorPool(device, r->pool, NULL);
      vkDestroyDescriptorSetLayout(device, r->set_layout, NULL);
      vkDestroySampler(device, r->sampler, NULL);
      app_image_destroy(&r->ctx, &r->texture);
      app_buffer_destroy(&r->ctx, &r->uniforms);
      app_buffer_destroy(&r->ctx, &r->indices);
      app_buffer_destroy(&r->ctx, &r->vertices);
   }
   app_context_destroy(&r->ctx);
   free(r->hashes);
   free(r->pass_first);
   free(r->previous);
   free(r->first);
}
