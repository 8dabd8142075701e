/* SPDX-License-Identifier: MIT */
/* Shaders without pipelines: compute and draw with them, also out of machine code, and print what they wrote. */
#include "tests/e2e/work.h"
#include "work_comp.h"
#include "work_frag.h"
#include "work_vert.h"

#ifdef VK_EXT_shader_object

struct world {
   struct gpu gpu;
   struct work_layout layout;
   struct gpu_buffer words, others;
   VkDescriptorPool pools[2];
   VkDescriptorSet sets[2];
   VkCommandPool pool;
   VkCommandBuffer commands;
   PFN_vkCreateShadersEXT create;
   PFN_vkDestroyShaderEXT destroy;
   PFN_vkGetShaderBinaryDataEXT get_binary;
   PFN_vkCmdBindShadersEXT bind;
};

static void world_open(struct world *w)
{
   static const char *const extensions[] = {VK_EXT_SHADER_OBJECT_EXTENSION_NAME};
   VkPhysicalDeviceShaderObjectFeaturesEXT features = {.sType =
                                                          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_OBJECT_FEATURES_EXT};
   work_open(&w->gpu, &features, extensions, 1);
   NEED(features.shaderObject);
   w->layout = work_create_layout(&w->gpu, 0);
   w->words = gpu_map_addressed(&w->gpu, (VkDeviceSize)4 * WORK_WORDS, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   w->others = gpu_map_addressed(&w->gpu, (VkDeviceSize)4 * WORK_WORDS, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   w->sets[0] = work_create_set(&w->gpu, &w->layout, &w->words, &w->pools[0]);
   w->sets[1] = work_create_set(&w->gpu, &w->layout, &w->others, &w->pools[1]);
   w->commands = gpu_create_commands(&w->gpu, &w->pool);
   w->create = (PFN_vkCreateShadersEXT)vkGetDeviceProcAddr(w->gpu.device, "vkCreateShadersEXT");
   w->destroy = (PFN_vkDestroyShaderEXT)vkGetDeviceProcAddr(w->gpu.device, "vkDestroyShaderEXT");
   w->get_binary = (PFN_vkGetShaderBinaryDataEXT)vkGetDeviceProcAddr(w->gpu.device, "vkGetShaderBinaryDataEXT");
   w->bind = (PFN_vkCmdBindShadersEXT)vkGetDeviceProcAddr(w->gpu.device, "vkCmdBindShadersEXT");
}

static void world_close(struct world *w)
{
   vkDestroyCommandPool(w->gpu.device, w->pool, NULL);
   for (unsigned i = 0; i < 2; i++)
      vkDestroyDescriptorPool(w->gpu.device, w->pools[i], NULL);
   gpu_free_buffer(&w->gpu, &w->words);
   gpu_free_buffer(&w->gpu, &w->others);
   work_free_layout(&w->gpu, &w->layout);
   gpu_close(&w->gpu);
}

static VkShaderCreateInfoEXT describe(const struct world *w, VkShaderStageFlagBits stage, const void *code, size_t size)
{
   return (VkShaderCreateInfoEXT){.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                                  .stage = stage,
                                  .nextStage = stage == VK_SHADER_STAGE_VERTEX_BIT ? VK_SHADER_STAGE_FRAGMENT_BIT : 0,
                                  .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                                  .codeSize = size,
                                  .pCode = code,
                                  .pName = "main",
                                  .setLayoutCount = 1,
                                  .pSetLayouts = &w->layout.set,
                                  .pushConstantRangeCount = 1,
                                  .pPushConstantRanges = &w->layout.push};
}

/* --- computing --- */

/* Adds `plus` in place of what the shader says. */
static VkShaderEXT create_compute(const struct world *w, uint32_t plus)
{
   const VkSpecializationMapEntry entry = {.size = sizeof(plus)};
   const VkSpecializationInfo constants = {
      .mapEntryCount = 1, .pMapEntries = &entry, .dataSize = sizeof(plus), .pData = &plus};
   VkShaderCreateInfoEXT info = describe(w, VK_SHADER_STAGE_COMPUTE_BIT, work_comp, sizeof(work_comp));
   VkShaderEXT shader;
   info.pSpecializationInfo = &constants;
   OK(w->create(w->gpu.device, 1, &info, NULL, &shader));
   return shader;
}

static void record_compute(const struct world *w, VkShaderEXT shader, unsigned set, uint32_t factor)
{
   const VkShaderStageFlagBits stage = VK_SHADER_STAGE_COMPUTE_BIT;
   w->bind(w->commands, 1, &stage, &shader);
   vkCmdBindDescriptorSets(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, w->layout.pipeline, 0, 1, &w->sets[set], 0,
                           NULL);
   work_push(w->commands, &w->layout, factor);
   vkCmdDispatch(w->commands, WORK_WORDS / 64, 1, 1);
}

static void print_both(const struct world *w, const char *name)
{
   printf("%s\n", name);
   work_print("  words", &w->words);
   work_print("  others", &w->others);
}

/* What is bound later writes somewhere else; and a shader takes the place of another one, of a pipeline, or gives it
 * up. */
static void compute(const struct world *w)
{
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(work_comp), .pCode = work_comp};
   VkShaderModule module;
   VkPipeline pipeline;
   const VkShaderEXT first = create_compute(w, 3), second = create_compute(w, 11);
   gpu_begin(w->commands);
   record_compute(w, first, 0, 5);
   gpu_run(&w->gpu, w->commands);
   print_both(w, "one shader");

   gpu_begin(w->commands);
   record_compute(w, first, 0, 5);
   record_compute(w, second, 1, 2);
   gpu_run(&w->gpu, w->commands);
   print_both(w, "two shaders");

   OK(vkCreateShaderModule(w->gpu.device, &code, NULL, &module));
   VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                       .stage = work_stage(VK_SHADER_STAGE_COMPUTE_BIT, NULL),
                                       .layout = w->layout.pipeline};
   info.stage.module = module;
   OK(vkCreateComputePipelines(w->gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
   gpu_begin(w->commands);
   record_compute(w, first, 0, 5);
   vkCmdBindPipeline(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, w->layout.pipeline, 0, 1, &w->sets[1], 0, NULL);
   vkCmdDispatch(w->commands, 4, 1, 1);
   gpu_run(&w->gpu, w->commands);
   print_both(w, "a shader and a pipeline");
   vkDestroyPipeline(w->gpu.device, pipeline, NULL);
   vkDestroyShaderModule(w->gpu.device, module, NULL);
   w->destroy(w->gpu.device, first, NULL);
   w->destroy(w->gpu.device, second, NULL);
}

/* --- machine code --- */

static void use_binary(const struct world *w)
{
   const VkShaderEXT source = create_compute(w, 3);
   size_t size = 0, less;
   OK(w->get_binary(w->gpu.device, source, &size, NULL));
   NEED(size > 0);
   void *data = aligned_alloc(16, (size + 15) / 16 * 16);
   NEED(data);
   less = size - 1;
   printf("too little room: %d\n", w->get_binary(w->gpu.device, source, &less, data));
   OK(w->get_binary(w->gpu.device, source, &size, data));
   w->destroy(w->gpu.device, source, NULL);

   VkShaderCreateInfoEXT infos[2];
   VkShaderEXT shaders[2];
   infos[0] = describe(w, VK_SHADER_STAGE_COMPUTE_BIT, data, size);
   infos[0].codeType = VK_SHADER_CODE_TYPE_BINARY_EXT;
   const int taken = w->create(w->gpu.device, 1, infos, NULL, shaders);
   printf("machine code: %d\n", taken); /* not every driver takes back what it has given */
   if (taken == VK_SUCCESS) {
      gpu_begin(w->commands);
      record_compute(w, shaders[0], 0, 9);
      gpu_run(&w->gpu, w->commands);
      print_both(w, "machine code");
      w->destroy(w->gpu.device, shaders[0], NULL);
   }

   /* What the driver does not take leaves the others alone. */
   infos[1] = infos[0];
   infos[1].codeSize = 16;
   const int result = w->create(w->gpu.device, 2, infos, NULL, shaders);
   printf("no machine code: %d, %s, %s\n", result, shaders[0] ? "a shader" : "nothing",
          shaders[1] ? "a shader" : "nothing");
   if (shaders[0]) {
      gpu_begin(w->commands);
      record_compute(w, shaders[0], 1, 4);
      gpu_run(&w->gpu, w->commands);
      print_both(w, "the one beside it");
   }
   for (unsigned i = 0; i < 2; i++)
      w->destroy(w->gpu.device, shaders[i], NULL);
   free(data);
}

/* --- drawing --- */

/* Without a pipeline nothing has a value of its own. */
static void set_state(const struct world *w)
{
   const VkBool32 off = VK_FALSE;
   const VkColorComponentFlags all = 15;
   const VkSampleMask mask = ~0u;
#define CALL(name, ...) ((PFN_##name)vkGetDeviceProcAddr(w->gpu.device, #name))(w->commands __VA_OPT__(, ) __VA_ARGS__)
   vkCmdSetPrimitiveTopology(w->commands, VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP);
   vkCmdSetPrimitiveRestartEnable(w->commands, VK_FALSE);
   vkCmdSetRasterizerDiscardEnable(w->commands, VK_FALSE);
   vkCmdSetCullMode(w->commands, VK_CULL_MODE_NONE);
   vkCmdSetFrontFace(w->commands, VK_FRONT_FACE_CLOCKWISE);
   vkCmdSetDepthTestEnable(w->commands, VK_FALSE);
   vkCmdSetDepthWriteEnable(w->commands, VK_FALSE);
   vkCmdSetDepthBiasEnable(w->commands, VK_FALSE);
   vkCmdSetDepthBoundsTestEnable(w->commands, VK_FALSE);
   vkCmdSetStencilTestEnable(w->commands, VK_FALSE);
   CALL(vkCmdSetVertexInputEXT, 0, NULL, 0, NULL);
   CALL(vkCmdSetPolygonModeEXT, VK_POLYGON_MODE_FILL);
   CALL(vkCmdSetRasterizationSamplesEXT, VK_SAMPLE_COUNT_1_BIT);
   CALL(vkCmdSetSampleMaskEXT, VK_SAMPLE_COUNT_1_BIT, &mask);
   CALL(vkCmdSetAlphaToCoverageEnableEXT, VK_FALSE);
   CALL(vkCmdSetAlphaToOneEnableEXT, VK_FALSE);
   CALL(vkCmdSetDepthClampEnableEXT, VK_FALSE);
   CALL(vkCmdSetLogicOpEnableEXT, VK_FALSE);
   CALL(vkCmdSetColorBlendEnableEXT, 0, 1, &off);
   CALL(vkCmdSetColorWriteMaskEXT, 0, 1, &all);
}

static void draw(const struct world *w, VkShaderCreateFlagsEXT flags, const char *name)
{
   static const VkShaderStageFlagBits stages[] = {
      VK_SHADER_STAGE_VERTEX_BIT, VK_SHADER_STAGE_FRAGMENT_BIT, VK_SHADER_STAGE_TESSELLATION_CONTROL_BIT,
      VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT, VK_SHADER_STAGE_GEOMETRY_BIT};
   VkShaderCreateInfoEXT infos[] = {describe(w, VK_SHADER_STAGE_VERTEX_BIT, work_vert, sizeof(work_vert)),
                                    describe(w, VK_SHADER_STAGE_FRAGMENT_BIT, work_frag, sizeof(work_frag))};
   VkShaderEXT shaders[5] = {VK_NULL_HANDLE};
   struct work_picture picture = work_create_picture(&w->gpu);
   VkPhysicalDeviceFeatures features;
   vkGetPhysicalDeviceFeatures(w->gpu.physical, &features);
   infos[0].flags = infos[1].flags = flags;
   OK(w->create(w->gpu.device, 2, infos, NULL, shaders));
   gpu_begin(w->commands);
   work_begin_picture(w->commands, &picture);
   set_state(w);
   /* Of a stage that the GPU has not, nothing may be said. */
   w->bind(w->commands, 2, stages, shaders);
   if (features.tessellationShader)
      w->bind(w->commands, 2, stages + 2, NULL);
   if (features.geometryShader)
      w->bind(w->commands, 1, stages + 4, shaders + 4);
   vkCmdBindDescriptorSets(w->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, w->layout.pipeline, 0, 1, &w->sets[1], 0,
                           NULL);
   work_push(w->commands, &w->layout, 3);
   vkCmdDraw(w->commands, 4, 4, 0, 0);
   work_end_picture(w->commands, &picture);
   gpu_run(&w->gpu, w->commands);
   print_both(w, name);
   work_print("  picture", &picture.copy);
   for (unsigned i = 0; i < 2; i++)
      w->destroy(w->gpu.device, shaders[i], NULL);
   work_free_picture(&w->gpu, &picture);
}

int main(void)
{
   struct world w = {0};
   world_open(&w);
   compute(&w);
   use_binary(&w);
   draw(&w, 0, "shaders of their own");
   draw(&w, VK_SHADER_CREATE_LINK_STAGE_BIT_EXT, "shaders that are linked");
   world_close(&w);
   return 0;
}

#else

int main(void)
{
   work_skip("the Vulkan headers of this build have no VK_EXT_shader_object");
}

#endif
