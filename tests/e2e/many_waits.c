/* SPDX-License-Identifier: MIT */
/* Submits very many times what waits for one semaphore, with memory mapped that has changed, then signals it. Prints
 * how much memory of this process a submission took. Exit status: 0 when all went well. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/need.h"

static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queue;

static void create_device(void)
{
   const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = VK_API_VERSION_1_2};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                               .pApplicationInfo = &application};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
   const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                    .pNext = &timeline,
                                    .queueCreateInfoCount = 1,
                                    .pQueueCreateInfos = &queue_info};
   VkInstance instance;
   uint32_t count = 1;
   OK(vkCreateInstance(&instance_info, NULL, &instance));
   NEED(vkEnumeratePhysicalDevices(instance, &count, &gpu) >= 0 && count);
   OK(vkCreateDevice(gpu, &info, NULL, &device));
   vkGetDeviceQueue(device, 0, 0, &queue);
}

static volatile uint32_t *map_memory(void)
{
   VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 4096};
   VkPhysicalDeviceMemoryProperties types;
   vkGetPhysicalDeviceMemoryProperties(gpu, &types);
   while (!(types.memoryTypes[info.memoryTypeIndex].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
      info.memoryTypeIndex++;
   VkDeviceMemory memory;
   void *pointer;
   OK(vkAllocateMemory(device, &info, NULL, &memory));
   OK(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &pointer));
   return pointer;
}

static VkSemaphore create_semaphore(void)
{
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   VkSemaphore semaphore;
   OK(vkCreateSemaphore(device, &info, NULL, &semaphore));
   return semaphore;
}

static void submit(VkSemaphore semaphore)
{
   const uint64_t value = 1;
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = 1,
                                                 .pWaitSemaphoreValues = &value};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = &values,
                              .waitSemaphoreCount = 1,
                              .pWaitSemaphores = &semaphore,
                              .pWaitDstStageMask = &stage};
   OK(vkQueueSubmit(queue, 1, &info, VK_NULL_HANDLE));
}

/* Of the heap and of this process. */
static size_t resident(void)
{
   unsigned long size, pages = 0;
   FILE *file = fopen("/proc/self/statm", "r");
   NEED(file && fscanf(file, "%lu %lu", &size, &pages) == 2);
   fclose(file);
   return (size_t)pages * 4096;
}

int main(int argc, char **argv)
{
   const uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000;
   create_device();
   volatile uint32_t *mapped = map_memory();
   const VkSemaphore semaphore = create_semaphore();
   submit(semaphore);
   const size_t before = resident();
   for (uint32_t i = 0; i < count; i++) {
      *mapped = i;
      submit(semaphore);
   }
   printf("%zu bytes for each submission\n", (resident() - before) / count);
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = semaphore, .value = 1};
   OK(vkSignalSemaphore(device, &info));
   OK(vkDeviceWaitIdle(device));
   return 0;
}
