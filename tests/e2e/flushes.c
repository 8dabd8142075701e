/* SPDX-License-Identifier: MIT */
/* Flushes overlapping parts of one large memory very many times, a write before each. Then the GPU copies what was
 * written. Exit status: 0 when the copy is right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

#define SIZE ((VkDeviceSize)32 << 20)
#define FLUSHES 100000u

int main(void)
{
   const VkBufferUsageFlags usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
   struct gpu gpu;
   VkCommandPool pool;
   gpu_open(&gpu, NULL);
   const struct gpu_buffer source = gpu_map_buffer(&gpu, SIZE, usage), target = gpu_map_buffer(&gpu, SIZE, usage);
   uint8_t *from = source.data;
   memset(from, 1, SIZE);
   for (uint32_t i = 0; i < FLUSHES; i++) {
      from[(uint64_t)i * 40503 * 64 % SIZE] = (uint8_t)i;
      const VkMappedMemoryRange range = {.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
                                         .memory = source.memory,
                                         .offset = i % 8 * (SIZE / 16),
                                         .size = SIZE / 2};
      OK(vkFlushMappedMemoryRanges(gpu.device, 1, &range));
   }
   const VkCommandBuffer commands = gpu_create_commands(&gpu, &pool);
   gpu_begin(commands);
   vkCmdCopyBuffer(commands, source.handle, target.handle, 1, &(VkBufferCopy){.size = SIZE});
   gpu_run(&gpu, commands);
   NEED(memcmp(from, target.data, SIZE) == 0);
   return EXIT_SUCCESS;
}
