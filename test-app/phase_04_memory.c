/* SPDX-License-Identifier: MIT */
/* Phase 4: memory, and what is bound to it: buffers and images, with their views. */

#include <string.h>

#include "test-app/phase_04_resources.h"

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

void resources_check_memory(struct app_context *ctx)
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
void resources_check_many_allocations(struct app_context *ctx)
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

void resources_check_buffers(struct app_context *ctx)
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
void resources_check_bind_and_views(struct app_context *ctx)
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

void resources_check_images(struct app_context *ctx)
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

void resources_check_cube_and_swizzle(struct app_context *ctx)
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

void resources_check_linear_layout(struct app_context *ctx)
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
