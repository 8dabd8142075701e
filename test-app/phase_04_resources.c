/* SPDX-License-Identifier: MIT */
/* Phase 4: the objects that hold data or describe it: memory, buffers, images, views, samplers, descriptors, layouts,
 * pipeline caches, and private data. */

#include <stdlib.h>
#include <string.h>

#include "test-app/app.h"
#include "test-app/shaders.h"

static bool power_of_two(VkDeviceSize value)
{
   return value != 0 && (value & (value - 1)) == 0;
}

static VkMemoryAllocateInfo allocate_info(VkDeviceSize size, uint32_t type)
{
   return (VkMemoryAllocateInfo){
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = size,
      .memoryTypeIndex = type,
   };
}

static void check_one_memory_type(struct app_context *ctx, uint32_t type)
{
   static const VkDeviceSize sizes[] = {1, 4096, 65536, 1000003};
   struct app_test *t = ctx->test;
   for (uint32_t i = 0; i < APP_COUNT(sizes); i++) {
      VkMemoryAllocateInfo info = allocate_info(sizes[i], type);
      VkDeviceMemory memory;
      if (!VK_CHECK(t, vkAllocateMemory(ctx->device, &info, NULL, &memory)))
         continue;
      if (ctx->memory.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) {
         void *map = NULL;
         if (VK_CHECK(t, vkMapMemory(ctx->device, memory, 0, VK_WHOLE_SIZE, 0, &map)) && CHECK(t, map != NULL)) {
            CHECK_EQ(t, 0, (uintptr_t)map % ctx->properties.limits.minMemoryMapAlignment);
            memset(map, 0xa5, sizes[i]);
            CHECK_EQ(t, 0xa5, ((uint8_t *)map)[sizes[i] - 1]);
            vkUnmapMemory(ctx->device, memory);
         }
      }
      vkFreeMemory(ctx->device, memory, NULL);
   }
}

static void check_memory(struct app_context *ctx)
{
   const VkMemoryPropertyFlags special = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
                                         VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD |
                                         VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT;
   for (uint32_t type = 0; type < ctx->memory.memoryTypeCount; type++) {
      if (!(ctx->memory.memoryTypes[type].propertyFlags & special))
         check_one_memory_type(ctx, type);
   }
   vkFreeMemory(ctx->device, VK_NULL_HANDLE, NULL);
}

/* Many allocations alive at once, freed in another order. */
static void check_many_allocations(struct app_context *ctx)
{
   enum { MANY = 200 };
   struct app_test *t = ctx->test;
   VkDeviceMemory memories[MANY] = {VK_NULL_HANDLE};
   uint32_t type = app_memory_type(ctx, UINT32_MAX, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
   for (uint32_t i = 0; i < MANY; i++) {
      VkMemoryAllocateInfo info = allocate_info(4096 + 16 * i, type);
      VK_CHECK(t, vkAllocateMemory(ctx->device, &info, NULL, &memories[i]));
   }
   for (uint32_t i = 0; i < MANY; i++)
      vkFreeMemory(ctx->device, memories[i * 77 % MANY], NULL);
}

static void check_buffer_requirements(struct app_context *ctx, const VkBufferCreateInfo *info)
{
   struct app_test *t = ctx->test;
   VkBuffer buffer;
   VkMemoryRequirements plain;
   if (!VK_CHECK(t, vkCreateBuffer(ctx->device, info, NULL, &buffer)))
      return;
   vkGetBufferMemoryRequirements(ctx->device, buffer, &plain);
   CHECK(t, plain.size >= info->size);
   CHECK(t, power_of_two(plain.alignment));
   CHECK(t, plain.memoryTypeBits != 0);

   VkBufferMemoryRequirementsInfo2 question = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2,
      .buffer = buffer,
   };
   VkMemoryDedicatedRequirements dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
   VkMemoryRequirements2 all = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, .pNext = &dedicated};
   vkGetBufferMemoryRequirements2(ctx->device, &question, &all);
   CHECK_EQ(t, plain.size, all.memoryRequirements.size);
   CHECK_EQ(t, plain.alignment, all.memoryRequirements.alignment);
   CHECK_EQ(t, plain.memoryTypeBits, all.memoryRequirements.memoryTypeBits);
   CHECK(t, dedicated.requiresDedicatedAllocation <= VK_TRUE && dedicated.prefersDedicatedAllocation <= VK_TRUE);
   vkDestroyBuffer(ctx->device, buffer, NULL);

   if (ctx->api < VK_API_VERSION_1_3)
      return;
   VkDeviceBufferMemoryRequirements ahead = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS,
      .pCreateInfo = info,
   };
   all.pNext = NULL;
   vkGetDeviceBufferMemoryRequirements(ctx->device, &ahead, &all);
   CHECK_EQ(t, plain.size, all.memoryRequirements.size);
   CHECK_EQ(t, plain.alignment, all.memoryRequirements.alignment);
   CHECK_EQ(t, plain.memoryTypeBits, all.memoryRequirements.memoryTypeBits);
}

static void check_buffers(struct app_context *ctx)
{
   static const VkDeviceSize sizes[] = {1, 3, 256, 4095, 65537, 1 << 20, 64 << 20};
   static const VkBufferUsageFlags usages[] = {
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
      VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT,
      VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_INDEX_BUFFER_BIT,
      VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT,
   };
   for (uint32_t s = 0; s < APP_COUNT(sizes); s++) {
      for (uint32_t u = 0; u < APP_COUNT(usages); u++) {
         VkBufferCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
            .size = sizes[s],
            .usage = usages[u],
         };
         check_buffer_requirements(ctx, &info);
      }
   }
   vkDestroyBuffer(ctx->device, VK_NULL_HANDLE, NULL);
}

/* Three buffers in one memory, bound in one call, and a texel view of each. */
static void check_bind_and_views(struct app_context *ctx)
{
   enum { COUNT = 3 };
   struct app_test *t = ctx->test;
   VkBuffer buffers[COUNT] = {VK_NULL_HANDLE};
   VkBufferView views[COUNT] = {VK_NULL_HANDLE};
   VkDeviceMemory memory = VK_NULL_HANDLE;
   VkBindBufferMemoryInfo binds[COUNT];
   VkDeviceSize size = 0;
   uint32_t bits = UINT32_MAX;
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = 1000,
      .usage = VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT,
   };
   for (uint32_t i = 0; i < COUNT; i++) {
      VkMemoryRequirements needs;
      VK_TRY(t, vkCreateBuffer(ctx->device, &info, NULL, &buffers[i]));
      vkGetBufferMemoryRequirements(ctx->device, buffers[i], &needs);
      size = (size + needs.alignment - 1) / needs.alignment * needs.alignment;
      binds[i] = (VkBindBufferMemoryInfo){
         .sType = VK_STRUCTURE_TYPE_BIND_BUFFER_MEMORY_INFO,
         .buffer = buffers[i],
         .memoryOffset = size,
      };
      size += needs.size;
      bits &= needs.memoryTypeBits;
   }
   VkMemoryAllocateInfo memory_info = allocate_info(size, app_memory_type(ctx, bits, 0, 0));
   VK_TRY(t, vkAllocateMemory(ctx->device, &memory_info, NULL, &memory));
   for (uint32_t i = 0; i < COUNT; i++)
      binds[i].memory = memory;
   VK_TRY(t, vkBindBufferMemory2(ctx->device, COUNT, binds));
   for (uint32_t i = 0; i < COUNT; i++) {
      VkBufferViewCreateInfo view = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
         .buffer = buffers[i],
         .format = VK_FORMAT_R8G8B8A8_UNORM,
         .range = i == 0 ? VK_WHOLE_SIZE : 256,
      };
      VK_CHECK(t, vkCreateBufferView(ctx->device, &view, NULL, &views[i]));
   }
done:
   for (uint32_t i = 0; i < COUNT; i++) {
      vkDestroyBufferView(ctx->device, views[i], NULL);
      vkDestroyBuffer(ctx->device, buffers[i], NULL);
   }
   vkFreeMemory(ctx->device, memory, NULL);
}

static void check_image(struct app_context *ctx, const VkImageCreateInfo *info, VkImageAspectFlags aspect)
{
   struct app_test *t = ctx->test;
   struct app_image image;
   VkMemoryRequirements plain;
   if (!app_image_supported(ctx, info))
      return;
   if (app_image_create(ctx, &image, info, aspect)) {
      VkImageMemoryRequirementsInfo2 question = {
         .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
         .image = image.handle,
      };
      VkMemoryRequirements2 all = {.sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
      uint32_t sparse = 7;
      vkGetImageMemoryRequirements(ctx->device, image.handle, &plain);
      vkGetImageMemoryRequirements2(ctx->device, &question, &all);
      CHECK(t, plain.size > 0 && power_of_two(plain.alignment) && plain.memoryTypeBits != 0);
      CHECK_EQ(t, plain.size, all.memoryRequirements.size);
      CHECK_EQ(t, plain.alignment, all.memoryRequirements.alignment);
      CHECK_EQ(t, plain.memoryTypeBits, all.memoryRequirements.memoryTypeBits);
      if (ctx->features.sparseBinding) {
         vkGetImageSparseMemoryRequirements(ctx->device, image.handle, &sparse, NULL);
         CHECK_EQ(t, 0, sparse);
      }
      if (ctx->api >= VK_API_VERSION_1_3) {
         VkDeviceImageMemoryRequirements ahead = {
            .sType = VK_STRUCTURE_TYPE_DEVICE_IMAGE_MEMORY_REQUIREMENTS,
            .pCreateInfo = info,
         };
         vkGetDeviceImageMemoryRequirements(ctx->device, &ahead, &all);
         CHECK_EQ(t, plain.size, all.memoryRequirements.size);
      }
   }
   app_image_destroy(ctx, &image);
}

static void check_images(struct app_context *ctx)
{
   const VkImageUsageFlags usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   static const VkFormat formats[] = {VK_FORMAT_R8_UNORM, VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R16G16B16A16_SFLOAT,
                                      VK_FORMAT_R32_UINT, VK_FORMAT_R32G32B32A32_SFLOAT};
   for (uint32_t f = 0; f < APP_COUNT(formats); f++) {
      VkImageCreateInfo info = app_image_info(formats[f], 61, 47, usage);
      check_image(ctx, &info, VK_IMAGE_ASPECT_COLOR_BIT);
      info.mipLevels = 6;
      info.arrayLayers = 5;
      check_image(ctx, &info, VK_IMAGE_ASPECT_COLOR_BIT);
      info.imageType = VK_IMAGE_TYPE_1D;
      info.extent.height = 1;
      check_image(ctx, &info, VK_IMAGE_ASPECT_COLOR_BIT);
      info = app_image_info(formats[f], 32, 16, usage);
      info.imageType = VK_IMAGE_TYPE_3D;
      info.extent.depth = 8;
      info.mipLevels = 3;
      check_image(ctx, &info, VK_IMAGE_ASPECT_COLOR_BIT);
      info = app_image_info(formats[f], 64, 64, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT);
      info.samples = VK_SAMPLE_COUNT_4_BIT;
      check_image(ctx, &info, VK_IMAGE_ASPECT_COLOR_BIT);
   }
   VkImageCreateInfo depth = app_image_info(VK_FORMAT_D16_UNORM, 128, 128, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT);
   check_image(ctx, &depth, VK_IMAGE_ASPECT_DEPTH_BIT);
   vkDestroyImage(ctx->device, VK_NULL_HANDLE, NULL);
   vkDestroyImageView(ctx->device, VK_NULL_HANDLE, NULL);
}

static void check_cube_and_swizzle(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   struct app_image image = {0};
   VkImageView views[3] = {VK_NULL_HANDLE};
   VkImageCreateInfo info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, 32, 32, VK_IMAGE_USAGE_SAMPLED_BIT);
   info.flags = VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT | VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT;
   info.arrayLayers = 6;
   info.mipLevels = 4;
   if (!app_image_create(ctx, &image, &info, VK_IMAGE_ASPECT_COLOR_BIT))
      goto done;
   VkImageViewCreateInfo view = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image.handle,
      .viewType = VK_IMAGE_VIEW_TYPE_CUBE,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, VK_REMAINING_MIP_LEVELS, 0, 6},
   };
   VK_CHECK(t, vkCreateImageView(ctx->device, &view, NULL, &views[0]));
   view.viewType = VK_IMAGE_VIEW_TYPE_2D;
   view.subresourceRange = (VkImageSubresourceRange){VK_IMAGE_ASPECT_COLOR_BIT, 2, 1, 3, 1};
   view.components = (VkComponentMapping){VK_COMPONENT_SWIZZLE_B, VK_COMPONENT_SWIZZLE_ONE, VK_COMPONENT_SWIZZLE_R,
                                          VK_COMPONENT_SWIZZLE_ZERO};
   VK_CHECK(t, vkCreateImageView(ctx->device, &view, NULL, &views[1]));
   view.format = VK_FORMAT_R8G8B8A8_SRGB;
   VK_CHECK(t, vkCreateImageView(ctx->device, &view, NULL, &views[2]));
done:
   for (uint32_t i = 0; i < APP_COUNT(views); i++)
      vkDestroyImageView(ctx->device, views[i], NULL);
   app_image_destroy(ctx, &image);
}

static void check_linear_layout(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkImageCreateInfo info = app_image_info(VK_FORMAT_R8G8B8A8_UNORM, 100, 50, VK_IMAGE_USAGE_TRANSFER_DST_BIT);
   VkImage image;
   VkMemoryRequirements needs;
   VkSubresourceLayout layout;
   VkImageSubresource subresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0};
   info.tiling = VK_IMAGE_TILING_LINEAR;
   if (!app_image_supported(ctx, &info) || !VK_CHECK(t, vkCreateImage(ctx->device, &info, NULL, &image)))
      return;
   vkGetImageMemoryRequirements(ctx->device, image, &needs);
   vkGetImageSubresourceLayout(ctx->device, image, &subresource, &layout);
   CHECK(t, layout.rowPitch >= 400);
   CHECK(t, layout.size >= layout.rowPitch * 49 + 400);
   CHECK(t, layout.offset + layout.rowPitch * 49 + 400 <= needs.size);
   vkDestroyImage(ctx->device, image, NULL);
}

static void check_samplers(struct app_context *ctx)
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

static void check_layouts(struct app_context *ctx)
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

static void check_descriptors(struct app_context *ctx)
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

static VkPipeline pipeline_with_cache(struct app_context *ctx, const struct app_compute *compute, VkPipelineCache cache)
{
   VkPipeline pipeline = VK_NULL_HANDLE;
   VkShaderModule module = app_shader_module(ctx, &shader_add);
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
   if (module)
      VK_CHECK(ctx->test, vkCreateComputePipelines(ctx->device, cache, 1, &info, NULL, &pipeline));
   vkDestroyShaderModule(ctx->device, module, NULL);
   return pipeline;
}

static void check_cache_header(struct app_context *ctx, const uint8_t *data, size_t size)
{
   struct app_test *t = ctx->test;
   VkPipelineCacheHeaderVersionOne header;
   if (!CHECK(t, size >= sizeof(header)))
      return;
   memcpy(&header, data, sizeof(header));
   CHECK(t, header.headerSize >= sizeof(header) && header.headerSize <= size);
   CHECK_EQ(t, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, header.headerVersion);
   CHECK_EQ(t, ctx->properties.vendorID, header.vendorID);
   CHECK_EQ(t, ctx->properties.deviceID, header.deviceID);
   CHECK_BYTES(t, ctx->properties.pipelineCacheUUID, header.pipelineCacheUUID, VK_UUID_SIZE);
}

/* Data comes out, goes into a second cache, and both are merged; foreign data is ignored without an error. */
static void check_caches(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkPipelineCache caches[3] = {VK_NULL_HANDLE};
   VkPipeline pipelines[2] = {VK_NULL_HANDLE};
   struct app_compute compute;
   uint8_t *data = NULL;
   size_t size = 0;
   VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   if (!app_compute_create(ctx, &compute, &shader_add, 1, 12))
      goto done;
   VK_TRY(t, vkCreatePipelineCache(ctx->device, &info, NULL, &caches[0]));
   pipelines[0] = pipeline_with_cache(ctx, &compute, caches[0]);
   VK_TRY(t, vkGetPipelineCacheData(ctx->device, caches[0], &size, NULL));
   data = malloc(size);
   TRY(t, data != NULL);
   VK_TRY(t, vkGetPipelineCacheData(ctx->device, caches[0], &size, data));
   check_cache_header(ctx, data, size);
   size_t small = size - 1;
   VK_EXPECT(t, VK_INCOMPLETE, vkGetPipelineCacheData(ctx->device, caches[0], &small, data));
   CHECK(t, small < size);
   VK_TRY(t, vkGetPipelineCacheData(ctx->device, caches[0], &size, data));

   info.pInitialData = data;
   info.initialDataSize = size;
   VK_TRY(t, vkCreatePipelineCache(ctx->device, &info, NULL, &caches[1]));
   pipelines[1] = pipeline_with_cache(ctx, &compute, caches[1]);
   data[offsetof(VkPipelineCacheHeaderVersionOne, pipelineCacheUUID)] ^= 0xff;
   VK_TRY(t, vkCreatePipelineCache(ctx->device, &info, NULL, &caches[2]));
   VK_CHECK(t, vkMergePipelineCaches(ctx->device, caches[2], 2, caches));
done:
   for (uint32_t i = 0; i < 2; i++)
      vkDestroyPipeline(ctx->device, pipelines[i], NULL);
   for (uint32_t i = 0; i < 3; i++)
      vkDestroyPipelineCache(ctx->device, caches[i], NULL);
   free(data);
   app_compute_destroy(ctx, &compute);
}

static void check_private_data(struct app_context *ctx)
{
   struct app_test *t = ctx->test;
   VkPrivateDataSlot slots[3] = {VK_NULL_HANDLE};
   struct app_buffer buffers[2] = {{0}};
   if (!ctx->has_private_data) {
      app_note(t, "no private data (needs Vulkan 1.3)");
      return;
   }
   VkPrivateDataSlotCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PRIVATE_DATA_SLOT_CREATE_INFO};
   for (uint32_t i = 0; i < 3; i++)
      VK_TRY(t, vkCreatePrivateDataSlot(ctx->device, &info, NULL, &slots[i]));
   for (uint32_t i = 0; i < 2; i++) {
      if (!app_buffer_create(ctx, &buffers[i], 64, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, APP_MEMORY_DEVICE))
         goto done;
   }
   uint64_t value = 7;
   vkGetPrivateData(ctx->device, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[0].handle, slots[0], &value);
   CHECK_EQ(t, 0, value);
   for (uint32_t s = 0; s < 3; s++) {
      for (uint32_t b = 0; b < 2; b++)
         VK_CHECK(t, vkSetPrivateData(ctx->device, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[b].handle, slots[s],
                                      UINT64_C(0x123456789abcdef0) + s * 10 + b));
      VK_CHECK(t, vkSetPrivateData(ctx->device, VK_OBJECT_TYPE_DEVICE, (uint64_t)(uintptr_t)ctx->device, slots[s],
                                   UINT64_C(0xfedcba9876543210) - s));
   }
   for (uint32_t s = 0; s < 3; s++) {
      for (uint32_t b = 0; b < 2; b++) {
         vkGetPrivateData(ctx->device, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffers[b].handle, slots[s], &value);
         CHECK_EQ(t, UINT64_C(0x123456789abcdef0) + s * 10 + b, value);
      }
      vkGetPrivateData(ctx->device, VK_OBJECT_TYPE_DEVICE, (uint64_t)(uintptr_t)ctx->device, slots[s], &value);
      CHECK_EQ(t, UINT64_C(0xfedcba9876543210) - s, value);
   }
done:
   for (uint32_t i = 0; i < 2; i++)
      app_buffer_destroy(ctx, &buffers[i]);
   for (uint32_t i = 0; i < 3; i++)
      vkDestroyPrivateDataSlot(ctx->device, slots[i], NULL);
}

void phase_resources(struct app_test *t)
{
   struct app_context ctx;
   if (app_context_create(t, &ctx)) {
      check_memory(&ctx);
      check_many_allocations(&ctx);
      check_buffers(&ctx);
      check_bind_and_views(&ctx);
      check_images(&ctx);
      check_cube_and_swizzle(&ctx);
      check_linear_layout(&ctx);
      check_samplers(&ctx);
      check_layouts(&ctx);
      check_descriptors(&ctx);
      check_caches(&ctx);
      check_private_data(&ctx);
   }
   app_context_destroy(&ctx);
}
