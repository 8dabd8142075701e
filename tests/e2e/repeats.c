/* SPDX-License-Identifier: MIT */
/* repeats TIMES: records thousands of commands anew each time, nearly the same ones, submits them and waits; then looks
 * at what they have done. Exit status: 0 when that is right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

#define WORDS 2000u

static uint32_t value_of(uint32_t word, uint32_t time)
{
   return word % 50 ? word : word + time;
}

int main(int argc, char **argv)
{
   struct gpu gpu;
   VkCommandPool pool;
   NEED(argc == 2);
   const uint32_t times = (uint32_t)strtoul(argv[1], NULL, 10);
   gpu_open(&gpu, NULL);
   const struct gpu_buffer buffer = gpu_map_buffer(&gpu, (VkDeviceSize)WORDS * 4, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   const volatile uint32_t *words = buffer.data;
   const VkCommandBuffer commands = gpu_create_commands(&gpu, &pool);
   for (uint32_t time = 0; time < times; time++) {
      gpu_begin(commands);
      for (uint32_t i = 0; i < WORDS; i++)
         vkCmdFillBuffer(commands, buffer.handle, (VkDeviceSize)i * 4, 4, value_of(i, time));
      gpu_run(&gpu, commands);
      for (uint32_t i = 0; i < WORDS; i++)
         NEED(words[i] == value_of(i, time));
   }
   return EXIT_SUCCESS;
}
