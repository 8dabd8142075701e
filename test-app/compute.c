/* SPDX-License-Identifier: MIT */

/* Compute pipelines over storage buffers. */

#include "test-app/app.h"

VkShaderModule app_shader_module(struct app_context *ctx, const struct app_shader *shader)
{
   VkShaderModule module = VK_NULL_HANDLE;
   VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = shader->size,
      .pCode = shader->code,
   };
   VK_CHECK(ctx->test, vkCreateShaderModule(ctx->device, &info, NULL, &module));
   return module;
}

static bool app_compute_create_layout(struct app_context *ctx, struct app_compute *compute, uint32_t buffers,
                                      uint32_t push_size)
{
   VkDescriptorSetLayoutBinding bindings[APP_COMPUTE_BUFFERS];
   for (uint32_t i = 0; i < buffers; i++) {
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .descriptorCount = 1,
         .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
      };
   }
   VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = buffers,
      .pBindings = bindings,
   };
   if (!VK_CHECK(ctx->test, vkCreateDescriptorSetLayout(ctx->device, &set_info, NULL, &compute->set_layout)))
      return false;
   VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size};
   VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &compute->set_layout,
      .pushConstantRangeCount = push_size ? 1 : 0,
      .pPushConstantRanges = &range,
   };
   return VK_CHECK(ctx->test, vkCreatePipelineLayout(ctx->device, &layout_info, NULL, &compute->layout));
}

static bool app_compute_create_set(struct app_context *ctx, struct app_compute *compute, uint32_t buffers)
{
   VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffers};
   VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = 1,
      .pPoolSizes = &size,
   };
   if (!VK_CHECK(ctx->test, vkCreateDescriptorPool(ctx->device, &pool_info, NULL, &compute->pool)))
      return false;
   VkDescriptorSetAllocateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = compute->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &compute->set_layout,
   };
   return VK_CHECK(ctx->test, vkAllocateDescriptorSets(ctx->device, &set_info, &compute->set));
}

bool app_compute_create(struct app_context *ctx, struct app_compute *compute, const struct app_shader *shader,
                        uint32_t buffers, uint32_t push_size)
{
   *compute = (struct app_compute){0};
   if (!CHECK(ctx->test, buffers <= APP_COMPUTE_BUFFERS) ||
       !app_compute_create_layout(ctx, compute, buffers, push_size) || !app_compute_create_set(ctx, compute, buffers))
      return false;
   VkShaderModule module = app_shader_module(ctx, shader);
   if (!module)
      return false;
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main",
         },
      .layout = compute->layout,
   };
   bool good =
      VK_CHECK(ctx->test, vkCreateComputePipelines(ctx->device, VK_NULL_HANDLE, 1, &info, NULL, &compute->pipeline));
   vkDestroyShaderModule(ctx->device, module, NULL);
   return good;
}

void app_compute_destroy(struct app_context *ctx, struct app_compute *compute)
{
   if (!ctx->device)
      return;
   vkDestroyPipeline(ctx->device, compute->pipeline, NULL);
   vkDestroyDescriptorPool(ctx->device, compute->pool, NULL);
   vkDestroyPipelineLayout(ctx->device, compute->layout, NULL);
   vkDestroyDescriptorSetLayout(ctx->device, compute->set_layout, NULL);
   *compute = (struct app_compute){0};
}

void app_compute_buffers(struct app_context *ctx, struct app_compute *compute, const struct app_buffer *const *buffers,
                         uint32_t count)
{
   VkDescriptorBufferInfo infos[APP_COMPUTE_BUFFERS];
   VkWriteDescriptorSet writes[APP_COMPUTE_BUFFERS];
   for (uint32_t i = 0; i < count; i++) {
      infos[i] = (VkDescriptorBufferInfo){buffers[i]->handle, 0, VK_WHOLE_SIZE};
      writes[i] = (VkWriteDescriptorSet){
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = compute->set,
         .dstBinding = i,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .pBufferInfo = &infos[i],
      };
   }
   vkUpdateDescriptorSets(ctx->device, count, writes, 0, NULL);
}

void app_cmd_compute(VkCommandBuffer commands, const struct app_compute *compute, const void *push, uint32_t push_size,
                     uint32_t groups_x, uint32_t groups_y)
{
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute->pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute->layout, 0, 1, &compute->set, 0, NULL);
   if (push_size > 0)
      vkCmdPushConstants(commands, compute->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size, push);
   vkCmdDispatch(commands, groups_x, groups_y, 1);
}
