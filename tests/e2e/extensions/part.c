/* SPDX-License-Identifier: MIT */
/* What the parts share. */
#include "tests/e2e/extensions/part.h"

#include <stdlib.h>

bool part_is_played(void)
{
   return getenv("VP_PLAYED") != NULL;
}

VkDeviceMemory part_allocate(const struct gpu *gpu, const VkMemoryRequirements *requirements)
{
   VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = requirements->size};
   VkDeviceMemory memory;
   while (!(requirements->memoryTypeBits >> info.memoryTypeIndex & 1))
      info.memoryTypeIndex++;
   OK(vkAllocateMemory(gpu->device, &info, NULL, &memory));
   return memory;
}

struct part_image part_create_image(const struct gpu *gpu, VkFormat format, uint32_t side, VkImageUsageFlags usage,
                                    const void *chain)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .pNext = chain,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = format,
                                   .extent = {side, side, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = usage};
   struct part_image image;
   VkMemoryRequirements requirements;
   OK(vkCreateImage(gpu->device, &info, NULL, &image.handle));
   vkGetImageMemoryRequirements(gpu->device, image.handle, &requirements);
   image.memory = part_allocate(gpu, &requirements);
   OK(vkBindImageMemory(gpu->device, image.handle, image.memory, 0));
   const VkImageViewCreateInfo view = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                       .image = image.handle,
                                       .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                       .format = format,
                                       .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   OK(vkCreateImageView(gpu->device, &view, NULL, &image.view));
   return image;
}

void part_destroy_image(const struct gpu *gpu, const struct part_image *image)
{
   vkDestroyImageView(gpu->device, image->view, NULL);
   vkDestroyImage(gpu->device, image->handle, NULL);
   vkFreeMemory(gpu->device, image->memory, NULL);
}

uint32_t part_hash(const void *data, size_t size)
{
   const uint8_t *bytes = data;
   uint32_t hash = 2166136261u;
   for (size_t i = 0; i < size; i++)
      hash = (hash ^ bytes[i]) * 16777619u;
   return hash;
}
