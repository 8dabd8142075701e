/* SPDX-License-Identifier: MIT */

/* Buffers and images with their memory. */

#include "test-app/app.h"

uint32_t app_memory_type(const struct app_context *ctx, uint32_t bits, VkMemoryPropertyFlags required,
                         VkMemoryPropertyFlags preferred)
{
   const VkMemoryPropertyFlags unwanted = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                                          VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD;
   uint32_t found = UINT32_MAX;
   for (uint32_t i = 0; i < ctx->memory.memoryTypeCount; i++) {
      VkMemoryPropertyFlags flags = ctx->memory.memoryTypes[i].propertyFlags;
      if (!(bits & (1u << i)) || (flags & required) != required || (flags & unwanted))
         continue;
      if ((flags & preferred) == preferred)
         return i;
      if (found == UINT32_MAX)
         found = i;
   }
   return found;
}

static uint32_t app_memory_type_of_kind(const struct app_context *ctx, uint32_t bits, enum app_memory kind)
{
   const VkMemoryPropertyFlags mapped = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   switch (kind) {
   case APP_MEMORY_UPLOAD:
      return app_memory_type(ctx, bits, mapped, 0);
   case APP_MEMORY_READBACK:
      return app_memory_type(ctx, bits, mapped, VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   default:
      return app_memory_type(ctx, bits, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
   }
}

static bool app_memory_allocate(struct app_context *ctx, const VkMemoryRequirements *needs, enum app_memory kind,
                                bool address, VkDeviceMemory *memory)
{
   VkMemoryAllocateFlagsInfo flags = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
   };
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = address ? &flags : NULL,
      .allocationSize = needs->size,
      .memoryTypeIndex = app_memory_type_of_kind(ctx, needs->memoryTypeBits, kind),
   };
   return CHECK(ctx->test, info.memoryTypeIndex != UINT32_MAX) &&
          VK_CHECK(ctx->test, vkAllocateMemory(ctx->device, &info, NULL, memory));
}

bool app_buffer_create(struct app_context *ctx, struct app_buffer *buffer, VkDeviceSize size, VkBufferUsageFlags usage,
                       enum app_memory kind)
{
   VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = usage,
      .sharingMode = ctx->family_count > 1 ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE,
      .queueFamilyIndexCount = ctx->family_count,
      .pQueueFamilyIndices = ctx->families,
   };
   const bool address = usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
   VkMemoryRequirements needs;
   *buffer = (struct app_buffer){.size = size};
   if (!VK_CHECK(ctx->test, vkCreateBuffer(ctx->device, &info, NULL, &buffer->handle)))
      return false;
   vkGetBufferMemoryRequirements(ctx->device, buffer->handle, &needs);
   if (!app_memory_allocate(ctx, &needs, kind, address, &buffer->memory) ||
       !VK_CHECK(ctx->test, vkBindBufferMemory(ctx->device, buffer->handle, buffer->memory, 0)))
      return false;
   return kind == APP_MEMORY_DEVICE ||
          VK_CHECK(ctx->test, vkMapMemory(ctx->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->map));
}

void app_buffer_destroy(struct app_context *ctx, struct app_buffer *buffer)
{
   if (!ctx->device)
      return;
   vkDestroyBuffer(ctx->device, buffer->handle, NULL);
   vkFreeMemory(ctx->device, buffer->memory, NULL);
   *buffer = (struct app_buffer){0};
}

VkImageCreateInfo app_image_info(VkFormat format, uint32_t width, uint32_t height, VkImageUsageFlags usage)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = format,
      .extent = {width, height, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = usage,
   };
}

bool app_image_supported(const struct app_context *ctx, const VkImageCreateInfo *info)
{
   VkImageFormatProperties found;
   VkResult result = vkGetPhysicalDeviceImageFormatProperties(ctx->physical, info->format, info->imageType,
                                                              info->tiling, info->usage, info->flags, &found);
   return result == VK_SUCCESS && found.maxExtent.width >= info->extent.width &&
          found.maxExtent.height >= info->extent.height && found.maxExtent.depth >= info->extent.depth &&
          found.maxMipLevels >= info->mipLevels && found.maxArrayLayers >= info->arrayLayers &&
          (found.sampleCounts & info->samples);
}

static VkImageViewType app_view_type(const VkImageCreateInfo *info)
{
   switch (info->imageType) {
   case VK_IMAGE_TYPE_1D:
      return info->arrayLayers > 1 ? VK_IMAGE_VIEW_TYPE_1D_ARRAY : VK_IMAGE_VIEW_TYPE_1D;
   case VK_IMAGE_TYPE_3D:
      return VK_IMAGE_VIEW_TYPE_3D;
   default:
      return info->arrayLayers > 1 ? VK_IMAGE_VIEW_TYPE_2D_ARRAY : VK_IMAGE_VIEW_TYPE_2D;
   }
}

bool app_image_create(struct app_context *ctx, struct app_image *image, const VkImageCreateInfo *info,
                      VkImageAspectFlags aspect)
{
   VkMemoryRequirements needs;
   *image = (struct app_image){0};
   if (!VK_CHECK(ctx->test, vkCreateImage(ctx->device, info, NULL, &image->handle)))
      return false;
   vkGetImageMemoryRequirements(ctx->device, image->handle, &needs);
   if (!app_memory_allocate(ctx, &needs, APP_MEMORY_DEVICE, false, &image->memory) ||
       !VK_CHECK(ctx->test, vkBindImageMemory(ctx->device, image->handle, image->memory, 0)))
      return false;
   if (!aspect)
      return true;
   VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image->handle,
      .viewType = app_view_type(info),
      .format = info->format,
      .subresourceRange = {aspect, 0, info->mipLevels, 0, info->arrayLayers},
   };
   return VK_CHECK(ctx->test, vkCreateImageView(ctx->device, &view_info, NULL, &image->view));
}

void app_image_destroy(struct app_context *ctx, struct app_image *image)
{
   if (!ctx->device)
      return;
   vkDestroyImageView(ctx->device, image->view, NULL);
   vkDestroyImage(ctx->device, image->handle, NULL);
   vkFreeMemory(ctx->device, image->memory, NULL);
   *image = (struct app_image){0};
}
