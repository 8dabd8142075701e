/* SPDX-License-Identifier: MIT */
/* Phase 4: samplers, and descriptors from their layouts and pools to what a shader finds in them. */

#include <string.h>

#include "test-app/phase_04_resources.h"
#include "test-app/shaders.h"

void resources_check_samplers(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkSampler samplers[2 * 2 * 2 * 4];
   uint32_t count = 0;
   for (int mag = 0; mag < 2; mag++) {
      for (int min = 0; min < 2; min++) {
         for (int mip = 0; mip < 2; mip++) {
            for (int address = 0; address < 4; address++) {
               VkSamplerCreateInfo info = {
                  .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                  .magFilter = (VkFilter)mag,
                  .minFilter = (VkFilter)min,
                  .mipmapMode = (VkSamplerMipmapMode)mip,
                  .addressModeU = (VkSamplerAddressMode)address,
                  .addressModeV = VK_SAMPLER_ADDRESS_MODE_REPEAT,
                  .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                  .compareEnable = mip == 1,
                  .compareOp = VK_COMPARE_OP_LESS,
                  .maxLod = VK_LOD_CLAMP_NONE,
                  .borderColor = VK_BORDER_COLOR_FLOAT_OPAQUE_WHITE,
               };
               samplers[count] = VK_NULL_HANDLE;
               VK_CHECK(t, vkCreateSampler(ctx->device, &info, NULL, &samplers[count]));
               count++;
            }
         }
      }
   }
   while (count > 0)
      vkDestroySampler(ctx->device, samplers[--count], NULL);
}

static const VkDescriptorType descriptor_types[] = {
   VK_DESCRIPTOR_TYPE_SAMPLER,
   VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
   VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE,
   VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
   VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
   VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER,
   VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC,
   VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC,
   VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT,
};

void resources_check_layouts(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkDescriptorSetLayout layouts[2] = {VK_NULL_HANDLE};
   VkPipelineLayout pipeline_layout = VK_NULL_HANDLE;
   VkDescriptorSetLayoutBinding bindings[APP_COUNT(descriptor_types)];
   for (uint32_t i = 0; i < APP_COUNT(bindings); i++) {
      bool input = descriptor_types[i] == VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT;
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i * 2,
         .descriptorType = descriptor_types[i],
         .descriptorCount = 1,
         .stageFlags = input ? VK_SHADER_STAGE_FRAGMENT_BIT : VK_SHADER_STAGE_ALL,
      };
   }
   VkDescriptorSetLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = (uint32_t)APP_COUNT(bindings),
      .pBindings = bindings,
   };
   VkDescriptorSetLayoutSupport support = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_SUPPORT};
   vkGetDescriptorSetLayoutSupport(ctx->device, &info, &support);
   CHECK(t, support.supported == VK_TRUE);
   VK_TRY(t, vkCreateDescriptorSetLayout(ctx->device, &info, NULL, &layouts[0]));
   info.bindingCount = 0;
   VK_TRY(t, vkCreateDescriptorSetLayout(ctx->device, &info, NULL, &layouts[1]));
   VkPushConstantRange ranges[2] = {{VK_SHADER_STAGE_COMPUTE_BIT, 0, 64}, {VK_SHADER_STAGE_VERTEX_BIT, 64, 64}};
   VkPipelineLayoutCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 2,
      .pSetLayouts = layouts,
      .pushConstantRangeCount = 2,
      .pPushConstantRanges = ranges,
   };
   VK_CHECK(t, vkCreatePipelineLayout(ctx->device, &pipeline_info, NULL, &pipeline_layout));
done:
   vkDestroyPipelineLayout(ctx->device, pipeline_layout, NULL);
   for (uint32_t i = 0; i < APP_COUNT(layouts); i++)
      vkDestroyDescriptorSetLayout(ctx->device, layouts[i], NULL);
}

/* A pool of four sets. Vulkan lets a driver give more than the pool was made for; when it refuses, it must do so with
 * VK_ERROR_OUT_OF_POOL_MEMORY, leave null handles, and work again after sets came back. */
static void check_pool_limit(struct app_context *ctx, const VkDescriptorSetLayout *layout)
{
   enum { MADE_FOR = 4, TRIED = 12 };
   struct app_test *t = ctx->test;
   VkDescriptorPool pool;
   VkDescriptorSet sets[TRIED];
   VkDescriptorSetLayout layouts[TRIED];
   VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2 * MADE_FOR};
   VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
      .maxSets = MADE_FOR,
      .poolSizeCount = 1,
      .pPoolSizes = &size,
   };
   for (uint32_t i = 0; i < TRIED; i++)
      layouts[i] = *layout;
   if (!VK_CHECK(t, vkCreateDescriptorPool(ctx->device, &pool_info, NULL, &pool)))
      return;
   VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = pool,
      .descriptorSetCount = MADE_FOR,
      .pSetLayouts = layouts,
   };
   for (int round = 0; round < 3; round++) {
      info.descriptorSetCount = MADE_FOR;
      VK_CHECK(t, vkAllocateDescriptorSets(ctx->device, &info, sets));
      for (uint32_t i = 0; i < MADE_FOR; i++)
         CHECK(t, sets[i] != VK_NULL_HANDLE);
      VkDescriptorSet none[2] = {VK_NULL_HANDLE, VK_NULL_HANDLE};
      VK_CHECK(t, vkFreeDescriptorSets(ctx->device, pool, 2, none));
      VK_CHECK(t, vkFreeDescriptorSets(ctx->device, pool, MADE_FOR, sets));

      info.descriptorSetCount = TRIED;
      memset(sets, 0xff, sizeof(sets));
      VkResult result = vkAllocateDescriptorSets(ctx->device, &info, sets);
      CHECK(t, result == VK_SUCCESS || result == VK_ERROR_OUT_OF_POOL_MEMORY);
      if (round == 0)
         app_note(t, "%u sets of a pool made for %u: %s", (unsigned)TRIED, (unsigned)MADE_FOR, app_result_name(result));
      for (uint32_t i = 0; i < TRIED; i++)
         CHECK(t, (result == VK_SUCCESS) == (sets[i] != VK_NULL_HANDLE));
      VK_CHECK(t, vkResetDescriptorPool(ctx->device, pool, 0));
   }
   vkDestroyDescriptorPool(ctx->device, pool, NULL);
}

/* Set 0 is written, set 1 gets a copy of it, set 2 is written through a template; a shader proves what they hold. */
static void check_updates(struct app_context *ctx, const struct app_compute *compute, struct app_buffer *buffers)
{
   struct app_test *t = ctx->test;
   VkDescriptorPool pool = VK_NULL_HANDLE;
   VkDescriptorUpdateTemplate template = VK_NULL_HANDLE;
   VkDescriptorSet sets[3];
   VkDescriptorSetLayout layouts[3] = {compute->set_layout, compute->set_layout, compute->set_layout};
   VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3};
   VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 3,
      .poolSizeCount = 1,
      .pPoolSizes = &size,
   };
   VK_TRY(t, vkCreateDescriptorPool(ctx->device, &pool_info, NULL, &pool));
   VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = pool,
      .descriptorSetCount = 3,
      .pSetLayouts = layouts,
   };
   VK_TRY(t, vkAllocateDescriptorSets(ctx->device, &info, sets));

   VkDescriptorBufferInfo first = {buffers[0].handle, 0, VK_WHOLE_SIZE};
   VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = sets[0],
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = &first,
   };
   VkCopyDescriptorSet copy = {
      .sType = VK_STRUCTURE_TYPE_COPY_DESCRIPTOR_SET,
      .srcSet = sets[0],
      .dstSet = sets[1],
      .descriptorCount = 1,
   };
   vkUpdateDescriptorSets(ctx->device, 1, &write, 1, &copy);

   struct {
      uint32_t unused[4];
      VkDescriptorBufferInfo buffer;
   } data = {{0}, {buffers[1].handle, 0, 16}};
   VkDescriptorUpdateTemplateEntry entry = {
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .offset = (size_t)((char *)&data.buffer - (char *)&data),
      .stride = sizeof(data),
   };
   VkDescriptorUpdateTemplateCreateInfo template_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO,
      .descriptorUpdateEntryCount = 1,
      .pDescriptorUpdateEntries = &entry,
      .templateType = VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_DESCRIPTOR_SET,
      .descriptorSetLayout = compute->set_layout,
   };
   VK_TRY(t, vkCreateDescriptorUpdateTemplate(ctx->device, &template_info, NULL, &template));
   vkUpdateDescriptorSetWithTemplate(ctx->device, sets[2], template, &data);

   memset(buffers[0].map, 0, 64);
   memset(buffers[1].map, 0, 64);
   VkCommandBuffer commands = app_commands_begin(ctx);
   if (!commands)
      goto done;
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute->pipeline);
   for (uint32_t i = 0; i < 3; i++) {
      const uint32_t push[3] = {i, 1, 100 + i};
      vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, compute->layout, 0, 1, &sets[i], 0, NULL);
      vkCmdPushConstants(commands, compute->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(push), push);
      vkCmdDispatch(commands, 1, 1, 1);
      app_cmd_barrier(commands);
   }
   if (!app_commands_run(ctx, commands))
      goto done;
   CHECK_BYTES(t, ((const uint32_t[4]){100, 101, 0, 0}), buffers[0].map, 16);
   CHECK_BYTES(t, ((const uint32_t[4]){0, 0, 102, 0}), buffers[1].map, 16);
done:
   vkDestroyDescriptorUpdateTemplate(ctx->device, template, NULL);
   vkDestroyDescriptorPool(ctx->device, pool, NULL);
}

void resources_check_descriptors(struct app_context *ctx)
{
   struct app_compute compute;
   struct app_buffer buffers[2] = {{0}};
   bool good = app_compute_create(ctx, &compute, &shader_add, 1, 12);
   for (uint32_t i = 0; i < 2 && good; i++)
      good = app_buffer_create(ctx, &buffers[i], 64, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, APP_MEMORY_READBACK);
   if (good) {
      check_pool_limit(ctx, &compute.set_layout);
      check_updates(ctx, &compute, buffers);
   }
   for (uint32_t i = 0; i < 2; i++)
      app_buffer_destroy(ctx, &buffers[i]);
   app_compute_destroy(ctx, &compute);
}
