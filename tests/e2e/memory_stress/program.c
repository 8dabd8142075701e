/* SPDX-License-Identifier: MIT */
/* The compute shader with which parts let the GPU write words. */
#include <string.h>

#include "stress.h"
#include "write_address_comp.h"
#include "write_comp.h"
#include "write_texels_comp.h"

#define GROUP_SIZE 64 /* as in the shaders */

struct push_constants {
   VkDeviceAddress address;
   struct program_write write;
};

static VkDescriptorType descriptor_type(enum program_kind kind)
{
   return kind == PROGRAM_DYNAMIC  ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC
          : kind == PROGRAM_TEXELS ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER
                                   : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

static void create_set_layout(struct world *world, struct program *program)
{
   const VkDescriptorBindingFlags late = VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT;
   const VkDescriptorSetLayoutBindingFlagsCreateInfo flags = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
      .bindingCount = 1,
      .pBindingFlags = &late,
   };
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = descriptor_type(program->kind),
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
   };
   VkDescriptorSetLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 1,
      .pBindings = &binding,
   };
   if (program->kind == PROGRAM_LATE) {
      layout.pNext = &flags;
      layout.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT;
   } else if (program->kind == PROGRAM_PUSHED) {
      layout.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
   }
   MUST(world, vkCreateDescriptorSetLayout(world->device, &layout, NULL, &program->set_layout));
}

static void create_sets(struct world *world, struct program *program)
{
   const VkDescriptorPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .flags = program->kind == PROGRAM_LATE ? VK_DESCRIPTOR_POOL_CREATE_UPDATE_AFTER_BIND_BIT : 0,
      .maxSets = 2,
      .poolSizeCount = 1,
      .pPoolSizes = &(VkDescriptorPoolSize){descriptor_type(program->kind), 2},
   };
   MUST(world, vkCreateDescriptorPool(world->device, &pool, NULL, &program->pool));
   const VkDescriptorSetLayout layouts[] = {program->set_layout, program->set_layout};
   const VkDescriptorSetAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = program->pool,
      .descriptorSetCount = 2,
      .pSetLayouts = layouts,
   };
   VkDescriptorSet sets[2];
   MUST(world, vkAllocateDescriptorSets(world->device, &allocate, sets));
   program->set = sets[0];
   program->other = sets[1];
}

static void create_pipeline(struct world *world, struct program *program)
{
   const VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &program->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &(VkPushConstantRange){VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(struct push_constants)},
   };
   VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = sizeof(write_comp),
      .pCode = write_comp,
   };
   if (program->kind == PROGRAM_ADDRESS) {
      code.codeSize = sizeof(write_address_comp);
      code.pCode = write_address_comp;
   } else if (program->kind == PROGRAM_TEXELS) {
      code.codeSize = sizeof(write_texels_comp);
      code.pCode = write_texels_comp;
   }
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
   create_set_layout(world, program);
   if (kind == PROGRAM_PUSHED)
      program->push = (PFN_vkCmdPushDescriptorSetKHR)vkGetDeviceProcAddr(world->device, "vkCmdPushDescriptorSetKHR");
   else
      create_sets(world, program);
   create_pipeline(world, program);
}

void program_destroy(struct world *world, struct program *program)
{
   vkDestroyPipeline(world->device, program->pipeline, NULL);
   vkDestroyPipelineLayout(world->device, program->layout, NULL);
   vkDestroyDescriptorPool(world->device, program->pool, NULL);
   vkDestroyBufferView(world->device, program->view, NULL);
   vkDestroyDescriptorSetLayout(world->device, program->set_layout, NULL);
}

static void set_view(struct world *world, struct program *program, VkBuffer buffer, VkDeviceSize offset)
{
   const VkBufferViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
      .buffer = buffer,
      .format = VK_FORMAT_R32_UINT,
      .offset = offset,
      .range = VK_WHOLE_SIZE,
   };
   vkDestroyBufferView(world->device, program->view, NULL);
   MUST(world, vkCreateBufferView(world->device, &info, NULL, &program->view));
}

static void copy_descriptor(struct world *world, const struct program *program)
{
   const VkCopyDescriptorSet copy = {
      .sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
      .srcSet = program->other,
      .dstSet = program->set,
      .descriptorCount = 1,
   };
   vkUpdateDescriptorSets(world->device, 0, NULL, 1, &copy);
}

void program_set_target(struct world *world, struct program *program, VkBuffer buffer, VkDeviceSize offset,
                        VkDeviceSize size)
{
   program->buffer = buffer;
   program->offset = offset;
   program->size = size;
   if (program->kind == PROGRAM_PUSHED)
      return;
   if (program->kind == PROGRAM_ADDRESS) {
      const VkBufferDeviceAddressInfo info = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
         .buffer = buffer,
      };
      program->address = vkGetBufferDeviceAddress(world->device, &info) + offset;
      return;
   }
   if (program->kind == PROGRAM_TEXELS)
      set_view(world, program, buffer, offset);
   const bool moved = program->kind == PROGRAM_DYNAMIC;
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = program->kind == PROGRAM_COPIED ? program->other : program->set,
      .descriptorCount = 1,
      .descriptorType = descriptor_type(program->kind),
      .pBufferInfo = &(VkDescriptorBufferInfo){buffer, moved ? 0 : offset, size},
      .pTexelBufferView = &program->view,
   };
   vkUpdateDescriptorSets(world->device, 1, &write, 0, NULL);
   if (program->kind == PROGRAM_COPIED)
      copy_descriptor(world, program);
}

static void bind_target(struct worker *w, const struct program *program)
{
   const uint32_t offset = (uint32_t)program->offset;
   const bool moved = program->kind == PROGRAM_DYNAMIC;

   if (program->kind == PROGRAM_PUSHED) {
      const VkWriteDescriptorSet write = {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .descriptorCount = 1,
         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .pBufferInfo = &(VkDescriptorBufferInfo){program->buffer, program->offset, program->size},
      };
      program->push(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, program->layout, 0, 1, &write);
   } else if (program->kind != PROGRAM_ADDRESS) {
      vkCmdBindDescriptorSets(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, program->layout, 0, 1, &program->set, moved,
                              &offset);
   }
}

void program_record(struct worker *w, const struct program *program, const struct program_write *writes, unsigned count)
{
   vkCmdBindPipeline(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, program->pipeline);
   bind_target(w, program);
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
