/* SPDX-License-Identifier: MIT */
/* The compute shader with which parts let the GPU write words. */
#include "stress.h"

#include <string.h>

#include "write_address_comp.h"
#include "write_comp.h"

#define GROUP_SIZE 64 /* as in the shaders */

struct push_constants {
   VkDeviceAddress address;
   struct program_write write;
};

static void create_set(struct world *world, struct program *program)
{
   const VkDescriptorBindingFlags late = VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT;
   const VkDescriptorSetLayoutBindingFlagsCreateInfo flags = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
      .bindingCount = 1,
      .pBindingFlags = &late,
   };
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
   };
   const bool is_late = program->kind == PROGRAM_LATE;
   const VkDescriptorSetLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .pNext = is_late ? &flags : NULL,
      .flags = is_late ? VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT : 0,
      .bindingCount = 1,
      .pBindings = &binding,
   };
   MUST(world, vkCreateDescriptorSetLayout(world->device, &layout, NULL, &program->set_layout));
   const VkDescriptorPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .flags = is_late ? VK_DESCRIPTOR_POOL_CREATE_UPDATE_AFTER_BIND_BIT : 0,
      .maxSets = 1,
      .poolSizeCount = 1,
      .pPoolSizes = &(VkDescriptorPoolSize){VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1},
   };
   MUST(world, vkCreateDescriptorPool(world->device, &pool, NULL, &program->pool));
   const VkDescriptorSetAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = program->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &program->set_layout,
   };
   MUST(world, vkAllocateDescriptorSets(world->device, &allocate, &program->set));
}

static void create_pipeline(struct world *world, struct program *program)
{
   const bool by_address = program->kind == PROGRAM_ADDRESS;
   const VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &program->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &(VkPushConstantRange){VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(struct push_constants)},
   };
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = by_address ? sizeof(write_address_comp) : sizeof(write_comp),
      .pCode = by_address ? write_address_comp : write_comp,
   };
   VkComputePipelineCreateInfo pipeline = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage.stage = VK_SHADER_STAGE_COMPUTE_BIT,
      .stage.pName = "main",
   };
   MUST(world, vkCreatePipelineLayout(world->device, &layout, NULL, &program->layout));
   MUST(world, vkCreateShaderModule(world->device, &code, NULL, &pipeline.stage.module));
   pipeline.layout = program->layout;
   MUST(world, vkCreateComputePipelines(world->device, VK_NULL_HANDLE, 1, &pipeline, NULL, &program->pipeline));
   vkDestroyShaderModule(world->device, pipeline.stage.module, NULL);
}

void program_create(struct world *world, struct program *program, enum program_kind kind)
{
   *program = (struct program){.kind = kind};
   create_set(world, program);
   create_pipeline(world, program);
}

void program_destroy(struct world *world, struct program *program)
{
   vkDestroyPipeline(world->device, program->pipeline, NULL);
   vkDestroyPipelineLayout(world->device, program->layout, NULL);
   vkDestroyDescriptorPool(world->device, program->pool, NULL);
   vkDestroyDescriptorSetLayout(world->device, program->set_layout, NULL);
}

void program_set_target(struct world *world, struct program *program, VkBuffer buffer, VkDeviceSize offset)
{
   if (program->kind == PROGRAM_ADDRESS) {
      const VkBufferDeviceAddressInfo info = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
         .buffer = buffer,
      };
      program->address = vkGetBufferDeviceAddress(world->device, &info) + offset;
      return;
   }
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = program->set,
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = &(VkDescriptorBufferInfo){buffer, offset, VK_WHOLE_SIZE},
   };
   vkUpdateDescriptorSets(world->device, 1, &write, 0, NULL);
}

void program_record(struct worker *w, const struct program *program, const struct program_write *writes, unsigned count)
{
   vkCmdBindPipeline(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, program->pipeline);
   if (program->kind != PROGRAM_ADDRESS)
      vkCmdBindDescriptorSets(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, program->layout, 0, 1, &program->set, 0,
                              NULL);
   for (unsigned i = 0; i < count; i++) {
      const struct push_constants constants = {program->address, writes[i]};
      vkCmdPushConstants(w->commands, program->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(constants), &constants);
      vkCmdDispatch(w->commands, (writes[i].count + GROUP_SIZE - 1) / GROUP_SIZE, 1, 1);
      gpu_barrier(w);
   }
}

void program_model(uint8_t *model, const struct program_write *write)
{
   for (uint32_t i = 0; i < write->count; i++) {
      uint8_t *at = model + (size_t)(write->first + i * write->step) * 4;
      uint32_t word;
      memcpy(&word, at, 4);
      word = write->add ? word + write->value : write->value + i * 2654435761u;
      memcpy(at, &word, 4);
   }
}
