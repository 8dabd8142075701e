/* SPDX-License-Identifier: MIT */
/* Submits very many times what waits for one semaphore, with memory mapped that has changed, then signals it. Prints
 * how much memory of this process a submission took. Exit status: 0 when all went well. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

static struct gpu gpu;

static VkSemaphore create_semaphore(void)
{
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   VkSemaphore semaphore;
   OK(vkCreateSemaphore(gpu.device, &info, NULL, &semaphore));
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
   OK(vkQueueSubmit(gpu.queue, 1, &info, VK_NULL_HANDLE));
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
   const VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
   gpu_open(&gpu, &timeline);
   volatile uint32_t *mapped = gpu_map_buffer(&gpu, 4096, VK_BUFFER_USAGE_TRANSFER_SRC_BIT).data;
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
   OK(vkSignalSemaphore(gpu.device, &info));
   OK(vkDeviceWaitIdle(gpu.device));
   return 0;
}
