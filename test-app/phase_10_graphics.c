/* SPDX-License-Identifier: MIT */
/* Phase 10: an animated scene, drawn without a window: textured and lit objects, a depth buffer, a texture whose
 * smaller levels the device makes itself. Drawn once in a render pass and, where the device has Vulkan 1.3, once with
 * dynamic rendering; two frames are in flight. A steady frame only records, submits, waits for a fence and reads mapped
 * memory: nothing in it asks the driver for an answer. Each picture is checked and written as a PNG. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"
#include "test-app/scene.h"
#include "test-app/shaders.h"

#define IN_FLIGHT 2
#define TEXTURE_LEVELS 9
#define UNIFORM_STRIDE 256 /* Vulkan never asks for more alignment */
#define COLOR_FORMAT VK_FORMAT_R8G8B8A8_UNORM

static const uint8_t ground[4] = {51, 102, 153, 255}; /* what an untouched pixel holds */
static const VkClearValue clear_values[2] = {
   {.color = {.float32 = {0.2f, 0.4f, 0.6f, 1.0f}}},
   {.depthStencil = {1.0f, 0}},
};

/* What one frame in flight needs for itself. */
struct slot {
   struct app_image color;
   struct app_image depth;
   struct app_buffer readback;
   VkFramebuffer framebuffer; /* for the render pass only */
   VkDescriptorSet set;
   VkCommandBuffer commands;
   VkFence fence;
};

struct renderer {
   struct app_context ctx;
   struct app_test *test;
   uint32_t width;
   uint32_t height;
   VkFormat depth_format;
   struct scene_geometry geometry;
   struct app_buffer vertices;
   struct app_buffer indices;
   struct app_buffer uniforms; /* one struct scene_frame for each slot, mapped for good */
   struct app_image texture;
   VkSampler sampler;
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool pool;
   VkPipelineLayout layout;
   VkRenderPass pass;
   VkPipeline pipelines[2]; /* for the render pass, for dynamic rendering */
   struct slot slots[IN_FLIGHT];
   uint8_t *first;      /* frame 0 of the sequence under way */
   uint8_t *previous;   /* the frame before */
   uint8_t *pass_first; /* frame 0 of the render pass */
   uint64_t *hashes;    /* of all frames of the sequence under way */
};

static size_t picture_size(const struct renderer *r)
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

static void cmd_level_layout(VkCommandBuffer commands, VkImage image, uint32_t level, VkImageLayout from,
                             VkAccessFlags from_access, VkImageLayout to, VkAccessFlags to_access,
                             VkPipelineStageFlags to_stage)
{
   VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = from_access,
      .dstAccessMask = to_access,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, level, 1, 0, 1},
   };
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, to_stage, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static VkBufferImageCopy level_copy(uint32_t level, VkDeviceSize offset)
{
   return (VkBufferImageCopy){
      .bufferOffset = offset,
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
      .imageExtent = {SCENE_TEXTURE >> level, SCENE_TEXTURE >> level, 1},
   };
}

/* Level 0 from the buffer, each other level from the one above it by a blit, all levels back behind the first. */
static void cmd_make_levels(VkCommandBuffer commands, VkImage image, VkBuffer buffer)
{
   VkBufferImageCopy copy = level_copy(0, 0);
   VkDeviceSize offset = SCENE_TEXTURE * SCENE_TEXTURE * 4;
   app_cmd_image_layout(commands, image, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
   vkCmdCopyBufferToImage(commands, buffer, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
   for (uint32_t level = 0; level < TEXTURE_LEVELS; level++) {
      int32_t size = SCENE_TEXTURE >> level;
      VkImageBlit blit = {
         .srcSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
         .srcOffsets = {{0, 0, 0}, {size, size, 1}},
         .dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level + 1, 0, 1},
         .dstOffsets = {{0, 0, 0}, {size / 2, size / 2, 1}},
      };
      cmd_level_layout(commands, image, level, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
                       VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT,
                       VK_PIPELINE_STAGE_TRANSFER_BIT);
      if (level + 1 < TEXTURE_LEVELS)
         vkCmdBlitImage(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, image,
                        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &blit, VK_FILTER_LINEAR);
      copy = level_copy(level, offset);
      vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, buffer, 1, &copy);
      offset += (VkDeviceSize)size * size * 4;
   }
   for (uint32_t level = 0; level < TEXTURE_LEVELS; level++)
      cmd_level_layout(commands, image, level, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, 0,
                       VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_ACCESS_SHADER_READ_BIT,
                       VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT);
   app_cmd_barrier(commands);
}

/* Level 0 is what was painted; each smaller one is the mean of four texels of the level above, give or take rounding.
 * All levels follow each other. */
static void check_levels(struct renderer *r, const uint8_t *painted, const uint8_t *levels)
{
   const uint8_t *above = levels;
   uint32_t size = SCENE_TEXTURE;
   if (!CHECK(r->test, levels != NULL))
      return;
   CHECK_BYTES(r->test, painted, levels, SCENE_TEXTURE * SCENE_TEXTURE * 4);
   for (uint32_t level = 1; level < TEXTURE_LEVELS; level++) {
      const uint8_t *now = above + (size_t)size * size * 4;
      bool good = true;
      uint32_t half = size / 2;
      for (uint32_t i = 0; i < half * half * 4; i++) {
         const uint8_t *corner = above + ((size_t)(i / 4 / half) * 2 * size + i / 4 % half * 2) * 4 + i % 4;
         int sum = corner[0] + corner[4] + corner[size * 4] + corner[size * 4 + 4];
         good &= abs(4 * now[i] - sum) <= 8;
      }
      CHECK(r->test, good);
      above = now;
      size = half;
   }
}

static bool create_texture(struct renderer *r)
{
   VkImageCreateInfo info =
      app_image_info(VK_FORMAT_R8G8B8A8_UNORM, SCENE_TEXTURE, SCENE_TEXTURE,
                     VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   const size_t painted = SCENE_TEXTURE * SCENE_TEXTURE * 4;
   struct app_buffer staging = {0};
   bool good;
   info.mipLevels = TEXTURE_LEVELS;
   good = app_image_create(&r->ctx, &r->texture, &info, VK_IMAGE_ASPECT_COLOR_BIT) &&
          app_buffer_create(&r->ctx, &staging, 3 * painted,
                            VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT, APP_MEMORY_READBACK);
   VkCommandBuffer commands = good ? app_commands_begin(&r->ctx) : VK_NULL_HANDLE;
   if (commands) {
      scene_paint(staging.map);
      cmd_make_levels(commands, r->texture.handle, staging.handle);
   }
   good = app_commands_run(&r->ctx, commands);
   if (good)
      check_levels(r, staging.map, (const uint8_t *)staging.map + painted);
   app_buffer_destroy(&r->ctx, &staging);
   if (!good)
      return false;
   VkSamplerCreateInfo sampler = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .magFilter = VK_FILTER_LINEAR,
      .minFilter = VK_FILTER_LINEAR,
      .mipmapMode = VK_SAMPLER_MIPMAP_MODE_LINEAR,
      .maxLod = VK_LOD_CLAMP_NONE,
   };
   return VK_CHECK(r->test, vkCreateSampler(r->ctx.device, &sampler, NULL, &r->sampler));
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
      {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, IN_FLIGHT},
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, IN_FLIGHT},
   };
   VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = IN_FLIGHT,
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

static bool create_targets(struct renderer *r, struct slot *slot)
{
   VkImageCreateInfo color = app_image_info(COLOR_FORMAT, r->width, r->height,
                                            VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
   VkImageCreateInfo depth =
      app_image_info(r->depth_format, r->width, r->height, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT);
   if (!app_image_create(&r->ctx, &slot->color, &color, VK_IMAGE_ASPECT_COLOR_BIT) ||
       !app_image_create(&r->ctx, &slot->depth, &depth, VK_IMAGE_ASPECT_DEPTH_BIT) ||
       !app_buffer_create(&r->ctx, &slot->readback, picture_size(r), VK_BUFFER_USAGE_TRANSFER_DST_BIT,
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

static bool create_slot(struct renderer *r, struct slot *slot, uint32_t index)
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
   VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   if (!create_targets(r, slot) || !VK_CHECK(r->test, vkAllocateDescriptorSets(r->ctx.device, &set_info, &slot->set)) ||
       !VK_CHECK(r->test, vkAllocateCommandBuffers(r->ctx.device, &commands_info, &slot->commands)) ||
       !VK_CHECK(r->test, vkCreateFence(r->ctx.device, &fence_info, NULL, &slot->fence)))
      return false;
   const VkDescriptorBufferInfo uniform = {r->uniforms.handle, index * UNIFORM_STRIDE, sizeof(struct scene_frame)};
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

static bool renderer_create(struct app_test *t, struct renderer *r)
{
   r->test = t;
   r->width = t->options->width;
   r->height = t->options->height;
   r->first = malloc(picture_size(r));
   r->previous = malloc(picture_size(r));
   r->pass_first = malloc(picture_size(r));
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
       !app_buffer_create(&r->ctx, &r->uniforms, IN_FLIGHT * UNIFORM_STRIDE, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
                          APP_MEMORY_UPLOAD) ||
       !create_texture(r) || !create_layouts(r) || !create_pass(r) || !create_pipeline(r, r->pass, &r->pipelines[0]))
      return false;
   if (r->ctx.has_dynamic_rendering && !create_pipeline(r, VK_NULL_HANDLE, &r->pipelines[1]))
      return false;
   for (uint32_t i = 0; i < IN_FLIGHT; i++) {
      if (!create_slot(r, &r->slots[i], i))
         return false;
   }
   return true;
}

static void renderer_destroy(struct renderer *r)
{
   VkDevice device = r->ctx.device;
   if (device) {
      VK_CHECK(r->test, vkDeviceWaitIdle(device));
      for (uint32_t i = 0; i < IN_FLIGHT; i++) {
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

static void cmd_draw_scene(struct renderer *r, const struct slot *slot, VkPipeline pipeline, uint32_t frame)
{
   const VkShaderStageFlags both = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT;
   const VkViewport viewport = {0.0f, 0.0f, (float)r->width, (float)r->height, 0.0f, 1.0f};
   const VkRect2D scissor = {{0, 0}, {r->width, r->height}};
   const VkDeviceSize zero = 0;
   struct scene_object objects[SCENE_OBJECTS];
   enum scene_mesh meshes[SCENE_OBJECTS];
   scene_objects_at(frame, objects, meshes);
   vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
   vkCmdSetViewport(slot->commands, 0, 1, &viewport);
   vkCmdSetScissor(slot->commands, 0, 1, &scissor);
   vkCmdBindDescriptorSets(slot->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, r->layout, 0, 1, &slot->set, 0, NULL);
   vkCmdBindVertexBuffers(slot->commands, 0, 1, &r->vertices.handle, &zero);
   vkCmdBindIndexBuffer(slot->commands, r->indices.handle, 0, VK_INDEX_TYPE_UINT16);
   for (uint32_t i = 0; i < SCENE_OBJECTS; i++) {
      vkCmdPushConstants(slot->commands, r->layout, both, 0, sizeof(objects[i]), &objects[i]);
      vkCmdDrawIndexed(slot->commands, r->geometry.meshes[meshes[i]].index_count, 1,
                       r->geometry.meshes[meshes[i]].first_index, r->geometry.meshes[meshes[i]].first_vertex, 0);
   }
}

static void cmd_render_pass(struct renderer *r, const struct slot *slot, uint32_t frame)
{
   VkRenderPassBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .renderPass = r->pass,
      .framebuffer = slot->framebuffer,
      .renderArea = {{0, 0}, {r->width, r->height}},
      .clearValueCount = 2,
      .pClearValues = clear_values,
   };
   vkCmdBeginRenderPass(slot->commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
   cmd_draw_scene(r, slot, r->pipelines[0], frame);
   vkCmdEndRenderPass(slot->commands);
}

static VkImageMemoryBarrier target_barrier(VkImage image, VkImageAspectFlags aspect, VkAccessFlags from_access,
                                           VkImageLayout from, VkAccessFlags to_access, VkImageLayout to)
{
   return (VkImageMemoryBarrier){
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = from_access,
      .dstAccessMask = to_access,
      .oldLayout = from,
      .newLayout = to,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = image,
      .subresourceRange = {aspect, 0, 1, 0, 1},
   };
}

static void cmd_dynamic(struct renderer *r, const struct slot *slot, uint32_t frame)
{
   const VkPipelineStageFlags tests =
      VK_PIPELINE_STAGE_EARLY_FRAGMENT_TESTS_BIT | VK_PIPELINE_STAGE_LATE_FRAGMENT_TESTS_BIT;
   const VkImageMemoryBarrier before[2] = {
      target_barrier(slot->color.handle, VK_IMAGE_ASPECT_COLOR_BIT, 0, VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL),
      target_barrier(slot->depth.handle, VK_IMAGE_ASPECT_DEPTH_BIT, 0, VK_IMAGE_LAYOUT_UNDEFINED,
                     VK_ACCESS_DEPTH_STENCIL_ATTACHMENT_READ_BIT | VK_ACCESS_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT,
                     VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL),
   };
   const VkImageMemoryBarrier after = target_barrier(
      slot->color.handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT,
      VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   VkRenderingAttachmentInfo color = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = slot->color.view,
      .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .clearValue = clear_values[0],
   };
   VkRenderingAttachmentInfo depth = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = slot->depth.view,
      .imageLayout = VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .clearValue = clear_values[1],
   };
   VkRenderingInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = {{0, 0}, {r->width, r->height}},
      .layerCount = 1,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
      .pDepthAttachment = &depth,
   };
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT | tests,
                        VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT | tests, 0, 0, NULL, 0, NULL, 2, before);
   vkCmdBeginRendering(slot->commands, &info);
   cmd_draw_scene(r, slot, r->pipelines[1], frame);
   vkCmdEndRendering(slot->commands);
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        0, 0, NULL, 0, NULL, 1, &after);
}

static void cmd_read_back(struct renderer *r, const struct slot *slot)
{
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {r->width, r->height, 1},
   };
   const VkBufferMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .buffer = slot->readback.handle,
      .size = VK_WHOLE_SIZE,
   };
   vkCmdCopyImageToBuffer(slot->commands, slot->color.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                          slot->readback.handle, 1, &region);
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 0, NULL, 1,
                        &barrier, 0, NULL);
}

/* Writes the uniforms of this frame, records, submits. The slot is idle. */
static bool start_frame(struct renderer *r, bool dynamic, uint32_t frame, uint32_t slot_index)
{
   struct slot *slot = &r->slots[slot_index];
   struct scene_frame uniforms;
   VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &slot->commands,
   };
   scene_frame_at(frame, (float)r->width / (float)r->height, &uniforms);
   memcpy((uint8_t *)r->uniforms.map + slot_index * UNIFORM_STRIDE, &uniforms, sizeof(uniforms));
   if (!VK_CHECK(r->test, vkBeginCommandBuffer(slot->commands, &begin)))
      return false;
   if (dynamic)
      cmd_dynamic(r, slot, frame);
   else
      cmd_render_pass(r, slot, frame);
   cmd_read_back(r, slot);
   return VK_CHECK(r->test, vkEndCommandBuffer(slot->commands)) &&
          VK_CHECK(r->test, vkQueueSubmit(r->ctx.queues[0].handle, 1, &submit, slot->fence));
}

static bool finish_frame(struct renderer *r, uint32_t slot_index)
{
   VkFence fence = r->slots[slot_index].fence;
   return VK_CHECK(r->test, vkWaitForFences(r->ctx.device, 1, &fence, VK_TRUE, APP_WAIT_NS)) &&
          VK_CHECK(r->test, vkResetFences(r->ctx.device, 1, &fence));
}

static const uint8_t *pixel_at(const struct renderer *r, const uint8_t *picture, float x, float y)
{
   uint32_t column = (uint32_t)((x * 0.5f + 0.5f) * (float)r->width);
   uint32_t row = (uint32_t)((y * 0.5f + 0.5f) * (float)r->height);
   return picture + ((size_t)row * r->width + column) * 4;
}

/* The green marker was drawn after the red one, but lies behind it. */
static void check_markers(struct renderer *r, const uint8_t *picture)
{
   const float middle = SCENE_MARKER_CENTRE;
   const float rim = (SCENE_MARKER_RED + SCENE_MARKER_GREEN) / 2.0f;
   static const uint8_t red[4] = {255, 0, 0, 255};
   static const uint8_t green[4] = {0, 255, 0, 255};
   CHECK_BYTES(r->test, red, pixel_at(r, picture, middle, middle), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle + rim, middle), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle - rim, middle), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle, middle + rim), 4);
   CHECK_BYTES(r->test, green, pixel_at(r, picture, middle, middle - rim), 4);
   CHECK_BYTES(r->test, ground, pixel_at(r, picture, 0.97f, -0.97f), 4);
}

/* A good part of the picture is covered, in many colours, and nothing is transparent. */
static void check_picture(struct renderer *r, const uint8_t *picture)
{
   bool seen[4096] = {false};
   uint32_t colors = 0;
   uint32_t covered = 0;
   uint32_t opaque = 0;
   const uint32_t pixels = r->width * r->height;
   for (uint32_t i = 0; i < pixels; i++) {
      const uint8_t *p = picture + (size_t)i * 4;
      uint32_t color = (uint32_t)(p[0] >> 4) << 8 | (uint32_t)(p[1] >> 4) << 4 | p[2] >> 4;
      colors += !seen[color];
      seen[color] = true;
      covered += memcmp(p, ground, 4) != 0;
      opaque += p[3] == 255;
   }
   CHECK(r->test, covered > pixels / 8 && covered < pixels - pixels / 16);
   CHECK(r->test, colors >= 64);
   CHECK_EQ(r->test, pixels, opaque);
   check_markers(r, picture);
}

static uint64_t hash_picture(const struct renderer *r, const uint8_t *picture)
{
   uint64_t hash = UINT64_C(0xcbf29ce484222325);
   for (size_t i = 0; i < picture_size(r); i += 4) {
      uint32_t pixel;
      memcpy(&pixel, picture + i, sizeof(pixel));
      hash = (hash ^ pixel) * UINT64_C(0x100000001b3);
   }
   return hash;
}

static void take_picture(struct renderer *r, const char *name, uint32_t frame, const uint8_t *mapped)
{
   char path[4096];
   const size_t size = picture_size(r);
   check_picture(r, mapped);
   r->hashes[frame] = hash_picture(r, mapped);
   if (frame == 0)
      memcpy(r->first, mapped, size);
   else
      CHECK(r->test, memcmp(r->previous, mapped, size) != 0); /* it moves */
   memcpy(r->previous, mapped, size);
   int length = snprintf(path, sizeof(path), "%s/phase10-%s-%03u.png", r->test->options->out, name, (unsigned)frame);
   if (CHECK(r->test, length > 0 && (size_t)length < sizeof(path)))
      app_png_write(r->test, path, r->width, r->height, r->previous);
}

/* All frames, two in flight. The first time pictures are taken; the second time the same input must give the same
 * bytes again, which also finds what goes wrong only now and then. */
static bool render_frames(struct renderer *r, bool dynamic, bool again)
{
   const uint32_t frames = r->test->options->frames;
   for (uint32_t n = 0; n < frames + IN_FLIGHT; n++) {
      uint32_t slot = n % IN_FLIGHT;
      if (n >= IN_FLIGHT) {
         uint32_t done = n - IN_FLIGHT;
         const uint8_t *picture = r->slots[slot].readback.map;
         if (!finish_frame(r, slot))
            return false;
         if (again)
            CHECK_EQ(r->test, r->hashes[done], hash_picture(r, picture));
         else
            take_picture(r, dynamic ? "dynamic" : "renderpass", done, picture);
      }
      if (n < frames && !start_frame(r, dynamic, n, slot))
         return false;
   }
   return true;
}

static bool render_sequence(struct renderer *r, bool dynamic)
{
   if (!render_frames(r, dynamic, false) || !render_frames(r, dynamic, true))
      return false;
   /* Frame 0 once more, in the other slot. */
   if (!start_frame(r, dynamic, 0, 1) || !finish_frame(r, 1))
      return false;
   CHECK_BYTES(r->test, r->first, r->slots[1].readback.map, picture_size(r));
   return true;
}

/* Vulkan does not promise that both ways of drawing round alike; pictures that differ more are wrong. */
static void check_same_scene(struct renderer *r)
{
   uint32_t far = 0;
   for (size_t i = 0; i < picture_size(r); i++)
      far += abs(r->pass_first[i] - r->first[i]) > 2;
   CHECK(r->test, far <= picture_size(r) / 1000);
}

void phase_graphics(struct app_test *t)
{
   struct renderer *r = calloc(1, sizeof(*r));
   if (!CHECK(t, r != NULL))
      return;
   if (renderer_create(t, r) && render_sequence(r, false)) {
      memcpy(r->pass_first, r->first, picture_size(r));
      if (!r->ctx.has_dynamic_rendering)
         app_note(t, "no dynamic rendering (needs Vulkan 1.3)");
      else if (render_sequence(r, true))
         check_same_scene(r);
   }
   renderer_destroy(r);
   free(r);
}
