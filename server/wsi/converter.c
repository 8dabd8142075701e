/* SPDX-License-Identifier: MIT */

/* The compute pipeline of planes.comp, with a descriptor set for each buffer. Its dispatch is recorded behind the copy
 * of the image. */

#include "server/wsi/converter.h"

#include <stdlib.h>

#include "common/picture/planes.h"
#include "common/picture/tiles.h"
#include "server/core/device.h"
#include "server/wsi/planes.comp.h"

/* The shader's. */
#define BLOCK_WIDTH 8 /* pixels of an invocation */
#define BLOCK_HEIGHT 2
#define GROUP 8 /* invocations of a group, each way */

bool vps_converter_everywhere;

struct parameters {
   uint32_t width, height, first;
};

struct vps_converter {
   const struct vps_device *device;
   struct parameters parameters;
   VkDeviceSize size;
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDescriptorPool pool;
   VkDescriptorSet sets[]; /* by number of the buffer */
};

static bool create_layouts(struct vps_converter *converter)
{
   const struct vps_device *device = converter->device;
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
   };
   const VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 1,
      .pBindings = &binding,
   };
   const VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = sizeof(struct parameters)};
   const VkPipelineLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &converter->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &range,
   };

   if (device->functions.CreateDescriptorSetLayout(device->handle, &set_info, NULL, &converter->set_layout) < 0) {
      converter->set_layout = VK_NULL_HANDLE;
      return false;
   }
   if (device->functions.CreatePipelineLayout(device->handle, &info, NULL, &converter->layout) >= 0)
      return true;
   converter->layout = VK_NULL_HANDLE;
   return false;
}

static bool create_pipeline(struct vps_converter *converter)
{
   const struct vps_device *device = converter->device;
   const VkShaderModuleCreateInfo module_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = sizeof(planes_shader),
      .pCode = planes_shader,
   };
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main"},
      .layout = converter->layout,
   };

   if (device->functions.CreateShaderModule(device->handle, &module_info, NULL, &info.stage.module) < 0)
      return false;
   const VkResult result =
      device->functions.CreateComputePipelines(device->handle, VK_NULL_HANDLE, 1, &info, NULL, &converter->pipeline);
   device->functions.DestroyShaderModule(device->handle, info.stage.module, NULL);
   if (result == VK_SUCCESS)
      return true;
   converter->pipeline = VK_NULL_HANDLE;
   return false;
}

static bool create_sets(struct vps_converter *converter, uint32_t count)
{
   const struct vps_device *device = converter->device;
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, count};
   const VkDescriptorPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = count,
      .poolSizeCount = 1,
      .pPoolSizes = &size,
   };

   if (device->functions.CreateDescriptorPool(device->handle, &info, NULL, &converter->pool) < 0) {
      converter->pool = VK_NULL_HANDLE;
      return false;
   }
   for (uint32_t i = 0; i < count; i++) {
      const VkDescriptorSetAllocateInfo allocation = {
         .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
         .descriptorPool = converter->pool,
         .descriptorSetCount = 1,
         .pSetLayouts = &converter->set_layout,
      };
      if (device->functions.AllocateDescriptorSets(device->handle, &allocation, &converter->sets[i]) < 0)
         return false;
   }
   return true;
}

struct vps_converter *vps_converter_create(const struct vps_device *device, uint32_t width, uint32_t height,
                                           uint32_t buffers)
{
   const struct vp_planes planes = vp_planes_of(width, height);
   const VkDeviceSize pixels = (VkDeviceSize)width * height * VP_PIXEL_SIZE, size = pixels + planes.size;

   if (!device->compute_families || size > device->storage_limit || (device->is_processor && !vps_converter_everywhere))
      return NULL;
   struct vps_converter *converter = calloc(1, sizeof(*converter) + buffers * sizeof(converter->sets[0]));
   if (!converter)
      return NULL;
   converter->device = device;
   converter->size = size;
   converter->parameters = (struct parameters){width, height, (uint32_t)(pixels / sizeof(uint32_t))};
   if (create_layouts(converter) && create_pipeline(converter) && create_sets(converter, buffers))
      return converter;
   vps_converter_destroy(converter);
   return NULL;
}

void vps_converter_destroy(struct vps_converter *converter)
{
   if (!converter)
      return;
   const struct vps_device *device = converter->device;
   device->functions.DestroyPipeline(device->handle, converter->pipeline, NULL);
   device->functions.DestroyPipelineLayout(device->handle, converter->layout, NULL);
   device->functions.DestroyDescriptorPool(device->handle, converter->pool, NULL);
   device->functions.DestroyDescriptorSetLayout(device->handle, converter->set_layout, NULL);
   free(converter);
}

VkDeviceSize vps_converter_size(const struct vps_converter *converter)
{
   return converter->size;
}

VkDeviceSize vps_converter_offset(const struct vps_converter *converter)
{
   return (VkDeviceSize)converter->parameters.first * sizeof(uint32_t);
}

void vps_converter_use(struct vps_converter *converter, uint32_t number, VkBuffer buffer)
{
   const struct vps_device *device = converter->device;
   const VkDescriptorBufferInfo info = {.buffer = buffer, .range = converter->size};
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = converter->sets[number],
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = &info,
   };

   device->functions.UpdateDescriptorSets(device->handle, 1, &write, 0, NULL);
}

bool vps_converter_can(const struct vps_converter *converter, uint32_t family)
{
   return family < 64 && (converter->device->compute_families >> family & 1);
}

static uint32_t groups(uint32_t pixels, uint32_t block)
{
   return (pixels + block * GROUP - 1) / (block * GROUP);
}

void vps_converter_record(const struct vps_converter *converter, VkCommandBuffer commands, uint32_t number)
{
   const struct vps_device_functions *functions = &converter->device->functions;
   const struct parameters *parameters = &converter->parameters;
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_SHADER_READ_BIT,
   };

   functions->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1,
                                 &barrier, 0, NULL, 0, NULL);
   functions->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, converter->pipeline);
   functions->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, converter->layout, 0, 1,
                                    &converter->sets[number], 0, NULL);
   functions->CmdPushConstants(commands, converter->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(*parameters),
                               parameters);
   functions->CmdDispatch(commands, groups(parameters->width, BLOCK_WIDTH), groups(parameters->height, BLOCK_HEIGHT),
                          1);
}
