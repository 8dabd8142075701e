/* SPDX-License-Identifier: MIT */

/* What record, threads and latency share: a device and what the commands need. */

#include "tools/bench_calls.h"

#include <stdio.h>

const uint32_t calls_push_data[CALLS_PUSH_SIZE / 4] = {1, 2, 3};

/* Shaders `void main() {}`. */
#define SHADER_HEAD                                                   \
   0x07230203, 0x00010000, 0, 5, 0, /* magic, version 1.0, bound 5 */ \
      0x00020011, 1,                /* OpCapability Shader */         \
      0x0003000e, 0, 1              /* OpMemoryModel Logical GLSL450 */
#define SHADER_TAIL                                                          \
   0x00020013, 2,                           /* %2 = OpTypeVoid */            \
      0x00030021, 3, 2,                     /* %3 = OpTypeFunction %2 */     \
      0x00050036, 2, 1, 0, 3,               /* %1 = OpFunction %2 None %3 */ \
      0x000200f8, 4, 0x000100fd, 0x00010038 /* %4 = OpLabel, OpReturn, OpFunctionEnd */
static const uint32_t empty_shader[] = {
   SHADER_HEAD, 0x0005000f, 0, 1, 0x6e69616d, 0, /* OpEntryPoint Vertex %1 "main" */
   SHADER_TAIL,
};
static const uint32_t empty_compute_shader[] = {
   SHADER_HEAD, 0x0005000f, 5,  1, 0x6e69616d, 0, /* OpEntryPoint GLCompute %1 "main" */
   0x00060010,  1,          17, 1, 1,          1, /* OpExecutionMode %1 LocalSize 1 1 1 */
   SHADER_TAIL,
};

static void create_pipeline(struct calls *calls)
{
   const VkShaderModule module = bench_shader(&calls->on, empty_shader, sizeof(empty_shader));
   const VkPipelineShaderStageCreateInfo stage = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage = VK_SHADER_STAGE_VERTEX_BIT,
      .module = module,
      .pName = "main",
   };
   const VkPipelineVertexInputStateCreateInfo vertex_input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .rasterizerDiscardEnable = VK_TRUE,
      .lineWidth = 1,
   };
   const VkPipelineRenderingCreateInfo rendering = {.sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO};
   const VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = &rendering,
      .stageCount = 1,
      .pStages = &stage,
      .pVertexInputState = &vertex_input,
      .pInputAssemblyState = &assembly,
      .pRasterizationState = &rasterization,
      .layout = calls->set.layout,
   };
   VK(vkCreateGraphicsPipelines(calls->on.device, VK_NULL_HANDLE, 1, &info, NULL, &calls->pipeline));
   vkDestroyShaderModule(calls->on.device, module, NULL);
}

static void create_compute_pipeline(struct calls *calls)
{
   const VkShaderModule module = bench_shader(&calls->on, empty_compute_shader, sizeof(empty_compute_shader));
   calls->compute_pipeline = bench_compute_pipeline(&calls->on, 0, calls->set.layout, module, 0);
   vkDestroyShaderModule(calls->on.device, module, NULL);
}

static PFN_vkVoidFunction driver_function(const struct calls *calls, const char *name)
{
   const PFN_vkVoidFunction function = vkGetDeviceProcAddr(calls->on.device, name);
   if (!function)
      bench_die(name, 0);
   return function;
}

static void load_commands(struct calls *calls)
{
   calls->draw = (PFN_vkCmdDraw)driver_function(calls, "vkCmdDraw");
   calls->push_constants = (PFN_vkCmdPushConstants)driver_function(calls, "vkCmdPushConstants");
   calls->bind_descriptor_sets = (PFN_vkCmdBindDescriptorSets)driver_function(calls, "vkCmdBindDescriptorSets");
   calls->pipeline_barrier = (PFN_vkCmdPipelineBarrier)driver_function(calls, "vkCmdPipelineBarrier");
   calls->bind_vertex_buffers = (PFN_vkCmdBindVertexBuffers)driver_function(calls, "vkCmdBindVertexBuffers");
   calls->set_viewport = (PFN_vkCmdSetViewport)driver_function(calls, "vkCmdSetViewport");
   calls->bind_pipeline = (PFN_vkCmdBindPipeline)driver_function(calls, "vkCmdBindPipeline");
   calls->dispatch = (PFN_vkCmdDispatch)driver_function(calls, "vkCmdDispatch");
}

static void calls_init(struct calls *calls)
{
   const VkPushConstantRange push = {VK_SHADER_STAGE_VERTEX_BIT, 0, CALLS_PUSH_SIZE};

   *calls = (struct calls){0};
   bench_device_init(&calls->on, NULL);
   bench_buffer_init_gpu(&calls->on, &calls->buffer, 64 * KIB,
                         VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
   bench_set_init(&calls->on, &calls->set, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, 1, push);
   calls->descriptors = bench_set_new(&calls->on, &calls->set, &(VkDescriptorBufferInfo){calls->buffer.buffer, 0, 256});
   create_pipeline(calls);
   create_compute_pipeline(calls);
   calls->pool = bench_slots_init(&calls->on, &calls->slot, 1);
   load_commands(calls);
}

static void calls_finish(struct calls *calls)
{
   VK(vkDeviceWaitIdle(calls->on.device));
   bench_slots_finish(&calls->on, calls->pool, &calls->slot, 1);
   vkDestroyPipeline(calls->on.device, calls->pipeline, NULL);
   vkDestroyPipeline(calls->on.device, calls->compute_pipeline, NULL);
   bench_set_finish(&calls->on, &calls->set);
   bench_buffer_finish(&calls->on, &calls->buffer);
   bench_device_finish(&calls->on);
}

void calls_run(void (*run)(struct calls *calls))
{
   struct calls calls;

   calls_init(&calls);
   printf("{\"device\": \"%s\", \"results\": [\n", calls.on.properties.deviceName);
   run(&calls);
   printf("]}\n");
   calls_finish(&calls);
}
