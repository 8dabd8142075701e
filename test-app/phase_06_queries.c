/* SPDX-License-Identifier: MIT */
/* Phase 6: queries: timestamps, and how much of a triangle was drawn. */

#include <string.h>

#include "test-app/phase_06_submission.h"
#include "test-app/shaders.h"

static VkQueryPool make_queries(struct submission *f, VkQueryType type, uint32_t count,
                                VkQueryPipelineStatisticFlags what)
{
   VkQueryPool pool = VK_NULL_HANDLE;
   VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = type,
      .queryCount = count,
      .pipelineStatistics = what,
   };
   VK_CHECK(f->test, vkCreateQueryPool(f->ctx.device, &info, NULL, &pool));
   return pool;
}

/* Timestamps never go back in one queue's order; what the host reads is what the device copies to a buffer. */
void submission_check_timestamps(struct submission *f)
{
   enum { STAMPS = 8 };
   struct app_test *t = f->test;
   VkDevice device = f->ctx.device;
   uint32_t bits = f->ctx.queues[0].timestamp_bits;
   uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
   uint64_t stamps[STAMPS + 1][2];
   VkQueryPool pool;
   if (bits == 0) {
      app_note(t, "no timestamps on the main queue");
      return;
   }
   pool = make_queries(f, VK_QUERY_TYPE_TIMESTAMP, STAMPS + 1, 0);
   if (!pool)
      return;
   submission_clear(f);
   VkCommandBuffer commands = app_commands_begin(&f->ctx);
   TRY(t, commands != VK_NULL_HANDLE);
   vkCmdResetQueryPool(commands, pool, 0, STAMPS + 1);
   for (uint32_t i = 0; i < STAMPS; i++) {
      vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, i);
      vkCmdFillBuffer(commands, f->target.handle, 2048, 1024, i);
      app_cmd_barrier(commands);
   }
   vkCmdCopyQueryPoolResults(commands, pool, 0, STAMPS, f->target.handle, 0, 16,
                             VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
   app_cmd_barrier(commands);
   if (!app_commands_run(&f->ctx, commands))
      goto done;
   memset(stamps, 0, sizeof(stamps));
   const VkQueryResultFlags flags = VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT;
   VK_CHECK(t, vkGetQueryPoolResults(device, pool, 0, STAMPS, sizeof(stamps), stamps, 16, flags));
   CHECK_BYTES(t, f->target.map, stamps, STAMPS * 16);
   for (uint32_t i = 0; i < STAMPS; i++) {
      CHECK(t, stamps[i][1] != 0);
      CHECK_EQ(t, 0, stamps[i][0] & ~mask);
      CHECK(t, i == 0 || stamps[i][0] >= stamps[i - 1][0] || bits < 64);
   }
   /* The last one was reset but never written. */
   VK_EXPECT(t, VK_NOT_READY, vkGetQueryPoolResults(device, pool, 0, STAMPS + 1, sizeof(stamps), stamps, 16, flags));
   CHECK_EQ(t, 0, stamps[STAMPS][1]);
   uint32_t narrow[STAMPS];
   VK_CHECK(t, vkGetQueryPoolResults(device, pool, 0, STAMPS, sizeof(narrow), narrow, 4, VK_QUERY_RESULT_WAIT_BIT));
   if (f->ctx.has_host_query_reset) {
      vkResetQueryPool(device, pool, 0, STAMPS);
      VK_EXPECT(t, VK_NOT_READY, vkGetQueryPoolResults(device, pool, 0, 1, 16, stamps, 16, VK_QUERY_RESULT_64_BIT));
   }
done:
   vkDestroyQueryPool(device, pool, NULL);
}

#define TARGET_SIZE 64

/* The smallest graphics set-up there is: one triangle over one colour target. */
struct triangle {
   struct app_image image;
   VkRenderPass pass;
   VkFramebuffer framebuffer;
   VkPipelineLayout layout;
   VkPipeline pipeline;
};

static bool triangle_create_pass(struct submission *f, struct triangle *tri)
{
   VkImageCreateInfo image =
      app_image_info(VK_FORMAT_R8G8B8A8_UNORM, TARGET_SIZE, TARGET_SIZE, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
   if (!app_image_create(&f->ctx, &tri->image, &image, VK_IMAGE_ASPECT_COLOR_BIT))
      return false;
   VkAttachmentDescription attachment = {
      .format = image.format,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
      .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
      .finalLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
   };
   VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
   VkSubpassDescription subpass = {
      .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
      .colorAttachmentCount = 1,
      .pColorAttachments = &reference,
   };
   VkRenderPassCreateInfo pass = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
      .subpassCount = 1,
      .pSubpasses = &subpass,
   };
   if (!VK_CHECK(f->test, vkCreateRenderPass(f->ctx.device, &pass, NULL, &tri->pass)))
      return false;
   VkFramebufferCreateInfo framebuffer = {
      .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
      .renderPass = tri->pass,
      .attachmentCount = 1,
      .pAttachments = &tri->image.view,
      .width = TARGET_SIZE,
      .height = TARGET_SIZE,
      .layers = 1,
   };
   return VK_CHECK(f->test, vkCreateFramebuffer(f->ctx.device, &framebuffer, NULL, &tri->framebuffer));
}

static bool triangle_create_pipeline(struct submission *f, struct triangle *tri)
{
   VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
   VkShaderModule vertex = app_shader_module(&f->ctx, &shader_fullscreen);
   VkShaderModule fragment = app_shader_module(&f->ctx, &shader_flat);
   VkPipelineShaderStageCreateInfo stages[2] = {
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
   VkPipelineVertexInputStateCreateInfo input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
   };
   VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
   };
   VkViewport viewport = {0.0f, 0.0f, TARGET_SIZE, TARGET_SIZE, 0.0f, 1.0f};
   VkRect2D scissor = {{0, 0}, {TARGET_SIZE, TARGET_SIZE}};
   VkPipelineViewportStateCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .pViewports = &viewport,
      .scissorCount = 1,
      .pScissors = &scissor,
   };
   VkPipelineRasterizationStateCreateInfo raster = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .lineWidth = 1.0f,
   };
   VkPipelineMultisampleStateCreateInfo samples = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   VkPipelineColorBlendAttachmentState attachment = {.colorWriteMask = 0xf};
   VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
   };
   bool good =
      vertex && fragment && VK_CHECK(f->test, vkCreatePipelineLayout(f->ctx.device, &layout, NULL, &tri->layout));
   VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .stageCount = 2,
      .pStages = stages,
      .pVertexInputState = &input,
      .pInputAssemblyState = &assembly,
      .pViewportState = &view,
      .pRasterizationState = &raster,
      .pMultisampleState = &samples,
      .pColorBlendState = &blend,
      .layout = tri->layout,
      .renderPass = tri->pass,
   };
   good = good &&
          VK_CHECK(f->test, vkCreateGraphicsPipelines(f->ctx.device, VK_NULL_HANDLE, 1, &info, NULL, &tri->pipeline));
   vkDestroyShaderModule(f->ctx.device, fragment, NULL);
   vkDestroyShaderModule(f->ctx.device, vertex, NULL);
   return good;
}

static void triangle_destroy(struct submission *f, struct triangle *tri)
{
   vkDestroyPipeline(f->ctx.device, tri->pipeline, NULL);
   vkDestroyPipelineLayout(f->ctx.device, tri->layout, NULL);
   vkDestroyFramebuffer(f->ctx.device, tri->framebuffer, NULL);
   vkDestroyRenderPass(f->ctx.device, tri->pass, NULL);
   app_image_destroy(&f->ctx, &tri->image);
}

/* Query 0 counts a triangle over all samples, query 1 a pass without any draw. */
static void cmd_draw_queries(struct triangle *tri, VkCommandBuffer commands, VkQueryPool pool,
                             VkQueryControlFlags flags)
{
   VkClearValue black = {.color = {.float32 = {0.0f, 0.0f, 0.0f, 1.0f}}};
   VkRenderPassBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
      .renderPass = tri->pass,
      .framebuffer = tri->framebuffer,
      .renderArea = {{0, 0}, {TARGET_SIZE, TARGET_SIZE}},
      .clearValueCount = 1,
      .pClearValues = &black,
   };
   vkCmdResetQueryPool(commands, pool, 0, 2);
   vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, tri->pipeline);
   vkCmdBeginQuery(commands, pool, 0, flags);
   vkCmdDraw(commands, 3, 1, 0, 0);
   vkCmdEndQuery(commands, pool, 0);
   vkCmdBeginQuery(commands, pool, 1, flags);
   vkCmdEndQuery(commands, pool, 1);
   vkCmdEndRenderPass(commands);
}

static bool run_queries(struct submission *f, struct triangle *tri, VkQueryPool pool, VkQueryControlFlags flags,
                        uint64_t results[2])
{
   VkCommandBuffer commands = pool ? app_commands_begin(&f->ctx) : VK_NULL_HANDLE;
   if (!commands)
      return false;
   cmd_draw_queries(tri, commands, pool, flags);
   return app_commands_run(&f->ctx, commands) &&
          VK_CHECK(f->test, vkGetQueryPoolResults(f->ctx.device, pool, 0, 2, 16, results, 8,
                                                  VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
}

void submission_check_draw_queries(struct submission *f)
{
   const uint64_t all = TARGET_SIZE * TARGET_SIZE;
   struct app_test *t = f->test;
   struct triangle tri = {0};
   VkQueryPool occlusion = VK_NULL_HANDLE;
   VkQueryPool statistics = VK_NULL_HANDLE;
   uint64_t results[2] = {0, 7};
   if (!(f->ctx.queues[0].flags & VK_QUEUE_GRAPHICS_BIT)) {
      app_note(t, "no graphics queue; occlusion queries are left out");
      return;
   }
   if (!triangle_create_pass(f, &tri) || !triangle_create_pipeline(f, &tri))
      goto done;
   occlusion = make_queries(f, VK_QUERY_TYPE_OCCLUSION, 2, 0);
   if (run_queries(f, &tri, occlusion, 0, results)) {
      CHECK(t, results[0] > 0);
      CHECK_EQ(t, 0, results[1]);
   }
   if (f->ctx.features.occlusionQueryPrecise &&
       run_queries(f, &tri, occlusion, VK_QUERY_CONTROL_PRECISE_BIT, results)) {
      CHECK_EQ(t, all, results[0]);
      CHECK_EQ(t, 0, results[1]);
   }
   if (!f->ctx.features.pipelineStatisticsQuery)
      goto done;
   statistics = make_queries(f, VK_QUERY_TYPE_PIPELINE_STATISTICS, 2,
                             VK_QUERY_PIPELINE_STATISTIC_FRAGMENT_SHADER_INVOCATIONS_BIT);
   if (run_queries(f, &tri, statistics, 0, results)) {
      CHECK(t, results[0] >= all);
      CHECK_EQ(t, 0, results[1]);
   }
done:
   vkDestroyQueryPool(f->ctx.device, statistics, NULL);
   vkDestroyQueryPool(f->ctx.device, occlusion, NULL);
   triangle_destroy(f, &tri);
}
