/* SPDX-License-Identifier: MIT */
/* runs_ahead MS COUNT: allocates and frees memory for so many milliseconds, or so often (COUNT 0: any number), and then
 * waits for the queue. Prints how often it did, and how long that and the wait took. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

static uint64_t now_ms(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
   const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 256};
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   NEED(argc == 3);
   const uint64_t ms = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10);
   struct gpu gpu;
   gpu_open(&gpu, NULL);
   OK(vkQueueWaitIdle(gpu.queue));
   const uint64_t start = now_ms();
   uint64_t done = 0;
   for (; now_ms() - start < ms && (!count || done < count); done++) {
      VkDeviceMemory memory;
      OK(vkAllocateMemory(gpu.device, &info, NULL, &memory));
      vkFreeMemory(gpu.device, memory, NULL);
   }
   const uint64_t waits = now_ms();
   OK(vkQueueSubmit(gpu.queue, 1, &submit, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(gpu.queue));
   printf("%u allocations, %u ms, then %u ms\n", (unsigned)done, (unsigned)(waits - start),
          (unsigned)(now_ms() - waits));
   return EXIT_SUCCESS;
}
