/* SPDX-License-Identifier: MIT */
/* A kernel in a binary of CUDA, whose parameters are given one by one and in one piece. The binary is there where its
 * assembler was when this was built. */
#include "tests/e2e/extensions/part.h"

#ifdef VP_KERNEL

#include "extensions_kernel.h"

#define NUMBERS 64

/* As CUDA lays them out. */
struct parameters {
   uint64_t numbers;
   uint16_t factor;
   uint32_t add;
};

static void launch(const struct gpu *gpu, VkCuLaunchInfoNVX info, struct gpu_buffer *buffer, uint32_t add)
{
   GET(gpu, CmdCuLaunchKernelNVX);
   const uint32_t *numbers = buffer->data;
   VkCommandPool pool;
   VkCommandBuffer commands = gpu_create_commands(gpu, &pool);
   info.sType = VK_STRUCTURE_TYPE_CU_LAUNCH_INFO_NVX;
   info.gridDimX = info.gridDimY = info.gridDimZ = 1;
   info.blockDimX = NUMBERS;
   info.blockDimY = info.blockDimZ = 1;
   memset(buffer->data, 0, NUMBERS * 4);
   gpu_begin(commands);
   CmdCuLaunchKernelNVX(commands, &info);
   gpu_barrier(commands);
   gpu_run(gpu, commands);
   for (uint32_t i = 0; i < NUMBERS && !part_is_played(); i++)
      NEED(numbers[i] == i * 7 + add);
   vkDestroyCommandPool(gpu->device, pool, NULL);
}

static void run_import(struct gpu *gpu)
{
   GET(gpu, CreateCuModuleNVX);
   GET(gpu, CreateCuFunctionNVX);
   GET(gpu, DestroyCuFunctionNVX);
   GET(gpu, DestroyCuModuleNVX);
   const VkCuModuleCreateInfoNVX module_info = {.sType = VK_STRUCTURE_TYPE_CU_MODULE_CREATE_INFO_NVX,
                                                .dataSize = sizeof(extensions_kernel),
                                                .pData = extensions_kernel};
   struct gpu_buffer buffer = gpu_map_addressed(gpu, NUMBERS * 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, NULL);
   VkCuModuleNVX module;
   VkCuFunctionNVX function;
   const VkResult result = CreateCuModuleNVX(gpu->device, &module_info, NULL, &module);
   printf("  a kernel for sm_90: VkResult %d\n", result);
   if (result == VK_SUCCESS) {
      const VkCuFunctionCreateInfoNVX function_info = {
         .sType = VK_STRUCTURE_TYPE_CU_FUNCTION_CREATE_INFO_NVX, .module = module, .pName = "fill"};
      OK(CreateCuFunctionNVX(gpu->device, &function_info, NULL, &function));
      struct parameters all = {buffer.address, 7, 11};
      const void *const each[] = {&all.numbers, &all.factor, &all.add};
      launch(gpu, (VkCuLaunchInfoNVX){.function = function, .paramCount = 3, .pParams = each}, &buffer, 11);
      size_t size = sizeof(all);
      const void *const extras[] = {(void *)1, &all, (void *)2, &size, NULL};
      all.add = 12;
      launch(gpu, (VkCuLaunchInfoNVX){.function = function, .extraCount = 1, .pExtras = extras}, &buffer, 12);
      puts("  it was launched with parameters one by one, and with all in one piece");
      DestroyCuFunctionNVX(gpu->device, function, NULL);
      DestroyCuModuleNVX(gpu->device, module, NULL);
   }
   gpu_free_buffer(gpu, &buffer);
}

static const char *const import_extensions[] = {VK_NVX_BINARY_IMPORT_EXTENSION_NAME, NULL};
#define PART_IMPORT {"binary_import", import_extensions, run_import, NULL, VK_QUEUE_COMPUTE_BIT},

#else
#define PART_IMPORT
#endif

const struct part parts_kernel[] = {PART_IMPORT{0}};
