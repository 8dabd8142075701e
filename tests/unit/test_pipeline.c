/* SPDX-License-Identifier: MIT */
#include "client/pipeline/pipeline.h"
#include "client/pipeline/render_pass.h"
#include "client/pipeline/shader_module.h"
#include "client/vp_entry.h"
#include "tests/unit/command_peer.h"

/* What Vulkan lets be garbage points here, so that following it ends the test. */
#define GARBAGE ((void *)(uintptr_t)0xdead0000)

PEER_CODEC(vkCreateGraphicsPipelines)
PEER_CODEC(vkCreateComputePipelines)
PEER_CODEC(vkCreateRayTracingPipelinesKHR)
PEER_CODEC(vkCreateGraphicsPipelinesVP)
PEER_CODEC(vkCreateComputePipelinesVP)
PEER_CODEC(vkCreateRayTracingPipelinesVP)
PEER_CODEC(vkDestroyPipeline)

static const struct peer_command commands[] = {
   PEER_COMMAND(vkCreateGraphicsPipelines),
   PEER_COMMAND(vkCreateComputePipelines),
   PEER_COMMAND(vkCreateRayTracingPipelinesKHR),
   PEER_COMMAND(vkCreateGraphicsPipelinesVP),
   PEER_COMMAND(vkCreateComputePipelinesVP),
   PEER_COMMAND(vkCreateRayTracingPipelinesVP),
   PEER_COMMAND(vkDestroyPipeline),
};

static struct peer peer;
static unsigned seen;

static struct vp_object layout = {.id = 501, .type = VK_OBJECT_TYPE_PIPELINE_LAYOUT};
/* Has an entry point for each stage that is used here. */
#define ENTRY_POINT(MODEL) 5 << 16 | 15, MODEL, 1, 0x6e69616d, 0
static struct vp_shader_module shader = {
   .base = {.id = 502, .type = VK_OBJECT_TYPE_SHADER_MODULE},
   .count = 35,
   .entry_points = {ENTRY_POINT(0), ENTRY_POINT(1), ENTRY_POINT(2), ENTRY_POINT(4), ENTRY_POINT(5), ENTRY_POINT(5313),
                    ENTRY_POINT(5365)},
};
static struct vp_pipeline base = {.base = {.id = 503, .type = VK_OBJECT_TYPE_PIPELINE}};

static uint64_t id(const void *handle)
{
   return (uint64_t)(uintptr_t)handle;
}

/* --- parts --- */

#define STAGE(BIT)                                                                                                     \
   {                                                                                                                   \
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = (BIT), .module = (VkShaderModule)&shader, \
      .pName = "main"                                                                                                  \
   }

static const VkPipelineShaderStageCreateInfo vertex_stages[] = {STAGE(VK_SHADER_STAGE_VERTEX_BIT),
                                                                STAGE(VK_SHADER_STAGE_FRAGMENT_BIT)};
static const VkPipelineShaderStageCreateInfo tessellation_stages[] = {
   STAGE(VK_SHADER_STAGE_VERTEX_BIT), STAGE(VK_SHADER_STAGE_TESSELLATION_CONTROL_BIT),
   STAGE(VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT), STAGE(VK_SHADER_STAGE_FRAGMENT_BIT)};
static const VkPipelineShaderStageCreateInfo mesh_stages[] = {STAGE(VK_SHADER_STAGE_MESH_BIT_EXT),
                                                              STAGE(VK_SHADER_STAGE_FRAGMENT_BIT)};

static const VkPipelineVertexInputStateCreateInfo vertex_input = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
   .pVertexBindingDescriptions = GARBAGE,
   .pVertexAttributeDescriptions = GARBAGE};
static const VkPipelineInputAssemblyStateCreateInfo input_assembly = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO};
static const VkPipelineTessellationStateCreateInfo tessellation = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_TESSELLATION_STATE_CREATE_INFO, .patchControlPoints = 3};
static const VkViewport viewports[1] = {{.width = 64, .height = 64}};
static const VkRect2D scissors[1] = {{.extent = {64, 64}}};
static const VkPipelineViewportStateCreateInfo viewport = {.sType =
                                                              VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
                                                           .viewportCount = 1,
                                                           .pViewports = viewports,
                                                           .scissorCount = 1,
                                                           .pScissors = scissors};
static const VkPipelineRasterizationStateCreateInfo rasterization = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .lineWidth = 1};
static const VkPipelineRasterizationStateCreateInfo no_rasterization = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .rasterizerDiscardEnable = VK_TRUE};
static const VkSampleMask sample_mask[2] = {0x1234, 0x5678};
static const VkPipelineMultisampleStateCreateInfo multisample = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
   .rasterizationSamples = VK_SAMPLE_COUNT_64_BIT,
   .pSampleMask = sample_mask};
static const VkPipelineDepthStencilStateCreateInfo depth_stencil = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO};
static const VkPipelineColorBlendAttachmentState blend_attachments[1] = {{.colorWriteMask = 15}};
static const VkPipelineColorBlendStateCreateInfo color_blend = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
   .attachmentCount = 1,
   .pAttachments = blend_attachments};

#define RENDER_PASS(ID, ASPECTS0, ASPECTS1)                                                        \
   {                                                                                               \
      .base = {.id = (ID), .type = VK_OBJECT_TYPE_RENDER_PASS}, .subpass_count = 2, .subpasses = { \
         {.aspects = (ASPECTS0)},                                                                  \
         {.aspects = (ASPECTS1)}                                                                   \
      }                                                                                            \
   }

/* Subpass 0 has everything, subpass 1 nothing. */
static struct vp_render_pass render_pass = RENDER_PASS(504, VK_IMAGE_ASPECT_COLOR_BIT | VK_IMAGE_ASPECT_STENCIL_BIT, 0);
static struct vp_render_pass color_pass = RENDER_PASS(505, VK_IMAGE_ASPECT_COLOR_BIT, 0);

/* All of it garbage that may be: the cases put in what must be right. */
static VkGraphicsPipelineCreateInfo garbage_info(void)
{
   return (VkGraphicsPipelineCreateInfo){
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .stageCount = 0xdead,
      .pStages = GARBAGE,
      .pVertexInputState = GARBAGE,
      .pInputAssemblyState = GARBAGE,
      .pTessellationState = GARBAGE,
      .pViewportState = GARBAGE,
      .pRasterizationState = GARBAGE,
      .pMultisampleState = GARBAGE,
      .pDepthStencilState = GARBAGE,
      .pColorBlendState = GARBAGE,
      .layout = GARBAGE,
      .renderPass = GARBAGE,
      .subpass = 0xdead,
      .basePipelineHandle = GARBAGE,
      .basePipelineIndex = -1,
   };
}

/* A whole pipeline with nothing left to ignore but tessellation and the base. */
static VkGraphicsPipelineCreateInfo full_info(void)
{
   VkGraphicsPipelineCreateInfo info = garbage_info();
   info.stageCount = 2;
   info.pStages = vertex_stages;
   info.pVertexInputState = &vertex_input;
   info.pInputAssemblyState = &input_assembly;
   info.pViewportState = &viewport;
   info.pRasterizationState = &rasterization;
   info.pMultisampleState = &multisample;
   info.pDepthStencilState = &depth_stencil;
   info.pColorBlendState = &color_blend;
   info.layout = (VkPipelineLayout)&layout;
   info.renderPass = (VkRenderPass)&render_pass;
   info.subpass = 0;
   return info;
}

/* --- what arrives --- */

/* The parts of a create-info, as bits. */
enum {
   STAGES = 1 << 0,
   VERTEX = 1 << 1,
   ASSEMBLY = 1 << 2,
   TESSELLATION = 1 << 3,
   VIEWPORT = 1 << 4,
   RASTERIZATION = 1 << 5,
   MULTISAMPLE = 1 << 6,
   DEPTH_STENCIL = 1 << 7,
   BLEND = 1 << 8,
   LAYOUT = 1 << 9,
   PASS = 1 << 10,
   BASE = 1 << 11,
   FULL = STAGES | VERTEX | ASSEMBLY | VIEWPORT | RASTERIZATION | MULTISAMPLE | DEPTH_STENCIL | BLEND | LAYOUT | PASS,
};

static unsigned parts(const VkGraphicsPipelineCreateInfo *info)
{
   unsigned all = 0;
   all |= info->pStages && info->stageCount ? STAGES : 0;
   all |= info->pVertexInputState ? VERTEX : 0;
   all |= info->pInputAssemblyState ? ASSEMBLY : 0;
   all |= info->pTessellationState ? TESSELLATION : 0;
   all |= info->pViewportState ? VIEWPORT : 0;
   all |= info->pRasterizationState ? RASTERIZATION : 0;
   all |= info->pMultisampleState ? MULTISAMPLE : 0;
   all |= info->pDepthStencilState ? DEPTH_STENCIL : 0;
   all |= info->pColorBlendState ? BLEND : 0;
   all |= id(info->layout) == 501 ? LAYOUT : 0;
   all |= info->renderPass ? PASS : 0;
   all |= id(info->basePipelineHandle) == 503 ? BASE : 0;
   return all;
}

static const void *node(const void *chain, VkStructureType type)
{
   const VkBaseInStructure *in = chain;
   while (in && in->sType != type)
      in = in->pNext;
   return in;
}

static void destroy(VkPipeline pipeline)
{
   vp_vkDestroyPipeline(peer_device(&peer), pipeline, NULL);
   const struct vp_cmd_vkDestroyPipeline *a = peer_next(&peer, &seen, VP_CMD_vkDestroyPipeline);
   CHECK(a && id(a->pipeline));
}

/* Creates one and keeps it. Never NULL: without a command the checks have failed. */
static const VkGraphicsPipelineCreateInfo *create(const VkGraphicsPipelineCreateInfo *info, VkPipeline *pipeline)
{
   static const VkGraphicsPipelineCreateInfo nothing;
   CHECK(vp_vkCreateGraphicsPipelines(peer_device(&peer), VK_NULL_HANDLE, 1, info, NULL, pipeline) == VK_SUCCESS);
   const struct vp_cmd_vkCreateGraphicsPipelines *a = peer_next(&peer, &seen, VP_CMD_vkCreateGraphicsPipelines);
   if (!CHECK(a && a->createInfoCount == 1 && id(a->pPipelines[0]) == id_of(*pipeline)))
      return &nothing;
   return &a->pCreateInfos[0];
}

static const VkGraphicsPipelineCreateInfo *arrives(const VkGraphicsPipelineCreateInfo *info)
{
   VkPipeline pipeline = VK_NULL_HANDLE;
   const VkGraphicsPipelineCreateInfo *arrived = create(info, &pipeline);
   destroy(pipeline);
   return arrived;
}

static unsigned arriving_parts(const VkGraphicsPipelineCreateInfo *info)
{
   return parts(arrives(info));
}

/* --- whole pipelines --- */

static void test_everything(void)
{
   VkGraphicsPipelineCreateInfo info = full_info();
   const VkGraphicsPipelineCreateInfo *a = arrives(&info);
   CHECK(parts(a) == FULL);
   CHECK(a->stageCount == 2 && strcmp(a->pStages[1].pName, "main") == 0 && id(a->pStages[1].module) == 502);
   CHECK(a->pViewportState->pViewports[0].width == 64 && a->pViewportState->pScissors[0].extent.height == 64);
   CHECK(a->pMultisampleState->pSampleMask[1] == 0x5678);
   CHECK(id(a->renderPass) == 504);

   info.stageCount = 4;
   info.pStages = tessellation_stages;
   info.pTessellationState = &tessellation;
   CHECK(arriving_parts(&info) == (FULL | TESSELLATION));

   /* All of it optional with extended dynamic state. */
   info = full_info();
   info.pVertexInputState = NULL;
   info.pInputAssemblyState = NULL;
   info.pViewportState = NULL;
   info.pRasterizationState = NULL;
   info.pMultisampleState = NULL;
   info.pDepthStencilState = NULL;
   info.pColorBlendState = NULL;
   CHECK(arriving_parts(&info) == (STAGES | LAYOUT | PASS));
}

static void test_discard(void)
{
   const VkDynamicState discard = VK_DYNAMIC_STATE_RASTERIZER_DISCARD_ENABLE;
   const VkPipelineDynamicStateCreateInfo dynamic = {.sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
                                                     .dynamicStateCount = 1,
                                                     .pDynamicStates = &discard};
   VkGraphicsPipelineCreateInfo info = full_info();
   info.pRasterizationState = &no_rasterization;
   info.pDynamicState = &dynamic;
   CHECK(arriving_parts(&info) == FULL);

   info.pDynamicState = NULL;
   info.pViewportState = GARBAGE;
   info.pMultisampleState = GARBAGE;
   info.pDepthStencilState = GARBAGE;
   info.pColorBlendState = GARBAGE;
   CHECK(arriving_parts(&info) == (STAGES | VERTEX | ASSEMBLY | RASTERIZATION | LAYOUT | PASS));

   const VkPipelineRenderingCreateInfo rendering = {.sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
                                                    .colorAttachmentCount = 0xdead,
                                                    .pColorAttachmentFormats = GARBAGE,
                                                    .depthAttachmentFormat = (VkFormat)0xdead};
   info.pNext = &rendering;
   info.renderPass = VK_NULL_HANDLE;
   CHECK(arriving_parts(&info) == (STAGES | VERTEX | ASSEMBLY | RASTERIZATION | LAYOUT));
}

static void test_attachments(void)
{
   VkGraphicsPipelineCreateInfo info = full_info();
   info.renderPass = (VkRenderPass)&color_pass;
   info.pDepthStencilState = GARBAGE;
   CHECK(arriving_parts(&info) == (FULL & ~(unsigned)DEPTH_STENCIL));
   info.subpass = 1;
   info.pColorBlendState = GARBAGE;
   CHECK(arriving_parts(&info) == (FULL & ~(unsigned)(DEPTH_STENCIL | BLEND)));
   info.subpass = 1u << 31; /* wrong, and must not be followed */
   CHECK(arriving_parts(&info) == (FULL & ~(unsigned)(DEPTH_STENCIL | BLEND)));
}

static void test_mesh(void)
{
   VkGraphicsPipelineCreateInfo info = full_info();
   info.pStages = mesh_stages;
   info.pVertexInputState = GARBAGE;
   info.pInputAssemblyState = GARBAGE;
   CHECK(arriving_parts(&info) == (FULL & ~(unsigned)(VERTEX | ASSEMBLY)));
}

static void test_dynamic_state(void)
{
   VkDynamicState states[] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR, VK_DYNAMIC_STATE_VERTEX_INPUT_EXT,
                              VK_DYNAMIC_STATE_SAMPLE_MASK_EXT};
   const VkPipelineDynamicStateCreateInfo dynamic = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO, .dynamicStateCount = 4, .pDynamicStates = states};
   VkPipelineViewportStateCreateInfo own_viewport = viewport;
   VkPipelineMultisampleStateCreateInfo own_multisample = multisample;
   VkGraphicsPipelineCreateInfo info = full_info();
   info.pDynamicState = &dynamic;
   info.pVertexInputState = GARBAGE;
   info.pViewportState = &own_viewport;
   info.pMultisampleState = &own_multisample;
   own_viewport.pViewports = GARBAGE;
   own_viewport.pScissors = GARBAGE;
   own_multisample.pSampleMask = GARBAGE;
   const VkGraphicsPipelineCreateInfo *a = arrives(&info);
   CHECK(parts(a) == (FULL & ~(unsigned)VERTEX));
   CHECK(a->pViewportState->viewportCount == 1 && a->pViewportState->scissorCount == 1 &&
         !a->pViewportState->pViewports && !a->pViewportState->pScissors);
   CHECK(!a->pMultisampleState->pSampleMask && a->pMultisampleState->rasterizationSamples == VK_SAMPLE_COUNT_64_BIT);
   CHECK(a->pDynamicState->dynamicStateCount == 4 && a->pDynamicState->pDynamicStates[2] == states[2]);
   CHECK(own_viewport.pViewports == GARBAGE && own_multisample.pSampleMask == GARBAGE);

   /* With a count; and one of each pair is not dynamic. */
   states[0] = VK_DYNAMIC_STATE_VIEWPORT_WITH_COUNT;
   states[1] = VK_DYNAMIC_STATE_LINE_WIDTH;
   states[2] = VK_DYNAMIC_STATE_DEPTH_BIAS;
   states[3] = VK_DYNAMIC_STATE_RASTERIZATION_SAMPLES_EXT;
   info.pVertexInputState = &vertex_input;
   own_viewport.viewportCount = 0;
   own_viewport.pScissors = scissors;
   own_multisample.rasterizationSamples = (VkSampleCountFlagBits)0x7ead0000;
   own_multisample.pSampleMask = sample_mask;
   a = arrives(&info);
   CHECK(parts(a) == FULL);
   CHECK(!a->pViewportState->pViewports && a->pViewportState->pScissors[0].extent.width == 64);
   CHECK(a->pMultisampleState->pSampleMask[0] == 0x1234);
   CHECK(a->pMultisampleState->rasterizationSamples == VK_SAMPLE_COUNT_1_BIT);
}

/* --- dynamic rendering --- */

static void test_rendering(void)
{
   const VkFormat formats[2] = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_UNDEFINED};
   const VkPipelineFragmentShadingRateStateCreateInfoKHR rate = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_FRAGMENT_SHADING_RATE_STATE_CREATE_INFO_KHR, .fragmentSize = {2, 4}};
   VkPipelineRenderingCreateInfo rendering = {.sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
                                              .pNext = &rate,
                                              .viewMask = 6,
                                              .colorAttachmentCount = 2,
                                              .pColorAttachmentFormats = formats,
                                              .stencilAttachmentFormat = VK_FORMAT_S8_UINT};
   const VkBaseInStructure unknown = {.sType = (VkStructureType)0x7ead0000, .pNext = (const void *)&rendering};
   const VkPipelineRobustnessCreateInfoEXT robustness = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_ROBUSTNESS_CREATE_INFO_EXT, .pNext = &unknown, .storageBuffers = 2};
   VkGraphicsPipelineCreateInfo info = full_info();
   info.pNext = &robustness;
   info.renderPass = VK_NULL_HANDLE;
   const VkGraphicsPipelineCreateInfo *a = arrives(&info);
   const VkPipelineRenderingCreateInfo *arrived = node(a->pNext, VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO);
   CHECK(parts(a) == (FULL & ~(unsigned)PASS));
   CHECK(arrived && arrived->viewMask == 6 && arrived->colorAttachmentCount == 2);
   CHECK(arrived && arrived->pColorAttachmentFormats[0] == formats[0]);
   CHECK(arrived && arrived->stencilAttachmentFormat == VK_FORMAT_S8_UINT);

   /* No depth or stencil, no colour. */
   rendering.stencilAttachmentFormat = VK_FORMAT_UNDEFINED;
   rendering.colorAttachmentCount = 0;
   rendering.pColorAttachmentFormats = GARBAGE;
   info.pColorBlendState = GARBAGE;
   info.pDepthStencilState = GARBAGE;
   CHECK(arriving_parts(&info) == (FULL & ~(unsigned)(PASS | DEPTH_STENCIL | BLEND)));
   info.pNext = NULL;
   CHECK(arriving_parts(&info) == (FULL & ~(unsigned)(PASS | DEPTH_STENCIL | BLEND)));

   /* A render pass makes the formats garbage; the nodes around them stay. */
   info = full_info();
   info.pNext = &robustness;
   rendering.colorAttachmentCount = 0xdead;
   rendering.depthAttachmentFormat = (VkFormat)0x7ead;
   a = arrives(&info);
   CHECK(parts(a) == FULL);
   arrived = node(a->pNext, VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO);
   CHECK(arrived && arrived->viewMask == 6 && arrived->colorAttachmentCount == 0 && !arrived->pColorAttachmentFormats);
   CHECK(arrived && arrived->depthAttachmentFormat == VK_FORMAT_UNDEFINED);
   const VkPipelineRobustnessCreateInfoEXT *first = a->pNext;
   CHECK(first && first->sType == robustness.sType && first->storageBuffers == 2);
   const VkPipelineFragmentShadingRateStateCreateInfoKHR *last = node(a->pNext, rate.sType);
   CHECK(last && last->fragmentSize.height == 4 && !last->pNext);
   CHECK(rendering.colorAttachmentCount == 0xdead && rendering.pColorAttachmentFormats == GARBAGE);
}

/* --- libraries --- */

static VkGraphicsPipelineLibraryCreateInfoEXT subsets(VkGraphicsPipelineLibraryFlagsEXT flags, const void *next)
{
   return (VkGraphicsPipelineLibraryCreateInfoEXT){.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_LIBRARY_CREATE_INFO_EXT,
                                                   .pNext = (void *)(uintptr_t)next,
                                                   .flags = flags};
}

static VkPipelineLibraryCreateInfoKHR libraries(uint32_t count, const VkPipeline *pipelines)
{
   return (VkPipelineLibraryCreateInfoKHR){
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR, .libraryCount = count, .pLibraries = pipelines};
}

/* One library for each subset; all else is garbage. */
static VkGraphicsPipelineCreateInfo library_info(const VkGraphicsPipelineLibraryCreateInfoEXT *subset)
{
   VkGraphicsPipelineCreateInfo info = garbage_info();
   info.pNext = subset;
   info.flags = VK_PIPELINE_CREATE_LIBRARY_BIT_KHR;
   return info;
}

static VkPipeline vertex_library(void)
{
   const VkGraphicsPipelineLibraryCreateInfoEXT subset =
      subsets(VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT, NULL);
   VkGraphicsPipelineCreateInfo info = library_info(&subset);
   VkPipeline pipeline;
   info.pVertexInputState = &vertex_input;
   info.pInputAssemblyState = &input_assembly;
   CHECK(parts(create(&info, &pipeline)) == (VERTEX | ASSEMBLY));
   return pipeline;
}

static VkPipeline pre_rasterization_library(const VkPipelineShaderStageCreateInfo *stage,
                                            const VkPipelineRasterizationStateCreateInfo *state)
{
   const VkGraphicsPipelineLibraryCreateInfoEXT subset =
      subsets(VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT, NULL);
   VkGraphicsPipelineCreateInfo info = library_info(&subset);
   VkPipeline pipeline;
   info.stageCount = 1;
   info.pStages = stage;
   info.pRasterizationState = state;
   info.pViewportState = state->rasterizerDiscardEnable ? GARBAGE : &viewport;
   info.layout = (VkPipelineLayout)&layout;
   info.renderPass = VK_NULL_HANDLE;
   const unsigned expected = STAGES | RASTERIZATION | LAYOUT | (state->rasterizerDiscardEnable ? 0 : VIEWPORT);
   CHECK(parts(create(&info, &pipeline)) == expected);
   return pipeline;
}

/* Without a render pass nobody knows yet whether there will be depth. */
static VkPipeline fragment_library(VkRenderPass pass, uint32_t subpass, bool depth)
{
   const VkGraphicsPipelineLibraryCreateInfoEXT subset =
      subsets(VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT, NULL);
   VkGraphicsPipelineCreateInfo info = library_info(&subset);
   VkPipeline pipeline;
   info.stageCount = 1;
   info.pStages = &vertex_stages[1];
   info.pMultisampleState = &multisample;
   info.pDepthStencilState = depth ? &depth_stencil : GARBAGE;
   info.layout = (VkPipelineLayout)&layout;
   info.renderPass = pass;
   info.subpass = subpass;
   const unsigned expected = STAGES | MULTISAMPLE | LAYOUT | (pass ? PASS : 0) | (depth ? DEPTH_STENCIL : 0);
   CHECK(parts(create(&info, &pipeline)) == expected);
   return pipeline;
}

static VkPipeline output_library(bool stencil)
{
   const VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
   const VkPipelineRenderingCreateInfo rendering = {.sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
                                                    .colorAttachmentCount = 1,
                                                    .pColorAttachmentFormats = &format,
                                                    .stencilAttachmentFormat =
                                                       stencil ? VK_FORMAT_S8_UINT : VK_FORMAT_UNDEFINED};
   const VkGraphicsPipelineLibraryCreateInfoEXT subset =
      subsets(VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT, &rendering);
   VkGraphicsPipelineCreateInfo info = library_info(&subset);
   VkPipeline pipeline;
   info.pMultisampleState = &multisample;
   info.pColorBlendState = &color_blend;
   info.renderPass = VK_NULL_HANDLE;
   const VkGraphicsPipelineCreateInfo *a = create(&info, &pipeline);
   CHECK(parts(a) == (MULTISAMPLE | BLEND));
   const VkPipelineRenderingCreateInfo *arrived = node(a->pNext, VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO);
   CHECK(arrived && arrived->pColorAttachmentFormats[0] == format);
   return pipeline;
}

/* Nothing of a pipeline's own: all from libraries. */
static void test_linking(const VkPipeline *pipelines, VkPipelineCreateFlags flags)
{
   const VkPipelineLibraryCreateInfoKHR linked = libraries(4, pipelines);
   VkGraphicsPipelineCreateInfo info = garbage_info();
   info.flags = flags;
   info.pNext = &linked;
   info.layout = (VkPipelineLayout)&layout;
   VkPipeline whole;
   const VkGraphicsPipelineCreateInfo *a = create(&info, &whole);
   CHECK(parts(a) == LAYOUT);
   const VkPipelineLibraryCreateInfoKHR *arrived = node(a->pNext, linked.sType);
   CHECK(arrived && arrived->libraryCount == 4 && id(arrived->pLibraries[3]) == id_of(pipelines[3]));
   const struct vp_pipeline_facts *facts = &VP_FROM_HANDLE(struct vp_pipeline, whole)->facts;
   CHECK(facts->subsets == 15 && facts->vertex_shader && !facts->discards);
   CHECK(facts->aspects == (VK_IMAGE_ASPECT_COLOR_BIT | VK_IMAGE_ASPECT_STENCIL_BIT));
   destroy(whole);
}

/* The fragment shader directly, the rest linked. */
static void test_linking_fragment_shader(VkPipeline pre_rasterization, VkPipeline output, unsigned expected)
{
   const VkPipeline pipelines[] = {pre_rasterization, output};
   const VkPipelineLibraryCreateInfoKHR linked = libraries(2, pipelines);
   const VkGraphicsPipelineLibraryCreateInfoEXT subset =
      subsets(VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT, &linked);
   VkGraphicsPipelineCreateInfo info = garbage_info();
   info.pNext = &subset;
   info.stageCount = 1;
   info.pStages = &vertex_stages[1];
   info.pMultisampleState = expected & MULTISAMPLE ? &multisample : GARBAGE;
   info.pDepthStencilState = expected & DEPTH_STENCIL ? &depth_stencil : GARBAGE;
   info.layout = (VkPipelineLayout)&layout;
   info.renderPass = VK_NULL_HANDLE;
   CHECK(arriving_parts(&info) == expected);
}

/* Vertex input directly, before mesh shaders. */
static void test_linking_mesh(VkPipeline pre_rasterization)
{
   const VkPipelineLibraryCreateInfoKHR linked = libraries(1, &pre_rasterization);
   const VkGraphicsPipelineLibraryCreateInfoEXT subset =
      subsets(VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT, &linked);
   VkGraphicsPipelineCreateInfo info = garbage_info();
   info.pNext = &subset;
   info.layout = (VkPipelineLayout)&layout;
   CHECK(arriving_parts(&info) == LAYOUT);
}

static void test_libraries(void)
{
   const VkPipeline pipelines[] = {vertex_library(), pre_rasterization_library(&vertex_stages[0], &rasterization),
                                   fragment_library(VK_NULL_HANDLE, 0xdead, true), output_library(true)};
   const VkPipeline more[] = {pre_rasterization_library(&vertex_stages[0], &no_rasterization),
                              pre_rasterization_library(&mesh_stages[0], &rasterization), output_library(false),
                              fragment_library((VkRenderPass)&render_pass, 0, true),
                              fragment_library((VkRenderPass)&color_pass, 0, false)};
   test_linking(pipelines, 0);
   test_linking(pipelines, VK_PIPELINE_CREATE_LIBRARY_BIT_KHR);
   test_linking_fragment_shader(pipelines[1], pipelines[3], STAGES | MULTISAMPLE | DEPTH_STENCIL | LAYOUT);
   test_linking_fragment_shader(pipelines[1], more[2], STAGES | MULTISAMPLE | LAYOUT);
   test_linking_fragment_shader(more[0], pipelines[3], STAGES | LAYOUT);
   test_linking_mesh(more[1]);
   for (unsigned i = 0; i < sizeof(pipelines) / sizeof(pipelines[0]); i++)
      destroy(pipelines[i]);
   for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
      destroy(more[i]);
}

/* --- what all kinds have --- */

static void test_base(void)
{
   VkGraphicsPipelineCreateInfo info = full_info(); /* index -1, but no derivative: garbage */
   CHECK(arriving_parts(&info) == FULL);
   info.flags = VK_PIPELINE_CREATE_DERIVATIVE_BIT;
   info.basePipelineIndex = 0;
   CHECK(arriving_parts(&info) == FULL);
   info.basePipelineIndex = -1;
   info.basePipelineHandle = (VkPipeline)&base;
   CHECK(arriving_parts(&info) == (FULL | BASE));
#ifdef VK_KHR_maintenance5
   VkPipelineCreateFlags2CreateInfoKHR flags2 = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2_CREATE_INFO_KHR};
   info.pNext = &flags2; /* instead of the other flags */
   info.basePipelineHandle = GARBAGE;
   CHECK(arriving_parts(&info) == FULL);
   info.flags = 0;
   info.basePipelineHandle = (VkPipeline)&base;
   flags2.flags = VK_PIPELINE_CREATE_2_DERIVATIVE_BIT_KHR;
   CHECK(arriving_parts(&info) == (FULL | BASE));
#endif
}

static void test_inline_shader(void)
{
   /* An empty function and its entry point. */
   const uint32_t code[] = {0x07230203, 0x10000, 0, 9, 0, ENTRY_POINT(0), 5 << 16 | 54, 2, 1, 0, 3, 1 << 16 | 56};
   const VkShaderModuleCreateInfo direct = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(code), .pCode = code};
   VkPipelineShaderStageCreateInfo stage = STAGE(VK_SHADER_STAGE_VERTEX_BIT);
   stage.pNext = &direct;
   stage.module = VK_NULL_HANDLE;
   VkGraphicsPipelineCreateInfo info = full_info();
   info.stageCount = 1;
   info.pStages = &stage;
   const VkGraphicsPipelineCreateInfo *a = arrives(&info);
   const VkShaderModuleCreateInfo *arrived = node(a->pStages[0].pNext, direct.sType);
   CHECK(!a->pStages[0].module && arrived && arrived->codeSize == sizeof(code) && arrived->pCode[1] == 0x10000);
}

static VkComputePipelineCreateInfo compute_info(void)
{
   return (VkComputePipelineCreateInfo){.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                        .stage = STAGE(VK_SHADER_STAGE_COMPUTE_BIT),
                                        .layout = (VkPipelineLayout)&layout,
                                        .basePipelineHandle = GARBAGE,
                                        .basePipelineIndex = -1};
}

static void test_compute(void)
{
   VkComputePipelineCreateInfo infos[2] = {compute_info(), compute_info()};
   VkPipeline pipelines[2];
   infos[1].flags = VK_PIPELINE_CREATE_DERIVATIVE_BIT;
   infos[1].basePipelineHandle = (VkPipeline)&base;
   CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 2, infos, NULL, pipelines) == VK_SUCCESS);
   const struct vp_cmd_vkCreateComputePipelines *a = peer_next(&peer, &seen, VP_CMD_vkCreateComputePipelines);
   CHECK(a && !a->pCreateInfos[0].basePipelineHandle && id(a->pCreateInfos[1].basePipelineHandle) == 503);
   CHECK(a && id(a->pPipelines[1]) == id_of(pipelines[1]) && id(a->pCreateInfos[0].layout) == 501);
   destroy(pipelines[0]);
   destroy(pipelines[1]);
}

static void test_ray_tracing(void)
{
   struct vp_object operation = {.id = 506, .type = VK_OBJECT_TYPE_DEFERRED_OPERATION_KHR};
   const VkPipelineShaderStageCreateInfo stage = STAGE(VK_SHADER_STAGE_RAYGEN_BIT_KHR);
   const VkRayTracingShaderGroupCreateInfoKHR group = {
      .sType = VK_STRUCTURE_TYPE_RAY_TRACING_SHADER_GROUP_CREATE_INFO_KHR, .pShaderGroupCaptureReplayHandle = GARBAGE};
   const VkPipeline library = (VkPipeline)&base;
   const VkPipelineLibraryCreateInfoKHR linked = libraries(1, &library);
   const VkRayTracingPipelineInterfaceCreateInfoKHR interface = {
      .sType = VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_INTERFACE_CREATE_INFO_KHR, .maxPipelineRayPayloadSize = 32};
   const VkRayTracingPipelineCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_CREATE_INFO_KHR,
                                                   .stageCount = 1,
                                                   .pStages = &stage,
                                                   .groupCount = 1,
                                                   .pGroups = &group,
                                                   .pLibraryInfo = &linked,
                                                   .pLibraryInterface = &interface,
                                                   .layout = (VkPipelineLayout)&layout,
                                                   .basePipelineHandle = GARBAGE};
   for (unsigned deferred = 0; deferred < 2; deferred++) {
      VkPipeline pipeline;
      const VkDeferredOperationKHR handle = deferred ? (VkDeferredOperationKHR)&operation : VK_NULL_HANDLE;
      CHECK(vp_vkCreateRayTracingPipelinesKHR(peer_device(&peer), handle, VK_NULL_HANDLE, 1, &info, NULL, &pipeline) ==
            (deferred ? VK_OPERATION_NOT_DEFERRED_KHR : VK_SUCCESS));
      const struct vp_cmd_vkCreateRayTracingPipelinesKHR *a =
         peer_next(&peer, &seen, VP_CMD_vkCreateRayTracingPipelinesKHR);
      CHECK(a && !a->deferredOperation && !a->pCreateInfos[0].basePipelineHandle);
      CHECK(a && id(a->pCreateInfos[0].pLibraryInfo->pLibraries[0]) == 503);
      CHECK(a && a->pCreateInfos[0].pLibraryInterface->maxPipelineRayPayloadSize == 32);
      destroy(pipeline);
   }
}

/* --- creation that waits --- */

static _Atomic int32_t answer_result;
static atomic_uint answer_created; /* bit by bit */

static void fill_answer(uint32_t count, VkBool32 *created, uint32_t feedback_count,
                        VkPipelineCreationFeedback *feedback)
{
   for (uint32_t i = 0; i < count; i++)
      created[i] = answer_created >> i & 1;
   for (uint32_t i = 0; i < feedback_count; i++)
      feedback[i] = (VkPipelineCreationFeedback){VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT, 100 + i};
}

static void respond(uint32_t number, void *args)
{
   struct vp_cmd_vkCreateGraphicsPipelinesVP *graphics = args;
   struct vp_cmd_vkCreateComputePipelinesVP *compute = args;
   struct vp_cmd_vkCreateRayTracingPipelinesVP *ray_tracing = args;
   if (number == VP_CMD_vkCreateGraphicsPipelinesVP) {
      graphics->ret = (VkResult)answer_result;
      fill_answer(graphics->createInfoCount, graphics->pCreated, graphics->feedbackCount, graphics->pFeedback);
   } else if (number == VP_CMD_vkCreateComputePipelinesVP) {
      compute->ret = (VkResult)answer_result;
      fill_answer(compute->createInfoCount, compute->pCreated, compute->feedbackCount, compute->pFeedback);
   } else if (number == VP_CMD_vkCreateRayTracingPipelinesVP) {
      ray_tracing->ret = (VkResult)answer_result;
      fill_answer(ray_tracing->createInfoCount, ray_tracing->pCreated, ray_tracing->feedbackCount,
                  ray_tracing->pFeedback);
   }
}

static void expect(VkResult result, unsigned created)
{
   answer_result = result;
   answer_created = created;
}

static void test_compile_required(void)
{
   VkComputePipelineCreateInfo infos[3] = {compute_info(), compute_info(), compute_info()};
   VkPipeline pipelines[3] = {GARBAGE, GARBAGE, GARBAGE};
   infos[1].flags = VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT;
   expect(VK_PIPELINE_COMPILE_REQUIRED, 5);
   CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 3, infos, NULL, pipelines) ==
         VK_PIPELINE_COMPILE_REQUIRED);
   const struct vp_cmd_vkCreateComputePipelinesVP *a = peer_next(&peer, &seen, VP_CMD_vkCreateComputePipelinesVP);
   CHECK(a && a->createInfoCount == 3 && a->feedbackCount == 0);
   CHECK(pipelines[0] && !pipelines[1] && pipelines[2]);
   CHECK(a && id(a->pPipelines[0]) == id_of(pipelines[0]) && id(a->pPipelines[2]) == id_of(pipelines[2]));
   destroy(pipelines[0]);
   destroy(pipelines[2]);

   infos[1].flags = VK_PIPELINE_CREATE_EARLY_RETURN_ON_FAILURE_BIT;
   expect(VK_ERROR_OUT_OF_DEVICE_MEMORY, 0);
   CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 3, infos, NULL, pipelines) ==
         VK_ERROR_OUT_OF_DEVICE_MEMORY);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateComputePipelinesVP));
   CHECK(!pipelines[0] && !pipelines[1] && !pipelines[2]);
}

/* What the driver is likely to refuse waits for its answer: here, that it does. */
static void test_unsound(void)
{
   static const uint32_t unfinished[] = {0x07230203, 0x10000, 0, 9, 0, ENTRY_POINT(5), 5 << 16 | 54, 2, 1, 0, 3};
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(unfinished), .pCode = unfinished};
   const VkSpecializationMapEntry beyond = {.offset = 4, .size = 8};
   const VkSpecializationInfo constants = {
      .mapEntryCount = 1, .pMapEntries = &beyond, .dataSize = 8, .pData = unfinished};
   VkComputePipelineCreateInfo infos[4] = {compute_info(), compute_info(), compute_info(), compute_info()};
   infos[0].stage.pName = "mai";
   infos[1].stage.stage = VK_SHADER_STAGE_GEOMETRY_BIT;
   infos[2].stage.module = VK_NULL_HANDLE;
   infos[2].stage.pNext = &code;
   infos[3].stage.pSpecializationInfo = &constants;
   for (unsigned i = 0; i < 4; i++) {
      VkPipeline pipeline = GARBAGE;
      expect(VK_ERROR_UNKNOWN, 0);
      CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 1, &infos[i], NULL, &pipeline) ==
            VK_ERROR_UNKNOWN);
      CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateComputePipelinesVP) && !pipeline);
   }
}

static bool feedback_is(const VkPipelineCreationFeedback *feedback, uint64_t duration)
{
   return feedback->flags == VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT && feedback->duration == duration;
}

static void test_feedback(void)
{
   VkPipelineCreationFeedback own[2], stages[2];
   memset(own, 0xcc, sizeof(own));
   memset(stages, 0xcc, sizeof(stages));
   const VkPipelineCreationFeedbackCreateInfo first = {.sType =
                                                          VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO,
                                                       .pPipelineCreationFeedback = &own[0],
                                                       .pipelineStageCreationFeedbackCount = 2,
                                                       .pPipelineStageCreationFeedbacks = stages};
   const VkPipelineCreationFeedbackCreateInfo second = {.sType =
                                                           VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO,
                                                        .pPipelineCreationFeedback = &own[1],
                                                        .pPipelineStageCreationFeedbacks = GARBAGE};
   VkGraphicsPipelineCreateInfo infos[3] = {full_info(), full_info(), full_info()};
   VkPipeline pipelines[3];
   infos[0].pNext = &first;
   infos[2].pNext = &second;
   expect(VK_SUCCESS, 7);
   CHECK(vp_vkCreateGraphicsPipelines(peer_device(&peer), VK_NULL_HANDLE, 3, infos, NULL, pipelines) == VK_SUCCESS);
   const struct vp_cmd_vkCreateGraphicsPipelinesVP *a = peer_next(&peer, &seen, VP_CMD_vkCreateGraphicsPipelinesVP);
   CHECK(feedback_is(&own[0], 100) && feedback_is(&stages[0], 101) && feedback_is(&stages[1], 102));
   CHECK(feedback_is(&own[1], 103));
   const VkPipelineCreationFeedbackCreateInfo *arrived = a ? node(a->pCreateInfos[0].pNext, first.sType) : NULL;
   CHECK(arrived && arrived->pPipelineCreationFeedback->flags == 0 &&
         arrived->pPipelineStageCreationFeedbacks[1].flags == 0);
   CHECK(a && a->feedbackCount == 4 && parts(&a->pCreateInfos[1]) == FULL);
   for (unsigned i = 0; i < 3; i++)
      destroy(pipelines[i]);
}

static void test_ray_tracing_feedback(void)
{
   VkPipelineCreationFeedback feedback = {0};
   const VkPipelineCreationFeedbackCreateInfo wanted = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, .pPipelineCreationFeedback = &feedback};
   const VkRayTracingPipelineCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_RAY_TRACING_PIPELINE_CREATE_INFO_KHR,
                                                   .pNext = &wanted,
                                                   .layout = (VkPipelineLayout)&layout,
                                                   .pStages = GARBAGE,
                                                   .pGroups = GARBAGE};
   struct vp_object operation = {.id = 506, .type = VK_OBJECT_TYPE_DEFERRED_OPERATION_KHR};
   VkPipeline pipeline = GARBAGE;
   expect(VK_ERROR_OUT_OF_HOST_MEMORY, 0); /* even then there may be feedback */
   CHECK(vp_vkCreateRayTracingPipelinesKHR(peer_device(&peer), (VkDeferredOperationKHR)&operation, VK_NULL_HANDLE, 1,
                                           &info, NULL, &pipeline) == VK_ERROR_OUT_OF_HOST_MEMORY);
   CHECK(peer_next(&peer, &seen, VP_CMD_vkCreateRayTracingPipelinesVP));
   CHECK(!pipeline && feedback_is(&feedback, 100));
}

static void test_lost(void)
{
   VkPipelineCreationFeedback feedback;
   memset(&feedback, 0xcc, sizeof(feedback));
   const VkPipelineCreationFeedbackCreateInfo wanted = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO, .pPipelineCreationFeedback = &feedback};
   VkComputePipelineCreateInfo info = compute_info();
   VkPipeline pipeline = GARBAGE;
   info.pNext = &wanted;
   peer.deaf = true;
   CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 1, &info, NULL, &pipeline) ==
         VK_ERROR_DEVICE_LOST);
   CHECK(!pipeline && feedback.flags == 0);
   info.pNext = NULL;
   pipeline = GARBAGE;
   CHECK(vp_vkCreateComputePipelines(peer_device(&peer), VK_NULL_HANDLE, 1, &info, NULL, &pipeline) ==
         VK_ERROR_DEVICE_LOST);
   CHECK(!pipeline);
}

int main(void)
{
   peer_start(&peer, commands, sizeof(commands) / sizeof(commands[0]), respond);
   test_everything();
   test_discard();
   test_attachments();
   test_mesh();
   test_dynamic_state();
   test_rendering();
   test_libraries();
   test_base();
   test_inline_shader();
   test_compute();
   test_ray_tracing();
   test_compile_required();
   test_unsound();
   test_feedback();
   test_ray_tracing_feedback();
   test_lost();
   peer_stop(&peer);
   return check_finish();
}
