/* SPDX-License-Identifier: MIT */
/* What the parts share. */
#include "tests/e2e/extensions/part.h"

#include <stdlib.h>

uint32_t part_family;

bool part_is_played(void)
{
   return getenv("VP_PLAYED") != NULL;
}

struct part_buffer part_create_buffer(const struct gpu *gpu, VkDeviceSize size, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = size,
                                    .usage = usage | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
   struct part_buffer buffer;
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(gpu->device, &info, NULL, &buffer.handle));
   vkGetBufferMemoryRequirements(gpu->device, buffer.handle, &requirements);
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .pNext = &flags,
                                            .allocationSize = requirements.size,
                                            .memoryTypeIndex = gpu_memory_type(gpu, requirements.memoryTypeBits)};
   OK(vkAllocateMemory(gpu->device, &allocation, NULL, &buffer.memory));
   OK(vkBindBufferMemory(gpu->device, buffer.handle, buffer.memory, 0));
   OK(vkMapMemory(gpu->device, buffer.memory, 0, VK_WHOLE_SIZE, 0, &buffer.data));
   const VkBufferDeviceAddressInfo about = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                            .buffer = buffer.handle};
   buffer.address = vkGetBufferDeviceAddress(gpu->device, &about);
   memset(buffer.data, 0, size);
   return buffer;
}

void part_destroy_buffer(const struct gpu *gpu, const struct part_buffer *buffer)
{
   vkDestroyBuffer(gpu->device, buffer->handle, NULL);
   vkFreeMemory(gpu->device, buffer->memory, NULL);
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

struct part_image part_create_image(const struct gpu *gpu, VkImageUsageFlags usage)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {4, 4, 1},
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
                                       .format = info.format,
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

void part_barrier(VkCommandBuffer commands)
{
   const VkMemoryBarrier all = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &all, 0,
                        NULL, 0, NULL);
}

uint32_t part_hash(const void *data, size_t size)
{
   const uint8_t *bytes = data;
   uint32_t hash = 2166136261u;
   for (size_t i = 0; i < size; i++)
      hash = (hash ^ bytes[i]) * 16777619u;
   return hash;
}
