/* SPDX-License-Identifier: MIT */
/* Commands that the GPU makes, by VK_NV_device_generated_commands: draws with the pipeline that is bound and with one
 * of its groups of shaders, and, where there is VK_NV_device_generated_commands_compute, dispatches that choose a
 * pipeline. Prints what they wrote. */
#include "tests/e2e/work.h"
#include "work_comp.h"
#include "work_frag.h"
#include "work_vert.h"

#define SEQUENCES 4u
#define STRIDE 64u

static struct {
   struct gpu gpu;
   VkPhysicalDeviceDeviceGeneratedCommandsPropertiesNV limits;
   struct work_layout layout;
   struct gpu_buffer words, stream, count;
   VkDescriptorPool set_pool;
   VkDescriptorSet set;
   VkCommandPool pool;
   VkCommandBuffer commands;
   PFN_vkCreateIndirectCommandsLayoutNV create_layout;
   PFN_vkDestroyIndirectCommandsLayoutNV destroy_layout;
   PFN_vkGetGeneratedCommandsMemoryRequirementsNV get_requirements;
   PFN_vkCmdExecuteGeneratedCommandsNV execute;
   PFN_vkCmdPreprocessGeneratedCommandsNV preprocess;
   PFN_vkCmdBindPipelineShaderGroupNV bind_group;
} w;

static void get_functions(void)
{
   const VkDevice device = w.gpu.device;
   w.create_layout =
      (PFN_vkCreateIndirectCommandsLayoutNV)vkGetDeviceProcAddr(device, "vkCreateIndirectCommandsLayoutNV");
   w.destroy_layout =
      (PFN_vkDestroyIndirectCommandsLayoutNV)vkGetDeviceProcAddr(device, "vkDestroyIndirectCommandsLayoutNV");
   w.get_requirements = (PFN_vkGetGeneratedCommandsMemoryRequirementsNV)vkGetDeviceProcAddr(
      device, "vkGetGeneratedCommandsMemoryRequirementsNV");
   w.execute = (PFN_vkCmdExecuteGeneratedCommandsNV)vkGetDeviceProcAddr(device, "vkCmdExecuteGeneratedCommandsNV");
   w.preprocess =
      (PFN_vkCmdPreprocessGeneratedCommandsNV)vkGetDeviceProcAddr(device, "vkCmdPreprocessGeneratedCommandsNV");
   w.bind_group = (PFN_vkCmdBindPipelineShaderGroupNV)vkGetDeviceProcAddr(device, "vkCmdBindPipelineShaderGroupNV");
}

/* With `compute`, the extension for that, too. */
static void world_open(bool compute)
{
   const char *extensions[2] = {VK_NV_DEVICE_GENERATED_COMMANDS_EXTENSION_NAME};
   VkPhysicalDeviceDeviceGeneratedCommandsFeaturesNV features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_FEATURES_NV};
#ifdef VK_NV_device_generated_commands_compute
   VkPhysicalDeviceDeviceGeneratedCommandsComputeFeaturesNV more = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_COMPUTE_FEATURES_NV};
   extensions[1] = VK_NV_DEVICE_GENERATED_COMMANDS_COMPUTE_EXTENSION_NAME;
   features.pNext = compute ? &more : NULL;
#endif
   memset(&w, 0, sizeof(w));
   work_open(&w.gpu, &features, extensions, compute ? 2 : 1);
   NEED(features.deviceGeneratedCommands);
   w.limits.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_PROPERTIES_NV;
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                             .pNext = &w.limits};
   vkGetPhysicalDeviceProperties2(w.gpu.physical, &properties);
   NEED(w.limits.minIndirectCommandsBufferOffsetAlignment <= 256);
   get_functions();
   w.layout = work_create_layout(&w.gpu, 0);
   w.words = gpu_map_addressed(&w.gpu, (VkDeviceSize)4 * WORK_WORDS, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   w.stream = gpu_map_addressed(&w.gpu, (VkDeviceSize)SEQUENCES * STRIDE, VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, NULL);
   w.count = gpu_map_addressed(&w.gpu, 256, VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, NULL);
   w.set = work_create_set(&w.gpu, &w.layout, &w.words, &w.set_pool);
   w.commands = gpu_create_commands(&w.gpu, &w.pool);
}

static void world_close(void)
{
   vkDestroyCommandPool(w.gpu.device, w.pool, NULL);
   vkDestroyDescriptorPool(w.gpu.device, w.set_pool, NULL);
   gpu_free_buffer(&w.gpu, &w.words);
   gpu_free_buffer(&w.gpu, &w.stream);
   gpu_free_buffer(&w.gpu, &w.count);
   work_free_layout(&w.gpu, &w.layout);
   gpu_close(&w.gpu);
}

static struct gpu_buffer create_prepared(VkPipelineBindPoint point, VkPipeline pipeline,
                                         VkIndirectCommandsLayoutNV layout)
{
   const VkGeneratedCommandsMemoryRequirementsInfoNV question = {
      .sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_MEMORY_REQUIREMENTS_INFO_NV,
      .pipelineBindPoint = point,
      .pipeline = pipeline,
      .indirectCommandsLayout = layout,
      .maxSequencesCount = SEQUENCES};
   VkMemoryRequirements2 wanted = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   w.get_requirements(w.gpu.device, &question, &wanted);
   return work_create_prepared(&w.gpu, &wanted.memoryRequirements,
                               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT, NULL);
}

static VkIndirectCommandsLayoutNV create_layout(VkPipelineBindPoint point,
                                                const VkIndirectCommandsLayoutTokenNV *tokens, uint32_t count)
{
   const uint32_t stride = STRIDE;
   const VkIndirectCommandsLayoutCreateInfoNV info = {.sType =
                                                         VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_CREATE_INFO_NV,
                                                      .pipelineBindPoint = point,
                                                      .tokenCount = count,
                                                      .pTokens = tokens,
                                                      .streamCount = 1,
                                                      .pStreamStrides = &stride};
   VkIndirectCommandsLayoutNV layout;
   OK(w.create_layout(w.gpu.device, &info, NULL, &layout));
   return layout;
}

static VkIndirectCommandsLayoutTokenNV make_token(VkIndirectCommandsTokenTypeNV type, uint32_t offset)
{
   const bool pushes = type == VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV;
   return (VkIndirectCommandsLayoutTokenNV){.sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_TOKEN_NV,
                                            .tokenType = type,
                                            .offset = offset,
                                            .pushconstantPipelineLayout = pushes ? w.layout.pipeline : VK_NULL_HANDLE,
                                            .pushconstantShaderStageFlags = pushes ? WORK_STAGES : 0,
                                            .pushconstantSize = pushes ? 4 : 0};
}

static VkGeneratedCommandsInfoNV describe(VkPipelineBindPoint point, VkPipeline pipeline,
                                          VkIndirectCommandsLayoutNV layout, const VkIndirectCommandsStreamNV *stream,
                                          const struct gpu_buffer *prepared)
{
   return (VkGeneratedCommandsInfoNV){.sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_INFO_NV,
                                      .pipelineBindPoint = point,
                                      .pipeline = pipeline,
                                      .indirectCommandsLayout = layout,
                                      .streamCount = 1,
                                      .pStreams = stream,
                                      .sequencesCount = SEQUENCES,
                                      .preprocessBuffer = prepared->handle,
                                      .preprocessSize = prepared->size};
}

/* --- drawing --- */

/* A pipeline with two groups that have the same shaders. */
static VkPipeline create_grouped(void)
{
   const struct work_code vertex = {work_vert, sizeof(work_vert)}, fragment = {work_frag, sizeof(work_frag)};
   const VkShaderModuleCreateInfo codes[] = {
      {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(work_vert), .pCode = work_vert},
      {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(work_frag), .pCode = work_frag}};
   VkPipelineShaderStageCreateInfo stages[] = {work_stage(VK_SHADER_STAGE_VERTEX_BIT, NULL),
                                               work_stage(VK_SHADER_STAGE_FRAGMENT_BIT, NULL)};
   const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                          VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkGraphicsShaderGroupCreateInfoNV group = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_SHADER_GROUP_CREATE_INFO_NV,
                                                    .stageCount = 2,
                                                    .pStages = stages,
                                                    .pVertexInputState = &input,
                                                    /* does not count */
                                                    .pTessellationState = (void *)(uintptr_t)0xdead0000};
   const VkGraphicsShaderGroupCreateInfoNV both[] = {group, group};
   const VkGraphicsPipelineShaderGroupsCreateInfoNV groups = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_SHADER_GROUPS_CREATE_INFO_NV, .groupCount = 2, .pGroups = both};
   for (unsigned i = 0; i < 2; i++)
      OK(vkCreateShaderModule(w.gpu.device, &codes[i], NULL, &stages[i].module));
   const VkPipeline pipeline =
      work_create_graphics(&w.gpu, &w.layout, VK_PIPELINE_CREATE_INDIRECT_BINDABLE_BIT_NV, &groups, &vertex, &fragment);
   for (unsigned i = 0; i < 2; i++)
      vkDestroyShaderModule(w.gpu.device, stages[i].module, NULL);
   return pipeline;
}

static void begin_drawing(const struct work_picture *picture)
{
   work_begin_picture(w.commands, picture);
   vkCmdBindDescriptorSets(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, w.layout.pipeline, 0, 1, &w.set, 0, NULL);
}

static void end_drawing(const char *name, const struct work_picture *picture)
{
   work_end_picture(w.commands, picture);
   gpu_run(&w.gpu, w.commands);
   printf("%s\n", name);
   work_print("  words", &w.words);
   work_print("  picture", &picture->copy);
}

static void draw_groups(const struct work_picture *picture)
{
   const VkPipeline pipeline = create_grouped();
   for (uint32_t i = 0; i < w.limits.maxGraphicsShaderGroupCount && i < 2; i++) {
      gpu_begin(w.commands);
      begin_drawing(picture);
      w.bind_group(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline, i);
      work_push(w.commands, &w.layout, 2 + i);
      vkCmdDraw(w.commands, 4, 4, 0, 0);
      end_drawing("a group of shaders", picture);
   }
   vkDestroyPipeline(w.gpu.device, pipeline, NULL);
}

static void draw(void)
{
   const struct work_code vertex = {work_vert, sizeof(work_vert)}, fragment = {work_frag, sizeof(work_frag)};
   const VkPipeline pipeline =
      work_create_graphics(&w.gpu, &w.layout, VK_PIPELINE_CREATE_INDIRECT_BINDABLE_BIT_NV, NULL, &vertex, &fragment);
   const VkIndirectCommandsLayoutTokenNV tokens[] = {make_token(VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV, 0),
                                                     make_token(VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_NV, 4)};
   const VkIndirectCommandsLayoutNV layout = create_layout(VK_PIPELINE_BIND_POINT_GRAPHICS, tokens, 2);
   const struct gpu_buffer prepared = create_prepared(VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline, layout);
   const VkIndirectCommandsStreamNV stream = {.buffer = w.stream.handle};
   struct work_picture picture = work_create_picture(&w.gpu);
   VkGeneratedCommandsInfoNV info = describe(VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline, layout, &stream, &prepared);
   for (unsigned round = 0; round < 2; round++) { /* all of them, then as many as the GPU is told */
      for (uint32_t i = 0; i < SEQUENCES; i++) {
         const uint32_t words[] = {1 + i, 4, 1, 0, i};
         memcpy((uint8_t *)w.stream.data + (size_t)i * STRIDE, words, sizeof(words));
      }
      *(uint32_t *)w.count.data = 2;
      info.sequencesCountBuffer = round ? w.count.handle : VK_NULL_HANDLE;
      gpu_begin(w.commands);
      begin_drawing(&picture);
      vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
      w.execute(w.commands, VK_FALSE, &info);
      end_drawing("drawn", &picture);
   }
   draw_groups(&picture);
   work_free_picture(&w.gpu, &picture);
   gpu_free_buffer(&w.gpu, &prepared);
   w.destroy_layout(w.gpu.device, layout, NULL);
   vkDestroyPipeline(w.gpu.device, pipeline, NULL);
}

/* --- computing --- */

#ifdef VK_NV_device_generated_commands_compute

/* A pipeline that commands can name by an address, where the driver keeps what is needed for that. */
struct addressed {
   VkPipeline pipeline;
   struct gpu_buffer data;
   VkDeviceAddress address;
};

static struct addressed create_addressed(uint32_t plus)
{
   PFN_vkGetPipelineIndirectMemoryRequirementsNV get_size =
      (PFN_vkGetPipelineIndirectMemoryRequirementsNV)vkGetDeviceProcAddr(w.gpu.device,
                                                                         "vkGetPipelineIndirectMemoryRequirementsNV");
   PFN_vkGetPipelineIndirectDeviceAddressNV get_address = (PFN_vkGetPipelineIndirectDeviceAddressNV)vkGetDeviceProcAddr(
      w.gpu.device, "vkGetPipelineIndirectDeviceAddressNV");
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(work_comp), .pCode = work_comp};
   const VkSpecializationMapEntry entry = {.size = sizeof(plus)};
   const VkSpecializationInfo constants = {1, &entry, sizeof(plus), &plus};
   VkComputePipelineIndirectBufferInfoNV place = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_INDIRECT_BUFFER_INFO_NV};
   VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                       .pNext = &place,
                                       .flags = VK_PIPELINE_CREATE_INDIRECT_BINDABLE_BIT_NV,
                                       .stage = work_stage(VK_SHADER_STAGE_COMPUTE_BIT, NULL),
                                       .layout = w.layout.pipeline};
   VkMemoryRequirements2 wanted = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   struct addressed addressed;
   info.stage.pSpecializationInfo = &constants;
   OK(vkCreateShaderModule(w.gpu.device, &code, NULL, &info.stage.module));
   get_size(w.gpu.device, &info, &wanted);
   addressed.data = gpu_map_addressed(&w.gpu, wanted.memoryRequirements.size,
                                      VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
   place.deviceAddress = addressed.data.address;
   place.size = addressed.data.size;
   OK(vkCreateComputePipelines(w.gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &addressed.pipeline));
   vkDestroyShaderModule(w.gpu.device, info.stage.module, NULL);
   const VkPipelineIndirectDeviceAddressInfoNV question = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INDIRECT_DEVICE_ADDRESS_INFO_NV,
      .pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE,
      .pipeline = addressed.pipeline};
   addressed.address = get_address(w.gpu.device, &question);
   return addressed;
}

static void run_addressed(const struct addressed pipelines[2], VkIndirectCommandsLayoutNV layout,
                          const struct gpu_buffer *prepared)
{
   PFN_vkCmdUpdatePipelineIndirectBufferNV update =
      (PFN_vkCmdUpdatePipelineIndirectBufferNV)vkGetDeviceProcAddr(w.gpu.device, "vkCmdUpdatePipelineIndirectBufferNV");
   const VkIndirectCommandsStreamNV stream = {.buffer = w.stream.handle};
   const VkGeneratedCommandsInfoNV info =
      describe(VK_PIPELINE_BIND_POINT_COMPUTE, VK_NULL_HANDLE, layout, &stream, prepared);
   for (uint32_t round = 0; round < 2; round++) {
      for (uint32_t i = 0; i < SEQUENCES; i++) {
         const uint32_t words[] = {5, i == 0 ? WORK_WORDS / 64 : 0, 1, 1};
         memcpy((uint8_t *)w.stream.data + (size_t)i * STRIDE, &pipelines[round].address, 8);
         memcpy((uint8_t *)w.stream.data + (size_t)i * STRIDE + 8, words, sizeof(words));
      }
      gpu_begin(w.commands);
      for (unsigned i = 0; i < 2; i++)
         update(w.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines[i].pipeline);
      gpu_barrier(w.commands);
      vkCmdBindDescriptorSets(w.commands, VK_PIPELINE_BIND_POINT_COMPUTE, w.layout.pipeline, 0, 1, &w.set, 0, NULL);
      w.execute(w.commands, VK_FALSE, &info);
      gpu_run(&w.gpu, w.commands);
      work_print("one of two pipelines", &w.words);
   }
}

static void compute(void)
{
   const struct addressed pipelines[] = {create_addressed(3), create_addressed(11)};
   const VkIndirectCommandsLayoutTokenNV tokens[] = {make_token(VK_INDIRECT_COMMANDS_TOKEN_TYPE_PIPELINE_NV, 0),
                                                     make_token(VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_NV, 8),
                                                     make_token(VK_INDIRECT_COMMANDS_TOKEN_TYPE_DISPATCH_NV, 12)};
   const VkIndirectCommandsLayoutNV layout = create_layout(VK_PIPELINE_BIND_POINT_COMPUTE, tokens, 3);
   const struct gpu_buffer prepared = create_prepared(VK_PIPELINE_BIND_POINT_COMPUTE, VK_NULL_HANDLE, layout);
   run_addressed(pipelines, layout, &prepared);
   gpu_free_buffer(&w.gpu, &prepared);
   w.destroy_layout(w.gpu.device, layout, NULL);
   for (unsigned i = 0; i < 2; i++) {
      vkDestroyPipeline(w.gpu.device, pipelines[i].pipeline, NULL);
      gpu_free_buffer(&w.gpu, &pipelines[i].data);
   }
}

static void try_compute(void)
{
   struct gpu gpu;
   gpu_open_instance(&gpu);
   const bool can = work_has(&gpu, VK_NV_DEVICE_GENERATED_COMMANDS_COMPUTE_EXTENSION_NAME);
   vkDestroyInstance(gpu.instance, NULL);
   printf("the GPU %s VK_NV_device_generated_commands_compute\n", can ? "has" : "has no");
   if (!can)
      return;
   world_open(true);
   compute();
   world_close();
}

#endif

int main(void)
{
   world_open(false);
   draw();
   world_close();
#ifdef VK_NV_device_generated_commands_compute
   try_compute();
#endif
   return 0;
}
