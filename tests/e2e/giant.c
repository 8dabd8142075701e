/* SPDX-License-Identifier: MIT */
/* giant MIB FILE: says "ready", and after a line from the file, which is a pipe, creates a shader module of so many MiB
 * and destroys it, and a few times one of a part of that, says "done", and ends after another line. */
#include <stdint.h>
#include <string.h>

#include "tests/e2e/gpu.h"

#define OP_NOP 0x00010000u
#define SMALL_PART 64u

static void create_module(const struct gpu *gpu, const uint32_t *code, size_t size)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = code};
   VkShaderModule module;
   OK(vkCreateShaderModule(gpu->device, &info, NULL, &module));
   vkDestroyShaderModule(gpu->device, module, NULL);
}

/* Returns at the end of a line. */
static void read_line(void)
{
   for (int c = getchar(); c != EOF && c != '\n'; c = getchar())
      ;
}

static void say(const char *text)
{
   puts(text);
   fflush(stdout);
}

int main(int argc, char **argv)
{
   const uint32_t header[] = {0x07230203, 0x00010000, 0, 8, 0};
   struct gpu gpu;
   NEED(argc == 3 && freopen(argv[2], "r", stdin));
   const size_t size = strtoull(argv[1], NULL, 10) << 20;
   uint32_t *code = malloc(size);
   NEED(code);
   for (size_t i = 0; i < size / 4; i++)
      code[i] = OP_NOP;
   memcpy(code, header, sizeof(header));
   gpu_open(&gpu, NULL);
   create_module(&gpu, code, 4096);
   OK(vkQueueWaitIdle(gpu.queue));
   say("ready");
   read_line();
   create_module(&gpu, code, size);
   for (unsigned i = 0; i < 10; i++)
      create_module(&gpu, code, size / SMALL_PART);
   OK(vkQueueWaitIdle(gpu.queue));
   say("done");
   read_line();
   gpu_close(&gpu);
   free(code);
   return EXIT_SUCCESS;
}
