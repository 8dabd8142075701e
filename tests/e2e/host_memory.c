/* SPDX-License-Identifier: MIT */
/* Imports memory of its own (VK_EXT_external_memory_host), lets the GPU read from and write to it, and compares.
 * Exit status: 0 when all is right, 77 when the GPU cannot import, 1 otherwise. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

#define SIZE ((VkDeviceSize)(1 << 20))
#define ROUNDS 8
struct world {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkCommandBuffer commands;
};

struct area {
   uint8_t *host;
   VkDeviceMemory memory;
   VkBuffer buffer;
};

static bool can_import(VkPhysicalDevice gpu)
{
   VkExtensionProperties extensions[512];
   uint32_t count = 512;
   vkEnumerateDeviceExtensionProperties(gpu, NULL, &count, extensions);
   for (uint32_t i = 0; i < count; i++) {
      if (!strcmp(extensions[i].extensionName, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
         return true;
   }
   return false;
}

static void create_device(struct world *w)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_1};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                               .pApplicationInfo = &application};
   const char *extension = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo device_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                           .queueCreateInfoCount = 1,
                                           .pQueueCreateInfos = &queue_info,
                                           .enabledExtensionCount = 1,
                                           .ppEnabledExtensionNames = &extension};
   uint32_t count = 1;
   OK(vkCreateInstance(&instance_info, NULL, &w->instance));
   const VkResult result = vkEnumeratePhysicalDevices(w->instance, &count, &w->gpu);
   if (result < 0 || !count || !can_import(w->gpu)) {
      puts("the GPU cannot import host memory");
      exit(77);
   }
   OK(vkCreateDevice(w->gpu, &device_info, NULL, &w->device));
   vkGetDeviceQueue(w->device, 0, 0, &w->queue);
}

static void create_commands(struct world *w)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   OK(vkCreateCommandPool(w->device, &pool_info, NULL, &w->pool));
   info.commandPool = w->pool;
   OK(vkAllocateCommandBuffers(w->device, &info, &w->commands));
}

static uint32_t importable_types(const struct world *w, const void *host)
{
   const PFN_vkGetMemoryHostPointerPropertiesEXT get =
      (PFN_vkGetMemoryHostPointerPropertiesEXT)vkGetDeviceProcAddr(w->device, "vkGetMemoryHostPointerPropertiesEXT");
   VkMemoryHostPointerPropertiesEXT properties = {.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
   OK(get(w->device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, host, &properties));
   return properties.memoryTypeBits;
}

static struct area create_area(const struct world *w, uint8_t first)
{
   struct area area = {.host = aligned_alloc(65536, SIZE)};
   for (size_t i = 0; area.host && i < SIZE; i++)
      area.host[i] = (uint8_t)(first + i * 7);
   const VkExternalMemoryBufferCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                                                      .handleTypes =
                                                         VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
   const VkBufferCreateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                           .pNext = &external,
                                           .size = SIZE,
                                           .usage =
                                              VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements;
   OK(vkCreateBuffer(w->device, &buffer_info, NULL, &area.buffer));
   vkGetBufferMemoryRequirements(w->device, area.buffer, &requirements);
   const uint32_t types = requirements.memoryTypeBits & importable_types(w, area.host);
   const VkImportMemoryHostPointerInfoEXT import = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
      .pHostPointer = area.host,
   };
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext = &import,
                                      .allocationSize = SIZE,
                                      .memoryTypeIndex = types ? (uint32_t)__builtin_ctz(types) : 0};
   OK(vkAllocateMemory(w->device, &info, NULL, &area.memory));
   OK(vkBindBufferMemory(w->device, area.buffer, area.memory, 0));
   return area;
}

static void copy(const struct world *w, const struct area *from, const struct area *to, const VkBufferCopy *region)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &w->commands};
   OK(vkBeginCommandBuffer(w->commands, &begin));
   vkCmdCopyBuffer(w->commands, from->buffer, to->buffer, 1, region);
   OK(vkEndCommandBuffer(w->commands));
   OK(vkQueueSubmit(w->queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(w->queue));
}

/* Both are written by the host each time, and one by the GPU in the middle of what the host wrote. */
static bool test_round(const struct world *w, struct area *from, struct area *to, unsigned round)
{
   uint8_t *model = malloc(SIZE);
   if (!model)
      return false;
   const VkBufferCopy region = {.srcOffset = round * 1000 + 3, .dstOffset = round * 5000 + 1, .size = SIZE / 2 + round};
   for (size_t i = round; i < SIZE; i += 4096 + round) {
      from->host[i]++;
      to->host[i] += 3;
   }
   memcpy(model, to->host, SIZE);
   memcpy(model + region.dstOffset, from->host + region.srcOffset, region.size);
   copy(w, from, to, &region);
   const bool ok = memcmp(model, to->host, SIZE) == 0;
   if (!ok)
      fprintf(stderr, "host_memory: wrong bytes in round %u\n", round);
   free(model);
   return ok;
}

int main(void)
{
   struct world w = {0};
   bool ok = true;
   create_device(&w);
   create_commands(&w);
   struct area areas[2] = {create_area(&w, 1), create_area(&w, 99)};
   for (unsigned round = 0; round < ROUNDS && ok; round++)
      ok = test_round(&w, &areas[round % 2], &areas[1 - round % 2], round);
   void *map;
   OK(vkMapMemory(w.device, areas[0].memory, 64, VK_WHOLE_SIZE, 0, &map));
   if (map != areas[0].host + 64) {
      fprintf(stderr, "host_memory: imported memory is mapped somewhere else\n");
      ok = false;
   }
   vkUnmapMemory(w.device, areas[0].memory);
   ok = ok && test_round(&w, &areas[0], &areas[1], 1);
   for (unsigned i = 0; i < 2; i++) {
      vkDestroyBuffer(w.device, areas[i].buffer, NULL);
      vkFreeMemory(w.device, areas[i].memory, NULL);
      free(areas[i].host);
   }
   vkDestroyCommandPool(w.device, w.pool, NULL);
   vkDestroyDevice(w.device, NULL);
   vkDestroyInstance(w.instance, NULL);
   return ok ? 0 : 1;
}
