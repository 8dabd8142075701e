/* SPDX-License-Identifier: MIT */
/* Pipeline binaries: of a pipeline, brought back with their keys, and a pipeline made of them that computes the same.
 */
#include <stdlib.h>

#include "tests/e2e/extensions/part.h"

#ifdef VK_KHR_pipeline_binary

#include "extensions_comp.h"

#define NUMBERS 64
#define FACTOR 7
#define MAX_BINARIES 16

struct shader {
   VkShaderModule module;
   VkDescriptorSetLayout set;
   VkPipelineLayout layout;
};

static struct shader create_shader(const struct gpu *gpu)
{
   const VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT,
                                                 NULL};
   const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 4};
   struct shader shader;
   const VkDescriptorSetLayoutCreateInfo set = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   OK(vkCreateDescriptorSetLayout(gpu->device, &set, NULL, &shader.set));
   const VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                              .setLayoutCount = 1,
                                              .pSetLayouts = &shader.set,
                                              .pushConstantRangeCount = 1,
                                              .pPushConstantRanges = &range};
   OK(vkCreatePipelineLayout(gpu->device, &layout, NULL, &shader.layout));
   const VkShaderModuleCreateInfo module = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                            .codeSize = sizeof(extensions_comp),
                                            .pCode = extensions_comp};
   OK(vkCreateShaderModule(gpu->device, &module, NULL, &shader.module));
   return shader;
}

static void destroy_shader(const struct gpu *gpu, const struct shader *shader)
{
   vkDestroyShaderModule(gpu->device, shader->module, NULL);
   vkDestroyPipelineLayout(gpu->device, shader->layout, NULL);
   vkDestroyDescriptorSetLayout(gpu->device, shader->set, NULL);
}

static VkComputePipelineCreateInfo pipeline_info(const struct shader *shader, const void *chain)
{
   return (VkComputePipelineCreateInfo){.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                        .pNext = chain,
                                        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                  .module = shader->module,
                                                  .pName = "main"},
                                        .layout = shader->layout,
                                        .basePipelineIndex = -1};
}

/* Whether the pipeline computes what its shader says. */
static void run_pipeline(const struct gpu *gpu, const struct shader *shader, VkPipeline pipeline)
{
   const struct gpu_buffer buffer = gpu_map_addressed(gpu, NUMBERS * 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   const uint32_t factor = FACTOR, *numbers = buffer.data;
   VkDescriptorPool sets;
   VkDescriptorSet set;
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   OK(vkCreateDescriptorPool(gpu->device, &pool_info, NULL, &sets));
   const VkDescriptorSetAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                   .descriptorPool = sets,
                                                   .descriptorSetCount = 1,
                                                   .pSetLayouts = &shader->set};
   OK(vkAllocateDescriptorSets(gpu->device, &allocation, &set));
   const VkDescriptorBufferInfo place = {buffer.handle, 0, VK_WHOLE_SIZE};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .dstSet = set,
                                       .descriptorCount = 1,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .pBufferInfo = &place};
   vkUpdateDescriptorSets(gpu->device, 1, &write, 0, NULL);
   gpu_begin(commands);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, shader->layout, 0, 1, &set, 0, NULL);
   vkCmdPushConstants(commands, shader->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 4, &factor);
   vkCmdDispatch(commands, 1, 1, 1);
   gpu_barrier(commands);
   gpu_run(gpu, commands);
   for (uint32_t i = 0; i < NUMBERS; i++)
      NEED(numbers[i] == i * FACTOR + 1);
   vkDestroyCommandPool(gpu->device, pool, NULL);
   vkDestroyDescriptorPool(gpu->device, sets, NULL);
   gpu_free_buffer(gpu, &buffer);
}

struct binaries {
   uint32_t count;
   VkPipelineBinaryKHR handles[MAX_BINARIES];
   VkPipelineBinaryKeyKHR keys[MAX_BINARIES];
   VkPipelineBinaryDataKHR data[MAX_BINARIES];
};

/* Those of a pipeline: how many, then all. */
static void create_from_pipeline(const struct gpu *gpu, VkPipeline pipeline, struct binaries *out)
{
   GET(gpu, CreatePipelineBinariesKHR);
   const VkPipelineBinaryCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_CREATE_INFO_KHR,
                                               .pipeline = pipeline};
   VkPipelineBinaryHandlesInfoKHR handles = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_HANDLES_INFO_KHR};
   OK(CreatePipelineBinariesKHR(gpu->device, &info, NULL, &handles));
   NEED(handles.pipelineBinaryCount && handles.pipelineBinaryCount <= MAX_BINARIES);
   handles.pPipelineBinaries = out->handles;
   OK(CreatePipelineBinariesKHR(gpu->device, &info, NULL, &handles));
   out->count = handles.pipelineBinaryCount;
}

/* Their keys and data, also asked for with too little room. */
static void read_binaries(const struct gpu *gpu, struct binaries *binaries)
{
   GET(gpu, GetPipelineBinaryDataKHR);
   for (uint32_t i = 0; i < binaries->count; i++) {
      const VkPipelineBinaryDataInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_DATA_INFO_KHR,
                                                .pipelineBinary = binaries->handles[i]};
      VkPipelineBinaryKeyKHR *key = &binaries->keys[i];
      size_t size = 0, less = 1;
      key->sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR;
      OK(GetPipelineBinaryDataKHR(gpu->device, &info, key, &size, NULL));
      NEED(size > 1 && key->keySize && key->keySize <= sizeof(key->key));
      uint8_t *data = malloc(size);
      NEED(data);
      const VkResult short_result = GetPipelineBinaryDataKHR(gpu->device, &info, key, &less, data);
      printf("  binary %u: too little room gives VkResult %d and asks for %s\n", i, short_result,
             less == size ? "what there is" : "something else");
      OK(GetPipelineBinaryDataKHR(gpu->device, &info, key, &size, data));
      binaries->data[i] = (VkPipelineBinaryDataKHR){size, data};
      printf("  binary %u: key of %u bytes\n", i, key->keySize);
   }
}

static void destroy_binaries(const struct gpu *gpu, struct binaries *binaries)
{
   GET(gpu, DestroyPipelineBinaryKHR);
   for (uint32_t i = 0; i < binaries->count; i++) {
      DestroyPipelineBinaryKHR(gpu->device, binaries->handles[i], NULL);
      free(binaries->data[i].pData);
   }
}

/* Binaries with these keys and this data, and the pipeline that they are. */
static void use_again(const struct gpu *gpu, const struct shader *shader, const struct binaries *known)
{
   GET(gpu, CreatePipelineBinariesKHR);
   struct binaries again = {0};
   const VkPipelineBinaryKeysAndDataKHR given = {known->count, known->keys, known->data};
   const VkPipelineBinaryCreateInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_CREATE_INFO_KHR,
                                               .pKeysAndDataInfo = &given};
   VkPipelineBinaryHandlesInfoKHR handles = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_HANDLES_INFO_KHR,
                                             .pipelineBinaryCount = known->count,
                                             .pPipelineBinaries = again.handles};
   OK(CreatePipelineBinariesKHR(gpu->device, &info, NULL, &handles));
   again.count = handles.pipelineBinaryCount;
   NEED(again.count == known->count);
   const VkPipelineBinaryInfoKHR parts = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_INFO_KHR,
                                          .binaryCount = again.count,
                                          .pPipelineBinaries = again.handles};
   VkComputePipelineCreateInfo from_binaries = pipeline_info(shader, &parts);
   if (!part_is_played())
      from_binaries.stage.module = VK_NULL_HANDLE;
   VkPipeline pipeline;
   OK(vkCreateComputePipelines(gpu->device, VK_NULL_HANDLE, 1, &from_binaries, NULL, &pipeline));
   run_pipeline(gpu, shader, pipeline);
   puts("  a pipeline made of them computes the same");
   vkDestroyPipeline(gpu->device, pipeline, NULL);
   destroy_binaries(gpu, &again);
}

static void print_keys(const struct gpu *gpu, const VkComputePipelineCreateInfo *info)
{
   GET(gpu, GetPipelineKeyKHR);
   const VkPipelineCreateInfoKHR about = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CREATE_INFO_KHR,
                                          .pNext = (void *)(uintptr_t)info};
   VkPipelineBinaryKeyKHR key = {.sType = VK_STRUCTURE_TYPE_PIPELINE_BINARY_KEY_KHR};
   OK(GetPipelineKeyKHR(gpu->device, NULL, &key));
   printf("  the driver's key has %u bytes, hash %08x\n", key.keySize, part_hash(key.key, key.keySize));
   VkPipelineBinaryKeyKHR again = key;
   OK(GetPipelineKeyKHR(gpu->device, &about, &key));
   OK(GetPipelineKeyKHR(gpu->device, &about, &again));
   /* Which one it is depends on what else the device was created with. */
   printf("  the pipeline's key has %u bytes, %s\n", key.keySize,
          memcmp(key.key, again.key, key.keySize) == 0 ? "always the same" : "another one each time");
}

static void run_binaries(struct gpu *gpu)
{
   GET(gpu, ReleaseCapturedPipelineDataKHR);
   const VkPipelineCreateFlags2CreateInfoKHR flags = {.sType =
                                                         VK_STRUCTURE_TYPE_PIPELINE_CREATE_FLAGS_2_CREATE_INFO_KHR,
                                                      .flags = VK_PIPELINE_CREATE_2_CAPTURE_DATA_BIT_KHR};
   const struct shader shader = create_shader(gpu);
   const VkComputePipelineCreateInfo info = pipeline_info(&shader, part_is_played() ? NULL : &flags);
   struct binaries binaries = {0};
   VkPipeline pipeline;
   print_keys(gpu, &info);
   OK(vkCreateComputePipelines(gpu->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   create_from_pipeline(gpu, pipeline, &binaries);
   const VkReleaseCapturedPipelineDataInfoKHR release = {
      .sType = VK_STRUCTURE_TYPE_RELEASE_CAPTURED_PIPELINE_DATA_INFO_KHR, .pipeline = pipeline};
   OK(ReleaseCapturedPipelineDataKHR(gpu->device, &release, NULL));
   read_binaries(gpu, &binaries);
   use_again(gpu, &shader, &binaries);
   destroy_binaries(gpu, &binaries);
   vkDestroyPipeline(gpu->device, pipeline, NULL);
   destroy_shader(gpu, &shader);
}

static VkPhysicalDeviceMaintenance5FeaturesKHR maintenance5 = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_5_FEATURES_KHR};
static VkPhysicalDevicePipelineBinaryFeaturesKHR binary_features = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_BINARY_FEATURES_KHR, .pNext = &maintenance5};
static const char *const binary_extensions[] = {VK_KHR_PIPELINE_BINARY_EXTENSION_NAME, NULL};
#define PART_BINARY {"pipeline_binary", binary_extensions, run_binaries, &binary_features, VK_QUEUE_COMPUTE_BIT},

#else
#define PART_BINARY
#endif

const struct part parts_pipeline[] = {PART_BINARY{0}};
