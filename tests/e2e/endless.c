/* SPDX-License-Identifier: MIT */
/* Submits something that the GPU is busy with for minutes.
 *
 * usage: endless draw|compute|long|late
 *
 *   draw     drawing: waits for it
 *   compute  the same with a dispatch
 *   long     a dispatch, for which it waits three seconds, which must not be enough
 *   late     a drawing that is done in a moment, and waits for a semaphore that is signalled after three seconds
 *
 * Exit status: 0 when that is how it was, 42 when the device was lost, 1 for anything else. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "endless_comp.h"
#include "endless_vert.h"
#include "tests/e2e/gpu.h"

#define EXIT_LOST 42
#define LATE_S 3u
#define MANY 0x1000000u

struct work {
   struct gpu gpu;
   struct gpu_buffer buffer;
   VkDescriptorSetLayout set_layout;
   VkDescriptorSet set;
   VkPipelineLayout layout;
   VkRenderPass render_pass;
   VkFramebuffer framebuffer;
   VkPipeline draw, compute;
   VkCommandPool pool;
   VkSemaphore late;
   VkFence fence;
};

static VkShaderModule create_module(const struct work *w, const uint32_t *code, size_t size)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = code};
   VkShaderModule module;
   OK(vkCreateShaderModule(w->gpu.device, &info, NULL, &module));
   return module;
}

/* Its one descriptor is a storage buffer. */
static void create_set(struct work *w)
{
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 1, .stageFlags = VK_SHADER_STAGE_ALL};
   const VkDescriptorSetLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   VkDescriptorPool pool;
   OK(vkCreateDescriptorSetLayout(w->gpu.device, &layout, NULL, &w->set_layout));
   OK(vkCreateDescriptorPool(w->gpu.device, &pool_info, NULL, &pool));
   const VkDescriptorSetAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                 .descriptorPool = pool,
                                                 .descriptorSetCount = 1,
                                                 .pSetLayouts = &w->set_layout};
   OK(vkAllocateDescriptorSets(w->gpu.device, &allocate, &w->set));
   w->buffer = gpu_map_buffer(&w->gpu, 4096, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   const VkDescriptorBufferInfo buffer = {w->buffer.handle, 0, VK_WHOLE_SIZE};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .dstSet = w->set,
                                       .descriptorCount = 1,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .pBufferInfo = &buffer};
   vkUpdateDescriptorSets(w->gpu.device, 1, &write, 0, NULL);
}

/* Without attachments. */
static void create_render_pass(struct work *w)
{
   const VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS};
   const VkRenderPassCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO, .subpassCount = 1, .pSubpasses = &subpass};
   OK(vkCreateRenderPass(w->gpu.device, &info, NULL, &w->render_pass));
   const VkFramebufferCreateInfo framebuffer = {.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                .renderPass = w->render_pass,
                                                .width = 16,
                                                .height = 16,
                                                .layers = 1};
   OK(vkCreateFramebuffer(w->gpu.device, &framebuffer, NULL, &w->framebuffer));
}

static void create_pipelines(struct work *w)
{
   const VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &w->set_layout};
   OK(vkCreatePipelineLayout(w->gpu.device, &layout, NULL, &w->layout));
   VkPipelineShaderStageCreateInfo stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                            .module = create_module(w, endless_comp, sizeof(endless_comp)),
                                            .pName = "main"};
   const VkComputePipelineCreateInfo compute = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .stage = stage, .layout = w->layout};
   OK(vkCreateComputePipelines(w->gpu.device, VK_NULL_HANDLE, 1, &compute, NULL, &w->compute));
   const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                          VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .rasterizerDiscardEnable = VK_TRUE,
      .lineWidth = 1};
   stage.stage = VK_SHADER_STAGE_VERTEX_BIT;
   stage.module = create_module(w, endless_vert, sizeof(endless_vert));
   const VkGraphicsPipelineCreateInfo draw = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                              .stageCount = 1,
                                              .pStages = &stage,
                                              .pVertexInputState = &input,
                                              .pInputAssemblyState = &assembly,
                                              .pRasterizationState = &rasterization,
                                              .layout = w->layout,
                                              .renderPass = w->render_pass};
   OK(vkCreateGraphicsPipelines(w->gpu.device, VK_NULL_HANDLE, 1, &draw, NULL, &w->draw));
}

static void open_work(struct work *w)
{
   const VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   gpu_open(&w->gpu, &timeline);
   create_set(w);
   create_render_pass(w);
   create_pipelines(w);
   OK(vkCreateSemaphore(w->gpu.device, &semaphore, NULL, &w->late));
   OK(vkCreateFence(w->gpu.device, &fence, NULL, &w->fence));
}

static VkCommandBuffer record(struct work *w, bool draws, uint32_t count)
{
   const VkRenderPassBeginInfo pass = {.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                       .renderPass = w->render_pass,
                                       .framebuffer = w->framebuffer,
                                       .renderArea = {{0, 0}, {16, 16}}};
   const VkPipelineBindPoint point = draws ? VK_PIPELINE_BIND_POINT_GRAPHICS : VK_PIPELINE_BIND_POINT_COMPUTE;
   VkCommandBuffer commands = gpu_create_commands(&w->gpu, &w->pool);
   gpu_begin(commands);
   vkCmdBindPipeline(commands, point, draws ? w->draw : w->compute);
   vkCmdBindDescriptorSets(commands, point, w->layout, 0, 1, &w->set, 0, NULL);
   if (draws) {
      vkCmdBeginRenderPass(commands, &pass, VK_SUBPASS_CONTENTS_INLINE);
      vkCmdDraw(commands, count, 1, 0, 0);
      vkCmdEndRenderPass(commands);
   } else {
      vkCmdDispatch(commands, 65535, count / 65535, 1);
   }
   OK(vkEndCommandBuffer(commands));
   return commands;
}

static void submit(const struct work *w, VkCommandBuffer commands, bool waits)
{
   const uint64_t value = 1;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = 1,
                                                 .pWaitSemaphoreValues = &value};
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = waits ? &values : NULL,
                              .waitSemaphoreCount = waits,
                              .pWaitSemaphores = &w->late,
                              .pWaitDstStageMask = &stage,
                              .commandBufferCount = 1,
                              .pCommandBuffers = &commands};
   OK(vkQueueSubmit(w->gpu.queue, 1, &info, w->fence));
}

/* Returns the exit status. */
static int wait_for_it(const struct work *w, uint64_t timeout_ns, VkResult expected)
{
   const VkResult result = vkWaitForFences(w->gpu.device, 1, &w->fence, VK_TRUE, timeout_ns);

   printf("VkResult %d\n", (int)result);
   fflush(stdout);
   return result == VK_ERROR_DEVICE_LOST ? EXIT_LOST : result != expected;
}

static int run(struct work *w, const char *mode)
{
   const bool late = !strcmp(mode, "late"), is_long = !strcmp(mode, "long");
   const VkSemaphoreSignalInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = w->late, .value = 1};

   *(uint32_t *)w->buffer.data = late;
   const bool draws = strcmp(mode, "compute") != 0 && !is_long;
   submit(w, record(w, draws, late ? 3 : MANY), late);
   puts("ready");
   fflush(stdout);
   if (late) {
      sleep(LATE_S);
      OK(vkSignalSemaphore(w->gpu.device, &signal));
   }
   return wait_for_it(w, is_long ? LATE_S * UINT64_C(1000000000) : UINT64_MAX, is_long ? VK_TIMEOUT : VK_SUCCESS);
}

int main(int argc, char **argv)
{
   struct work w = {0};

   NEED(argc == 2);
   open_work(&w);
   const int status = run(&w, argv[1]);
   if (status != EXIT_LOST)
      _exit(status); /* not all of it can be destroyed */
   gpu_close(&w.gpu);
   return status;
}
