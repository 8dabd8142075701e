/* SPDX-License-Identifier: MIT */
/* Commands that the GPU makes: dispatches and draws out of mapped memory, with the pipeline that is bound, out of a
 * set, and prepared in another command buffer. Prints what they wrote. */
#include "tests/e2e/work.h"
#include "work_comp.h"
#include "work_frag.h"
#include "work_vert.h"

#ifdef VK_EXT_device_generated_commands

#define SEQUENCES 4u

static struct {
   struct gpu gpu;
   struct work_layout layout;
   struct gpu_buffer words, commands_data, count;
   VkDescriptorPool set_pool;
   VkDescriptorSet set;
   VkCommandPool pool;
   VkCommandBuffer commands, others;
   VkPipeline compute[2], graphics;
   PFN_vkCreateIndirectCommandsLayoutEXT create_layout;
   PFN_vkDestroyIndirectCommandsLayoutEXT destroy_layout;
   PFN_vkCreateIndirectExecutionSetEXT create_set;
   PFN_vkDestroyIndirectExecutionSetEXT destroy_set;
   PFN_vkUpdateIndirectExecutionSetPipelineEXT update_set;
   PFN_vkGetGeneratedCommandsMemoryRequirementsEXT get_requirements;
   PFN_vkCmdExecuteGeneratedCommandsEXT execute;
   PFN_vkCmdPreprocessGeneratedCommandsEXT preprocess;
} w;

static const VkPipelineCreateFlags2CreateInfoKHR bindable = {
   .sType = VK_STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2_CREATE_INFO_KHR,
   .flags = VK_PIPELINE_CREATE_2_INDIRECT_BINDABLE_BIT_EXT};

static VkPipeline create_compute(uint32_t plus)
{
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(work_comp), .pCode = work_comp};
   const VkSpecializationMapEntry entry = {.size = sizeof(plus)};
   const VkSpecializationInfo constants = {1, &entry, sizeof(plus), &plus};
   VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                       .pNext = &bindable,
                                       .stage = work_stage(VK_SHADER_STAGE_COMPUTE_BIT, NULL),
                                       .layout = w.layout.pipeline};
   VkPipeline pipeline;
   info.stage.pSpecializationInfo = &constants;
   OK(vkCreateShaderModule(w.gpu.device, &code, NULL, &info.stage.module));
   OK(vkCreateComputePipelines(w.gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   vkDestroyShaderModule(w.gpu.device, info.stage.module, NULL);
   return pipeline;
}

static void get_functions(void)
{
   const VkDevice device = w.gpu.device;
   w.create_layout =
      (PFN_vkCreateIndirectCommandsLayoutEXT)vkGetDeviceProcAddr(device, "vkCreateIndirectCommandsLayoutEXT");
   w.destroy_layout =
      (PFN_vkDestroyIndirectCommandsLayoutEXT)vkGetDeviceProcAddr(device, "vkDestroyIndirectCommandsLayoutEXT");
   w.create_set = (PFN_vkCreateIndirectExecutionSetEXT)vkGetDeviceProcAddr(device, "vkCreateIndirectExecutionSetEXT");
   w.destroy_set =
      (PFN_vkDestroyIndirectExecutionSetEXT)vkGetDeviceProcAddr(device, "vkDestroyIndirectExecutionSetEXT");
   w.update_set = (PFN_vkUpdateIndirectExecutionSetPipelineEXT)vkGetDeviceProcAddr(
      device, "vkUpdateIndirectExecutionSetPipelineEXT");
   w.get_requirements = (PFN_vkGetGeneratedCommandsMemoryRequirementsEXT)vkGetDeviceProcAddr(
      device, "vkGetGeneratedCommandsMemoryRequirementsEXT");
   w.execute = (PFN_vkCmdExecuteGeneratedCommandsEXT)vkGetDeviceProcAddr(device, "vkCmdExecuteGeneratedCommandsEXT");
   w.preprocess =
      (PFN_vkCmdPreprocessGeneratedCommandsEXT)vkGetDeviceProcAddr(device, "vkCmdPreprocessGeneratedCommandsEXT");
}

static void world_open(void)
{
   static const char *const extensions[] = {VK_EXT_DEVICE_GENERATED_COMMANDS_EXTENSION_NAME,
                                            VK_KHR_MAINTENANCE_5_EXTENSION_NAME};
   VkPhysicalDeviceMaintenance5FeaturesKHR maintenance = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_5_FEATURES_KHR};
   VkPhysicalDeviceDeviceGeneratedCommandsFeaturesEXT features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_FEATURES_EXT, .pNext = &maintenance};
   const struct work_code vertex = {work_vert, sizeof(work_vert)}, fragment = {work_frag, sizeof(work_frag)};
   work_open(&w.gpu, &features, extensions, 2);
   NEED(features.deviceGeneratedCommands && maintenance.maintenance5);
   get_functions();
   w.layout = work_create_layout(&w.gpu, 0);
   w.words = gpu_map_addressed(&w.gpu, (VkDeviceSize)4 * WORK_WORDS, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   w.commands_data = gpu_map_addressed(&w.gpu, 4096, VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, NULL);
   w.count = gpu_map_addressed(&w.gpu, 64, VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, NULL);
   w.set = work_create_set(&w.gpu, &w.layout, &w.words, &w.set_pool);
   w.commands = gpu_create_commands(&w.gpu, &w.pool);
   const VkCommandBufferAllocateInfo allocation = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = w.pool, .commandBufferCount = 1};
   OK(vkAllocateCommandBuffers(w.gpu.device, &allocation, &w.others));
   w.compute[0] = create_compute(3);
   w.compute[1] = create_compute(11);
   w.graphics = work_create_graphics(&w.gpu, &w.layout, 0, &bindable, &vertex, &fragment);
}

static void world_close(void)
{
   for (unsigned i = 0; i < 2; i++)
      vkDestroyPipeline(w.gpu.device, w.compute[i], NULL);
   vkDestroyPipeline(w.gpu.device, w.graphics, NULL);
   vkDestroyCommandPool(w.gpu.device, w.pool, NULL);
   vkDestroyDescriptorPool(w.gpu.device, w.set_pool, NULL);
   gpu_free_buffer(&w.gpu, &w.words);
   gpu_free_buffer(&w.gpu, &w.commands_data);
   gpu_free_buffer(&w.gpu, &w.count);
   work_free_layout(&w.gpu, &w.layout);
   gpu_close(&w.gpu);
}

/* --- commands --- */

/* What all sequences of one kind have in common. */
struct kind {
   VkShaderStageFlags stages;
   bool takes_set; /* the first word of a sequence is the pipeline's number */
   VkIndirectCommandsLayoutUsageFlagsEXT usage;
   VkIndirectCommandsLayoutEXT layout;
   VkIndirectExecutionSetEXT set;
   VkGeneratedCommandsPipelineInfoEXT pipeline;
   struct gpu_buffer prepared;
};

/* A sequence has the number of a pipeline, if any, push constants and the command; 32 bytes. */
static void create_layout(struct kind *k)
{
   const VkIndirectCommandsExecutionSetTokenEXT choice = {.type = VK_INDIRECT_EXECUTION_SET_INFO_TYPE_PIPELINES_EXT,
                                                          .shaderStages = k->stages};
   const VkIndirectCommandsPushConstantTokenEXT push = {.updateRange = w.layout.push};
   const VkIndirectCommandsLayoutTokenEXT tokens[] = {
      {.sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_TOKEN_EXT,
       .type = VK_INDIRECT_COMMANDS_TOKEN_TYPE_EXECUTION_SET_EXT,
       .data.pExecutionSet = &choice},
      {.sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_TOKEN_EXT,
       .type = VK_INDIRECT_COMMANDS_TOKEN_TYPE_PUSH_CONSTANT_EXT,
       .data.pPushConstant = &push,
       .offset = 4},
      {.sType = VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_TOKEN_EXT,
       .type = k->stages & VK_SHADER_STAGE_COMPUTE_BIT ? VK_INDIRECT_COMMANDS_TOKEN_TYPE_DISPATCH_EXT
                                                       : VK_INDIRECT_COMMANDS_TOKEN_TYPE_DRAW_EXT,
       .offset = 8},
   };
   const VkIndirectCommandsLayoutCreateInfoEXT info = {.sType =
                                                          VK_STRUCTURE_TYPE_INDIRECT_COMMANDS_LAYOUT_CREATE_INFO_EXT,
                                                       .flags = k->usage,
                                                       .shaderStages = k->stages,
                                                       .indirectStride = 32,
                                                       .pipelineLayout = w.layout.pipeline,
                                                       .tokenCount = k->takes_set ? 3 : 2,
                                                       .pTokens = k->takes_set ? tokens : tokens + 1};
   OK(w.create_layout(w.gpu.device, &info, NULL, &k->layout));
}

static void create_prepared(struct kind *k)
{
   const VkBufferUsageFlags2CreateInfoKHR usage = {.sType = VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR,
                                                   .usage = VK_BUFFER_USAGE_2_PREPROCESS_BUFFER_BIT_EXT |
                                                            VK_BUFFER_USAGE_2_SHADER_DEVICE_ADDRESS_BIT_KHR};
   const VkGeneratedCommandsMemoryRequirementsInfoEXT question = {
      .sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_MEMORY_REQUIREMENTS_INFO_EXT,
      .pNext = k->takes_set ? NULL : &k->pipeline,
      .indirectExecutionSet = k->set,
      .indirectCommandsLayout = k->layout,
      .maxSequenceCount = SEQUENCES};
   VkMemoryRequirements2 wanted = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
   w.get_requirements(w.gpu.device, &question, &wanted);
   k->prepared = work_create_prepared(&w.gpu, &wanted.memoryRequirements, 0, &usage);
}

static void kind_open(struct kind *k, VkPipeline pipeline)
{
   create_layout(k);
   k->pipeline = (VkGeneratedCommandsPipelineInfoEXT){.sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_PIPELINE_INFO_EXT,
                                                      .pipeline = pipeline};
   if (k->takes_set) {
      const VkIndirectExecutionSetPipelineInfoEXT pipelines = {
         .sType = VK_STRUCTURE_TYPE_INDIRECT_EXECUTION_SET_PIPELINE_INFO_EXT,
         .initialPipeline = pipeline,
         .maxPipelineCount = 2};
      const VkIndirectExecutionSetCreateInfoEXT info = {.sType =
                                                           VK_STRUCTURE_TYPE_INDIRECT_EXECUTION_SET_CREATE_INFO_EXT,
                                                        .type = VK_INDIRECT_EXECUTION_SET_INFO_TYPE_PIPELINES_EXT,
                                                        .info.pPipelineInfo = &pipelines};
      const VkWriteIndirectExecutionSetPipelineEXT write = {
         .sType = VK_STRUCTURE_TYPE_WRITE_INDIRECT_EXECUTION_SET_PIPELINE_EXT, .index = 1, .pipeline = w.compute[1]};
      OK(w.create_set(w.gpu.device, &info, NULL, &k->set));
      w.update_set(w.gpu.device, k->set, 1, &write);
   }
   create_prepared(k);
}

static void kind_close(struct kind *k)
{
   gpu_free_buffer(&w.gpu, &k->prepared);
   if (k->set)
      w.destroy_set(w.gpu.device, k->set, NULL);
   w.destroy_layout(w.gpu.device, k->layout, NULL);
}

static VkGeneratedCommandsInfoEXT describe(const struct kind *k, bool counted)
{
   return (VkGeneratedCommandsInfoEXT){.sType = VK_STRUCTURE_TYPE_GENERATED_COMMANDS_INFO_EXT,
                                       .pNext = k->takes_set ? NULL : &k->pipeline,
                                       .shaderStages = k->stages,
                                       .indirectExecutionSet = k->set,
                                       .indirectCommandsLayout = k->layout,
                                       .indirectAddress = w.commands_data.address,
                                       .indirectAddressSize = (VkDeviceSize)SEQUENCES * 32,
                                       .preprocessAddress = k->prepared.address,
                                       .preprocessSize = k->prepared.size,
                                       .maxSequenceCount = SEQUENCES,
                                       .sequenceCountAddress = counted ? w.count.address : 0};
}

static void put_sequence(unsigned number, const uint32_t words[6])
{
   memcpy((uint8_t *)w.commands_data.data + number * (size_t)32, words, 24);
}

static void bind_compute(VkCommandBuffer commands, VkPipeline pipeline)
{
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, w.layout.pipeline, 0, 1, &w.set, 0, NULL);
}

static void use_bound(void)
{
   struct kind k = {.stages = VK_SHADER_STAGE_COMPUTE_BIT};
   kind_open(&k, w.compute[0]);
   for (unsigned i = 0; i < 3; i++) { /* all of them, then one, which the GPU is told, then none */
      const uint32_t count = i == 0 ? SEQUENCES : 2 - i;
      const VkGeneratedCommandsInfoEXT info = describe(&k, i > 0);
      memset(w.commands_data.data, 0, w.commands_data.size);
      put_sequence(0, (const uint32_t[]){0, 5 + i, WORK_WORDS / 64, 1, 1, 0});
      put_sequence(SEQUENCES - 1, (const uint32_t[]){0, 5 + i, 2, i == 0, 1, 0});
      *(uint32_t *)w.count.data = count;
      gpu_begin(w.commands);
      bind_compute(w.commands, w.compute[0]);
      w.execute(w.commands, VK_FALSE, &info);
      gpu_run(&w.gpu, w.commands);
      work_print("with the pipeline that is bound", &w.words);
   }
   kind_close(&k);
}

static void use_set(void)
{
   struct kind k = {.stages = VK_SHADER_STAGE_COMPUTE_BIT, .takes_set = true};
   kind_open(&k, w.compute[0]);
   const VkGeneratedCommandsInfoEXT info = describe(&k, false);
   for (uint32_t i = 0; i < 2; i++) {
      memset(w.commands_data.data, 0, w.commands_data.size);
      for (uint32_t j = 0; j < SEQUENCES; j++)
         put_sequence(j, (const uint32_t[]){i, 4, j == 0 ? WORK_WORDS / 64 : 0, 1, 1, 0});
      gpu_begin(w.commands);
      bind_compute(w.commands, w.compute[0]);
      w.execute(w.commands, VK_FALSE, &info);
      gpu_run(&w.gpu, w.commands);
      work_print("with one out of a set", &w.words);
   }
   kind_close(&k);
}

/* The other command buffer prepares what the state of this one wants, in the middle of its recording. */
static void prepare(void)
{
   struct kind k = {.stages = VK_SHADER_STAGE_COMPUTE_BIT,
                    .usage = VK_INDIRECT_COMMANDS_LAYOUT_USAGE_EXPLICIT_PREPROCESS_BIT_EXT};
   kind_open(&k, w.compute[1]);
   const VkGeneratedCommandsInfoEXT info = describe(&k, false);
   memset(w.commands_data.data, 0, w.commands_data.size);
   put_sequence(0, (const uint32_t[]){0, 6, WORK_WORDS / 64, 1, 1, 0});
   gpu_begin(w.others);
   gpu_begin(w.commands);
   bind_compute(w.commands, w.compute[1]);
   w.preprocess(w.others, &info, w.commands);
   w.execute(w.commands, VK_TRUE, &info);
   bind_compute(w.commands, w.compute[0]);
   gpu_run(&w.gpu, w.others);
   gpu_run(&w.gpu, w.commands);
   work_print("prepared before", &w.words);
   kind_close(&k);
}

static void draw(void)
{
   struct kind k = {.stages = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT};
   struct work_picture picture = work_create_picture(&w.gpu);
   kind_open(&k, w.graphics);
   const VkGeneratedCommandsInfoEXT info = describe(&k, false);
   memset(w.commands_data.data, 0, w.commands_data.size);
   for (uint32_t i = 0; i < SEQUENCES; i++) /* an instance each: a quarter */
      put_sequence(i, (const uint32_t[]){0, 1 + i, 4, 1, 0, i});
   gpu_begin(w.commands);
   work_begin_picture(w.commands, &picture);
   vkCmdBindPipeline(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, w.graphics);
   vkCmdBindDescriptorSets(w.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, w.layout.pipeline, 0, 1, &w.set, 0, NULL);
   w.execute(w.commands, VK_FALSE, &info);
   work_end_picture(w.commands, &picture);
   gpu_run(&w.gpu, w.commands);
   work_print("drawn: words", &w.words);
   work_print("drawn: picture", &picture.copy);
   work_free_picture(&w.gpu, &picture);
   kind_close(&k);
}

int main(void)
{
   world_open();
   use_bound();
   use_set();
   prepare();
   draw();
   world_close();
   return 0;
}

#else

int main(void)
{
   work_skip("the Vulkan headers of this build have no VK_EXT_device_generated_commands");
}

#endif
