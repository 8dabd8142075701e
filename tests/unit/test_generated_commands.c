/* SPDX-License-Identifier: MIT */
/* Commands that the GPU makes: which of them never reach a driver, and what they may write to. */

#include "server/memory/writes.h"
#include "tests/unit/checks.h"

enum {
   PIPELINE = FREE,
   GROUPED,
   COMMANDS_LAYOUT,
   CHOOSING_LAYOUT,
   EXECUTION_SET,
   SHADER,
   STREAM_LAYOUT,
   OTHER_COMMANDS
};

/* Its shader writes to nothing. */
static VkPipeline create_compute(void)
{
   static const uint32_t words[] = {0x07230203, 0x10000, 0, 1, 0};
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(words), .pCode = words};
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .layout = OBJECT(VkPipelineLayout, LAYOUT),
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = &code,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main"},
   };
   VkPipeline pipeline = OBJECT(VkPipeline, PIPELINE);
   GOOD(vkCreateComputePipelines, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
        .pPipelines = &pipeline);
   return pipeline;
}

static unsigned classes(void)
{
   return writes_of(COMMANDS).classes;
}

/* --- VK_EXT_device_generated_commands --- */

#ifdef VK_EXT_device_generated_commands

static const VkIndirectCommandsExecutionSetTokenEXT choice = {.type = VK_INDIRECT_EXECUTION_SET_INFO_TYPE_PIPELINES_EXT,
                                                              .shaderStages = VK_SHADER_STAGE_COMPUTE_BIT};

static VkIndirectCommandsLayoutTokenEXT token_of(VkIndirectCommandsTokenTypeEXT type, uint32_t offset)
{
   return (VkIndirectCommandsLayoutTokenEXT){.sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_TOKEN_EXT,
                                             .type = type,
                                             .data.pExecutionSet = &choice,
                                             .offset = offset};
}

static VkIndirectCommandsLayoutCreateInfoEXT layout_of(const VkIndirectCommandsLayoutTokenEXT *tokens, uint32_t count)
{
   return (VkIndirectCommandsLayoutCreateInfoEXT){.sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_CREATE_INFO_EXT,
                                                  .shaderStages = VK_SHADER_STAGE_COMPUTE_BIT,
                                                  .indirectStride = 16,
                                                  .tokenCount = count,
                                                  .pTokens = tokens};
}

static void refuse_layout(const char *why, const VkIndirectCommandsLayoutTokenEXT *token, uint32_t count)
{
   VkIndirectCommandsLayoutCreateInfoEXT info = layout_of(token, count);
   VkIndirectCommandsLayoutEXT layout = OBJECT(VkIndirectCommandsLayoutEXT, COMMANDS_LAYOUT);
   BAD(why, vkCreateIndirectCommandsLayoutEXT, .device = DEVICE_OBJECT, .pCreateInfo = &info,
       .pIndirectCommandsLayout = &layout);
}

static void create_layouts(void)
{
   const VkIndirectCommandsLayoutTokenEXT tokens[] = {token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT, 0),
                                                      token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_DISPATCH_EXT, 4)};
   VkIndirectCommandsLayoutCreateInfoEXT info = layout_of(tokens + 1, 1);
   VkIndirectCommandsLayoutEXT layout = OBJECT(VkIndirectCommandsLayoutEXT, COMMANDS_LAYOUT);
   GOOD(vkCreateIndirectCommandsLayoutEXT, .device = DEVICE_OBJECT, .pCreateInfo = &info,
        .pIndirectCommandsLayout = &layout);
   layout = OBJECT(VkIndirectCommandsLayoutEXT, CHOOSING_LAYOUT);
   info = layout_of(tokens, 2);
   GOOD(vkCreateIndirectCommandsLayoutEXT, .device = DEVICE_OBJECT, .pCreateInfo = &info,
        .pIndirectCommandsLayout = &layout);
}

static void test_tokens(void)
{
   const VkIndirectCommandsVertexBufferTokenEXT vertices = {.vertexBindingUnit = 32};
   const VkIndirectCommandsPushConstantTokenEXT push = {.updateRange = {VK_SHADER_STAGE_ALL, 252, 8}};
   VkIndirectCommandsLayoutTokenEXT tokens[5];
   for (unsigned i = 0; i < 5; i++)
      tokens[i] = token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_DISPATCH_EXT, 256);
   refuse_layout("maxIndirectCommandsTokenCount", tokens, 5);
   refuse_layout("has no tokens", NULL, 0);
   tokens[0].offset = 257;
   refuse_layout("maxIndirectCommandsTokenOffset", tokens, 1);
   tokens[0] = token_of((VkIndirectCommandsTokenTypeEXT)77, 0);
   refuse_layout("no type of tokens", tokens, 1);
   const VkIndirectCommandsExecutionSetTokenEXT strange = {.type = (VkIndirectExecutionSetInfoTypeEXT)2};
   tokens[0] = tokens[1] = token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT, 0);
   refuse_layout("the one token for a set", tokens, 2);
   tokens[0].data.pExecutionSet = &strange;
   refuse_layout("no type of sets", tokens, 1);
   tokens[0] = token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_VERTEX_BUFFER_EXT, 0);
   tokens[0].data.pVertexBuffer = &vertices;
   refuse_layout("maxVertexInputBindings", tokens, 1);
   tokens[0] = token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_SEQUENCE_INDEX_EXT, 0);
   tokens[0].data.pPushConstant = &push;
   refuse_layout("8 bytes from 252 on", tokens, 1);
}

static const VkIndirectExecutionSetPipelineInfoEXT *pipelines_of(uint32_t count)
{
   static VkIndirectExecutionSetPipelineInfoEXT info;
   info = (VkIndirectExecutionSetPipelineInfoEXT){.sType = VK_STRUCTURE_TYPE_INDIRECT_EXECUTION_SET_PIPELINE_INFO_EXT,
                                                  .initialPipeline = OBJECT(VkPipeline, PIPELINE),
                                                  .maxPipelineCount = count};
   return &info;
}

static void create_all(void)
{
   const VkIndirectExecutionSetCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_INDIRECT_EXECUTION_SET_CREATE_INFO_EXT,
                                                     .type = VK_INDIRECT_EXECUTION_SET_INFO_TYPE_PIPELINES_EXT,
                                                     .info.pPipelineInfo = pipelines_of(16)};
   VkIndirectExecutionSetEXT set = OBJECT(VkIndirectExecutionSetEXT, EXECUTION_SET);
   create_layouts();
   create_compute();
   GOOD(vkCreateIndirectExecutionSetEXT, .device = DEVICE_OBJECT, .pCreateInfo = &info, .pIndirectExecutionSet = &set);
}

static void test_sets(void)
{
   VkIndirectExecutionSetCreateInfoEXT info = {.sType = VK_STRUCTURE_TYPE_INDIRECT_EXECUTION_SET_CREATE_INFO_EXT,
                                               .type = VK_INDIRECT_EXECUTION_SET_INFO_TYPE_PIPELINES_EXT};
   VkIndirectExecutionSetEXT set = OBJECT(VkIndirectExecutionSetEXT, EXECUTION_SET);
   VkWriteIndirectExecutionSetPipelineEXT write = {.sType = VK_STRUCTURE_TYPE_WRITE_INDIRECT_EXECUTION_SET_PIPELINE_EXT,
                                                   .index = 15,
                                                   .pipeline = OBJECT(VkPipeline, PIPELINE)};
#define CREATE .device = DEVICE_OBJECT, .pCreateInfo = &info, .pIndirectExecutionSet = &set
#define UPDATE .device = DEVICE_OBJECT, .indirectExecutionSet = set, .executionSetWriteCount = 1
   create_compute();
   info.info.pPipelineInfo = pipelines_of(17);
   BAD("maxIndirectPipelineCount", vkCreateIndirectExecutionSetEXT, CREATE);
   create_compute();
   info.info.pPipelineInfo = pipelines_of(0);
   BAD("has no pipelines", vkCreateIndirectExecutionSetEXT, CREATE);
   create_all();
   GOOD(vkUpdateIndirectExecutionSetPipelineEXT, UPDATE, .pExecutionSetWrites = &write);
   write.index = 16;
   BAD("1 from 16 on", vkUpdateIndirectExecutionSetPipelineEXT, UPDATE, .pExecutionSetWrites = &write);
#ifdef VK_EXT_shader_object
   static const uint32_t code[8] = {0x07230203, 0x10000, 0, 100};
   const VkShaderCreateInfoEXT shader_info = {.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                              .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                              .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                              .codeSize = sizeof(code),
                                              .pCode = code,
                                              .pName = "main"};
   VkShaderEXT shader = OBJECT(VkShaderEXT, SHADER);
   const VkWriteIndirectExecutionSetShaderEXT other = {
      .sType = VK_STRUCTURE_TYPE_WRITE_INDIRECT_EXECUTION_SET_SHADER_EXT, .shader = shader};
   create_all();
   GOOD(vkCreateShadersEXT, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &shader_info,
        .pShaders = &shader);
   BAD("the set has no shaders", vkUpdateIndirectExecutionSetShaderEXT, UPDATE, .pExecutionSetWrites = &other);
#endif
#undef CREATE
#undef UPDATE
}

static void test_execution(void)
{
   VkGeneratedCommandsInfoEXT info = {.sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_INFO_EXT,
                                      .shaderStages = VK_SHADER_STAGE_COMPUTE_BIT,
                                      .indirectCommandsLayout = OBJECT(VkIndirectCommandsLayoutEXT, COMMANDS_LAYOUT),
                                      .maxSequenceCount = 1024};
   create_all();
   create_commands(POOL, OTHER_COMMANDS, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   begin(OTHER_COMMANDS);
   GOOD_CMD(vkCmdPreprocessGeneratedCommandsEXT, .pGeneratedCommandsInfo = &info,
            .stateCommandBuffer = OBJECT(VkCommandBuffer, OTHER_COMMANDS));
   CHECK(classes() == VPS_WRITES_ADDRESS); /* what is prepared */
   info.indirectCommandsLayout = OBJECT(VkIndirectCommandsLayoutEXT, CHOOSING_LAYOUT);
   info.indirectExecutionSet = OBJECT(VkIndirectExecutionSetEXT, EXECUTION_SET);
   GOOD_CMD(vkCmdExecuteGeneratedCommandsEXT, .pGeneratedCommandsInfo = &info);
   CHECK(classes() == VPS_WRITES_SHADERS); /* any of the set */
   info.maxSequenceCount = 1025;
   BAD_CMD("maxIndirectSequenceCount", vkCmdExecuteGeneratedCommandsEXT, .pGeneratedCommandsInfo = &info);
   create_all();
   info.maxSequenceCount = 1;
   VkIndirectCommandsExecutionSetTokenEXT shaders = choice;
   shaders.type = VK_INDIRECT_EXECUTION_SET_INFO_TYPE_SHADER_OBJECTS_EXT;
   VkIndirectCommandsLayoutTokenEXT token = token_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT, 0);
   token.data.pExecutionSet = &shaders;
   const VkIndirectCommandsLayoutCreateInfoEXT of_shaders = layout_of(&token, 1);
   VkIndirectCommandsLayoutEXT layout = OBJECT(VkIndirectCommandsLayoutEXT, STREAM_LAYOUT);
   GOOD(vkCreateIndirectCommandsLayoutEXT, .device = DEVICE_OBJECT, .pCreateInfo = &of_shaders,
        .pIndirectCommandsLayout = &layout);
   info.indirectCommandsLayout = layout;
   BAD_CMD("take a set of shaders", vkCmdExecuteGeneratedCommandsEXT, .pGeneratedCommandsInfo = &info);
   create_all();
   info.indirectCommandsLayout = OBJECT(VkIndirectCommandsLayoutEXT, CHOOSING_LAYOUT);
   info.indirectExecutionSet = VK_NULL_HANDLE;
   BAD_CMD("there is none", vkCmdExecuteGeneratedCommandsEXT, .pGeneratedCommandsInfo = &info);
   create_all();
   info.indirectCommandsLayout = OBJECT(VkIndirectCommandsLayoutEXT, COMMANDS_LAYOUT);
   GOOD_CMD(vkCmdBindPipeline, .pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE,
            .pipeline = OBJECT(VkPipeline, PIPELINE));
   GOOD_CMD(vkCmdExecuteGeneratedCommandsEXT, .pGeneratedCommandsInfo = &info);
   CHECK(classes() == VPS_WRITES_ADDRESS); /* the shader that is bound writes to nothing */
}

#else

static void test_tokens(void)
{
}

static void test_sets(void)
{
}

static void test_execution(void)
{
}

#endif

/* --- VK_NV_device_generated_commands --- */

static void create_streams_of(VkIndirectCommandsTokenTypeNV type, uint32_t stream, uint32_t stride, const char *why)
{
   const VkIndirectCommandsLayoutTokenNV token = {
      .sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_TOKEN_NV, .tokenType = type, .stream = stream};
   const uint32_t strides[] = {stride, 64};
   const VkIndirectCommandsLayoutCreateInfoNV info = {.sType =
                                                         VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_CREATE_INFO_NV,
                                                      .tokenCount = 1,
                                                      .pTokens = &token,
                                                      .streamCount = 2,
                                                      .pStreamStrides = strides};
   VkIndirectCommandsLayoutNV layout = OBJECT(VkIndirectCommandsLayoutNV, STREAM_LAYOUT);
   if (why)
      BAD(why, vkCreateIndirectCommandsLayoutNV, .device = DEVICE_OBJECT, .pCreateInfo = &info,
          .pIndirectCommandsLayout = &layout);
   else
      GOOD(vkCreateIndirectCommandsLayoutNV, .device = DEVICE_OBJECT, .pCreateInfo = &info,
           .pIndirectCommandsLayout = &layout);
}

static void create_streams(uint32_t stream, uint32_t stride, const char *why)
{
   create_streams_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_NV, stream, stride, why);
}

/* Two streams of 64 sequences each fill the buffer. */
static VkGeneratedCommandsInfoNV generated_nv(const VkIndirectCommandsStreamNV *streams)
{
   create_streams(1, 64, NULL);
   return (VkGeneratedCommandsInfoNV){.sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_INFO_NV,
                                      .pipeline = create_compute(), /* older headers want one */
                                      .indirectCommandsLayout = OBJECT(VkIndirectCommandsLayoutNV, STREAM_LAYOUT),
                                      .streamCount = 2,
                                      .pStreams = streams,
                                      .sequencesCount = SIZE / 64,
                                      .preprocessBuffer = OBJECT(VkBuffer, OTHER),
                                      .preprocessSize = SIZE};
}

static void test_streams(void)
{
   VkIndirectCommandsStreamNV streams[] = {{OBJECT(VkBuffer, BUFFER), 0}, {OBJECT(VkBuffer, BUFFER), 0}};
   create_streams(2, 64, "the number of streams");
   create_streams(0, 257, "maxIndirectCommandsStreamStride");
   create_streams_of((VkIndirectCommandsTokenTypeNV)77, 0, 64, "no type of tokens");
   create_streams_of(VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV, 0, 64, "push constants have no layout");
   VkGeneratedCommandsInfoNV info = generated_nv(streams);
   GOOD_CMD(vkCmdPreprocessGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   CHECK(classes() == VPS_WRITES_ALL); /* nobody knows where the buffer lies, since no memory is bound to it */
   GOOD_CMD(vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   streams[1].offset = 4;
   BAD_CMD("the buffer of a stream", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   streams[1].offset = 0;
#ifdef VK_NV_device_generated_commands_compute
   info = generated_nv(streams);
   info.pipeline = VK_NULL_HANDLE;
   BAD_CMD("the commands have no pipeline", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
#endif
   info = generated_nv(streams);
   info.preprocessOffset = 4;
   BAD_CMD("preprocessBuffer", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   info = generated_nv(streams);
   info.sequencesCountBuffer = OBJECT(VkBuffer, BUFFER);
   info.sequencesCountOffset = SIZE - 3;
   BAD_CMD("sequencesCountBuffer", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   info = generated_nv(streams);
   info.sequencesIndexBuffer = OBJECT(VkBuffer, BUFFER);
   info.sequencesIndexOffset = SIZE - 252;
   BAD_CMD("sequencesIndexBuffer", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   info = generated_nv(streams);
   info.streamCount = 1;
   BAD_CMD("has 2 streams", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
   info = generated_nv(streams);
   info.sequencesCount = 1025;
   BAD_CMD("maxIndirectSequenceCount", vkCmdExecuteGeneratedCommandsNV, .pGeneratedCommandsInfo = &info);
}

/* A pipeline with so many groups of its own, and those of another one. */
static void create_grouped(unsigned which, uint32_t count, const VkPipeline *other)
{
   const VkPipelineShaderStageCreateInfo stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                  .stage = VK_SHADER_STAGE_VERTEX_BIT,
                                                  .module = OBJECT(VkShaderModule, MODULE),
                                                  .pName = "main"};
   const VkGraphicsShaderGroupCreateInfoNV group = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_SHADER_GROUP_CREATE_INFO_NV, .stageCount = 1, .pStages = &stage};
   const VkGraphicsShaderGroupCreateInfoNV groups[] = {group, group};
   const VkGraphicsPipelineShaderGroupsCreateInfoNV chain = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV,
      .groupCount = count,
      .pGroups = groups,
      .pipelineCount = other ? 1 : 0,
      .pPipelines = other};
   const VkGraphicsPipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                              .pNext = &chain,
                                              .stageCount = 1,
                                              .pStages = &stage,
                                              .layout = OBJECT(VkPipelineLayout, LAYOUT)};
   VkPipeline pipeline = OBJECT(VkPipeline, which);
   GOOD(vkCreateGraphicsPipelines, .device = DEVICE_OBJECT, .createInfoCount = 1, .pCreateInfos = &info,
        .pPipelines = &pipeline);
}

static void test_groups(void)
{
   const VkPipeline first = OBJECT(VkPipeline, PIPELINE), second = OBJECT(VkPipeline, GROUPED);
   create_grouped(PIPELINE, 2, NULL);
   create_grouped(GROUPED, 1, &first);
   GOOD_CMD(vkCmdBindPipelineShaderGroupNV, .pipeline = first, .groupIndex = 1);
   GOOD_CMD(vkCmdBindPipelineShaderGroupNV, .pipeline = second, .groupIndex = 2);
   CHECK(classes() == 0);
   GOOD_CMD(vkCmdDraw, .vertexCount = 3);
   CHECK(classes() == VPS_WRITES_SHADERS);
   BAD_CMD("groups of shaders", vkCmdBindPipelineShaderGroupNV, .pipeline = second, .groupIndex = 3);
   create_compute();
   BAD_CMD("groups of shaders", vkCmdBindPipelineShaderGroupNV, .pipeline = first, .groupIndex = 0);
}

int main(void)
{
   open_all();
   test_tokens();
   test_sets();
   test_execution();
   test_streams();
   test_groups();
   session_close();
   return check_finish();
}
