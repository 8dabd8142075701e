/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_GPU_H
#define VP_TESTS_E2E_GPU_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

/* What nearly every program of this folder begins with: the first GPU, a device with one queue, memory that is mapped.
 */

struct gpu {
   VkInstance instance;
   VkPhysicalDevice physical;
   VkDevice device;
   VkQueue queue;
   uint32_t family; /* of the queue */
};

static inline void gpu_open_instance(struct gpu *gpu)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_3};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                      .pApplicationInfo = &application};
   uint32_t count = 1;
   gpu->family = 0;
   OK(vkCreateInstance(&info, NULL, &gpu->instance));
   NEED(vkEnumeratePhysicalDevices(gpu->instance, &count, &gpu->physical) >= 0 && count == 1);
}

static inline void gpu_open_device(struct gpu *gpu, const void *features, const char *const *extensions, uint32_t count)
{
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                          .queueFamilyIndex = gpu->family,
                                          .queueCount = 1,
                                          .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                    .pNext = features,
                                    .queueCreateInfoCount = 1,
                                    .pQueueCreateInfos = &queue,
                                    .enabledExtensionCount = count,
                                    .ppEnabledExtensionNames = extensions};
   OK(vkCreateDevice(gpu->physical, &info, NULL, &gpu->device));
   vkGetDeviceQueue(gpu->device, gpu->family, 0, &gpu->queue);
}

/* Both, without extensions. */
static inline void gpu_open(struct gpu *gpu, const void *features)
{
   gpu_open_instance(gpu);
   gpu_open_device(gpu, features, NULL, 0);
}

static inline void gpu_close(const struct gpu *gpu)
{
   vkDestroyDevice(gpu->device, NULL);
   vkDestroyInstance(gpu->instance, NULL);
}

/* A command buffer that can be recorded again. */
static inline VkCommandBuffer gpu_create_commands(const struct gpu *gpu, VkCommandPool *pool)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                         .queueFamilyIndex = gpu->family};
   VkCommandBufferAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                             .commandBufferCount = 1};
   VkCommandBuffer commands;
   OK(vkCreateCommandPool(gpu->device, &info, NULL, pool));
   allocation.commandPool = *pool;
   OK(vkAllocateCommandBuffers(gpu->device, &allocation, &commands));
   return commands;
}

static inline void gpu_begin(VkCommandBuffer commands)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   OK(vkBeginCommandBuffer(commands, &info));
}

/* Ends a recording, submits it and waits for the queue. */
static inline void gpu_run(const struct gpu *gpu, VkCommandBuffer commands)
{
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   OK(vkEndCommandBuffer(commands));
   OK(vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(gpu->queue));
}

/* The first type of coherent memory that can be mapped. */
static inline uint32_t gpu_memory_type(const struct gpu *gpu, uint32_t allowed)
{
   const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
   VkPhysicalDeviceMemoryProperties properties;
   vkGetPhysicalDeviceMemoryProperties(gpu->physical, &properties);
   for (uint32_t i = 0; i < properties.memoryTypeCount; i++) {
      if (allowed >> i & 1 && (properties.memoryTypes[i].propertyFlags & wanted) == wanted)
         return i;
   }
   NEED(!"memory that can be mapped");
   return 0;
}

/* What the GPU has written is for the host, or for what the GPU does next. */
static inline void gpu_barrier(VkCommandBuffer commands)
{
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0,
                        NULL);
}

struct gpu_buffer {
   VkBuffer handle;
   VkDeviceMemory memory;
   uint32_t type;           /* of the memory */
   VkDeviceAddress address; /* 0: its usage says that it needs none */
   VkDeviceSize size;
   void *data;
};

static inline struct gpu_buffer gpu_map_new_buffer(const struct gpu *gpu, const VkBufferCreateInfo *info)
{
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
   const bool addressed = info->usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
   VkBufferDeviceAddressInfo question = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
   VkMemoryRequirements requirements;
   struct gpu_buffer buffer = {.size = info->size};
   OK(vkCreateBuffer(gpu->device, info, NULL, &buffer.handle));
   vkGetBufferMemoryRequirements(gpu->device, buffer.handle, &requirements);
   buffer.type = gpu_memory_type(gpu, requirements.memoryTypeBits);
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .pNext = addressed ? &flags : NULL,
                                            .allocationSize = requirements.size,
                                            .memoryTypeIndex = buffer.type};
   OK(vkAllocateMemory(gpu->device, &allocation, NULL, &buffer.memory));
   OK(vkBindBufferMemory(gpu->device, buffer.handle, buffer.memory, 0));
   OK(vkMapMemory(gpu->device, buffer.memory, 0, VK_WHOLE_SIZE, 0, &buffer.data));
   question.buffer = buffer.handle;
   if (addressed)
      buffer.address = vkGetBufferDeviceAddress(gpu->device, &question);
   return buffer;
}

static inline struct gpu_buffer gpu_map_buffer(const struct gpu *gpu, VkDeviceSize size, VkBufferUsageFlags usage)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = usage};
   return gpu_map_new_buffer(gpu, &info);
}

/* Of zeros, with an address. `chain` is that of the create-info. */
static inline struct gpu_buffer gpu_map_addressed(const struct gpu *gpu, VkDeviceSize size, VkBufferUsageFlags usage,
                                                  const void *chain)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .pNext = chain,
                                    .size = size,
                                    .usage = usage | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
   const struct gpu_buffer buffer = gpu_map_new_buffer(gpu, &info);
   memset(buffer.data, 0, size);
   return buffer;
}

static inline void gpu_free_buffer(const struct gpu *gpu, const struct gpu_buffer *buffer)
{
   vkDestroyBuffer(gpu->device, buffer->handle, NULL);
   vkFreeMemory(gpu->device, buffer->memory, NULL);
}

#endif
