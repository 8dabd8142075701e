/* SPDX-License-Identifier: MIT */
/* Phase 11: task and mesh shaders. A task shader decides which tiles of a picture get a mesh; a mesh is an octagon
 * whose triangles have their own colours. Half of the tiles are drawn by numbers that lie in a buffer. */

#include <stdlib.h>
#include <string.h>

#include "test-app/phase_11_modern.h"
#include "test-app/shaders.h"

#define TILES_X 8
#define TILES_Y 6
#define TILE 32

struct mesh_picture {
   struct app_image color;
   struct app_buffer readback;
   struct app_buffer indirect;
   VkPipelineLayout layout;
   VkPipeline pipeline;
};

/* What the picture shows at a pixel's middle; false near an edge, where a GPU may decide either way. */
static bool gem_at(uint32_t px, uint32_t py, uint8_t rgba[4])
{
   static const float corners[TILES_X][2] = {{15, 6},   {6, 15},   {-6, 15}, {-15, 6},
                                             {-15, -6}, {-6, -15}, {6, -15}, {15, -6}};
   const uint32_t tile = py / TILE * TILES_X + px / TILE;
   const float scale = (float)(10 + tile * 5 % 7) / 16.0f;
   const float x = (float)(px % TILE) + 0.5f - 16.0f;
   const float y = (float)(py % TILE) + 0.5f - 16.0f;
   memcpy(rgba, (const uint8_t[4]){0, 0, 0, 255}, 4);
   if ((px / TILE * 7 + py / TILE * 3) % 4 == 0)
      return true;
   for (uint32_t triangle = 0; triangle < 6; triangle++) {
      const uint32_t at[3] = {0, triangle + 1, triangle + 2};
      float least = 1e9f;
      for (uint32_t i = 0; i < 3; i++) {
         const float *a = corners[at[i]];
         const float *b = corners[at[(i + 1) % 3]];
         const float side = (b[0] - a[0]) * (y - a[1] * scale) - (b[1] - a[1]) * (x - a[0] * scale);
         least = side < least ? side : least;
      }
      if (least > -1.0f && least < 1.0f)
         return false;
      if (least < 0.0f)
         continue;
      rgba[0] = (uint8_t)(tile * 37 % 200 + triangle * 9 + 10);
      rgba[1] = (uint8_t)(tile * 91 % 200 + triangle * 9 + 10);
      rgba[2] = (uint8_t)(tile * 53 % 200 + triangle * 9 + 10);
   }
   return true;
}

static void check_gems(struct modern *m, const uint8_t *picture)
{
   uint32_t wrong = 0;
   uint32_t sure = 0;
   for (uint32_t i = 0; i < MODERN_PIXELS; i++) {
      uint8_t expected[4];
      if (!gem_at(i % MODERN_WIDTH, i / MODERN_WIDTH, expected))
         continue;
      sure++;
      wrong += memcmp(expected, picture + (size_t)i * 4, 4) != 0;
   }
   CHECK(m->test, sure > MODERN_PIXELS / 4 * 3);
   CHECK_EQ(m->test, 0, wrong);
}

static bool mesh_create_stages(struct modern *m, VkPipelineShaderStageCreateInfo stages[3])
{
   static const VkShaderStageFlagBits flags[3] = {VK_SHADER_STAGE_TASK_BIT_EXT, VK_SHADER_STAGE_MESH_BIT_EXT,
                                                  VK_SHADER_STAGE_FRAGMENT_BIT};
   const struct app_shader *const shaders[3] = {&shader_gems_task, &shader_gems_mesh, &shader_gems_frag};
   bool good = true;
   for (uint32_t i = 0; i < 3; i++) {
      stages[i] = (VkPipelineShaderStageCreateInfo){
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = flags[i],
         .module = app_shader_module(&m->ctx, shaders[i]),
         .pName = "main",
      };
      good &= stages[i].module != VK_NULL_HANDLE;
   }
   return good;
}

static bool mesh_create_pipeline(struct modern *m, struct mesh_picture *p)
{
   const VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
   const VkViewport viewport = {0.0f, 0.0f, MODERN_WIDTH, MODERN_HEIGHT, 0.0f, 1.0f};
   const VkRect2D scissor = {{0, 0}, {MODERN_WIDTH, MODERN_HEIGHT}};
   VkPipelineShaderStageCreateInfo stages[3];
   VkPipelineRenderingCreateInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &format,
   };
   VkPipelineViewportStateCreateInfo view = {
      VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO, NULL, 0, 1, &viewport, 1, &scissor};
   VkPipelineRasterizationStateCreateInfo raster = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .lineWidth = 1.0f,
   };
   VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   VkPipelineColorBlendAttachmentState write = {.colorWriteMask = 0xf};
   VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &write,
   };
   VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = &rendering,
      .stageCount = 3,
      .pStages = stages,
      .pViewportState = &view,
      .pRasterizationState = &raster,
      .pMultisampleState = &samples,
      .pColorBlendState = &blend,
      .layout = p->layout,
   };
   const bool good =
      mesh_create_stages(m, stages) &&
      VK_CHECK(m->test, vkCreateGraphicsPipelines(m->ctx.device, VK_NULL_HANDLE, 1, &info, NULL, &p->pipeline));
   for (uint32_t i = 0; i < 3; i++)
      vkDestroyShaderModule(m->ctx.device, stages[i].module, NULL);
   return good;
}

static bool mesh_create(struct modern *m, struct mesh_picture *p)
{
   const VkImageCreateInfo info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, MODERN_WIDTH, MODERN_HEIGHT,
                                                 VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
   const VkPushConstantRange range = {VK_SHADER_STAGE_TASK_BIT_EXT, 0, sizeof(uint32_t)};
   const VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &range,
   };
   return app_image_create(&m->ctx, &p->color, &info, VK_IMAGE_ASPECT_COLOR_BIT) &&
          app_buffer_create(&m->ctx, &p->readback, (VkDeviceSize)MODERN_PIXELS * 4, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                            APP_MEMORY_READBACK) &&
          app_buffer_create(&m->ctx, &p->indirect, sizeof(VkDrawMeshTasksIndirectCommandEXT),
                            VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, APP_MEMORY_UPLOAD) &&
          VK_CHECK(m->test, vkCreatePipelineLayout(m->ctx.device, &layout, NULL, &p->layout)) &&
          mesh_create_pipeline(m, p);
}

static bool mesh_draw(struct modern *m, struct mesh_picture *p)
{
   PFN_vkCmdDrawMeshTasksEXT draw = MODERN_LOAD(m, vkCmdDrawMeshTasksEXT);
   PFN_vkCmdDrawMeshTasksIndirectEXT draw_indirect = MODERN_LOAD(m, vkCmdDrawMeshTasksIndirectEXT);
   const VkDrawMeshTasksIndirectCommandEXT second = {1, TILES_Y / 2, 1};
   const VkRenderingAttachmentInfo color = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = p->color.view,
      .imageLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .clearValue = {.color = {.float32 = {0.0f, 0.0f, 0.0f, 1.0f}}},
   };
   const VkRenderingInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = {{0, 0}, {MODERN_WIDTH, MODERN_HEIGHT}},
      .layerCount = 1,
      .colorAttachmentCount = 1,
      .pColorAttachments = &color,
   };
   const VkBufferImageCopy copy = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {MODERN_WIDTH, MODERN_HEIGHT, 1},
   };
   const uint32_t rows[2] = {0, TILES_Y / 2};
   VkCommandBuffer commands = draw && draw_indirect ? app_commands_begin(&m->ctx) : VK_NULL_HANDLE;
   if (!commands)
      return false;
   memcpy(p->indirect.map, &second, sizeof(second));
   app_cmd_image_layout(commands, p->color.handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_UNDEFINED,
                        VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
   vkCmdBeginRendering(commands, &rendering);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, p->pipeline);
   vkCmdPushConstants(commands, p->layout, VK_SHADER_STAGE_TASK_BIT_EXT, 0, sizeof(rows[0]), &rows[0]);
   draw(commands, 1, TILES_Y / 2, 1);
   vkCmdPushConstants(commands, p->layout, VK_SHADER_STAGE_TASK_BIT_EXT, 0, sizeof(rows[1]), &rows[1]);
   draw_indirect(commands, p->indirect.handle, 0, 1, sizeof(second));
   vkCmdEndRendering(commands);
   app_cmd_image_layout(commands, p->color.handle, VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
   vkCmdCopyImageToBuffer(commands, p->color.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, p->readback.handle, 1,
                          &copy);
   app_cmd_barrier(commands);
   return app_commands_run(&m->ctx, commands);
}

bool modern_mesh_shaders(struct modern *m)
{
   static const char *const extensions[] = {VK_EXT_MESH_SHADER_EXTENSION_NAME};
   VkPhysicalDeviceDynamicRenderingFeatures dynamic = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES,
   };
   VkPhysicalDeviceMeshShaderFeaturesEXT mesh = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MESH_SHADER_FEATURES_EXT,
      .pNext = &dynamic,
   };
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &mesh};
   struct mesh_picture p = {0};
   if (!modern_has_version(m, VK_API_VERSION_1_3) || !modern_has_extensions(m, extensions, APP_COUNT(extensions)))
      return false;
   vkGetPhysicalDeviceFeatures2(m->ctx.physical, &features);
   if (!modern_has_feature(m, "taskShader", mesh.taskShader) || !modern_has_feature(m, "meshShader", mesh.meshShader) ||
       !modern_has_feature(m, "dynamicRendering", dynamic.dynamicRendering))
      return false;
   if (!(m->ctx.queues[0].flags & VK_QUEUE_GRAPHICS_BIT))
      return modern_skip(m, "the GPU's first queue does not draw");
   features.features = (VkPhysicalDeviceFeatures){0};
   mesh = (VkPhysicalDeviceMeshShaderFeaturesEXT){
      .sType = mesh.sType,
      .pNext = &dynamic,
      .taskShader = VK_TRUE,
      .meshShader = VK_TRUE,
   };
   if (app_context_create_device(&m->ctx, &features, extensions, APP_COUNT(extensions)) && mesh_create(m, &p) &&
       mesh_draw(m, &p)) {
      check_gems(m, p.readback.map);
      modern_picture(m, "mesh", p.readback.map);
   }
   if (m->ctx.device) {
      vkDestroyPipeline(m->ctx.device, p.pipeline, NULL);
      vkDestroyPipelineLayout(m->ctx.device, p.layout, NULL);
   }
   app_buffer_destroy(&m->ctx, &p.indirect);
   app_buffer_destroy(&m->ctx, &p.readback);
   app_image_destroy(&m->ctx, &p.color);
   return true;
}
