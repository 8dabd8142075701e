/* SPDX-License-Identifier: MIT */

/* Does what an application must not do, through Vulkan as it is: the driver on the server gets it, and what becomes of
 * this process does not matter. Others must not notice.
 *
 *    hostile shaders SEED   modules of random words, damaged and endless ones, each in a pipeline
 *    hostile caches         pipeline caches of another GPU, of nonsense, and cut off
 *    hostile reach          a shader reads and writes far behind its buffers; prints how much it found there of what
 *                           `hostile keep` has in its memory
 *    hostile keep           has memory that is full of a word; says "ready", and whether it still is when standard
 *                           input ends */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile_shaders/hostile_comp.h"
#include "tests/e2e/gpu.h"

#define CANARY 0xca9a71e5u
#define KEPT ((VkDeviceSize)32 << 20)
#define WORDS (sizeof(hostile_comp) / sizeof(uint32_t))

static struct gpu gpu;

/* --- a compute pipeline --- */

static VkPipelineLayout layout;
static VkDescriptorSetLayout set_layout;

static void create_layouts(void)
{
   const VkDescriptorSetLayoutBinding bindings[2] = {
      {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
   const VkDescriptorSetLayoutCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 2, .pBindings = bindings};
   OK(vkCreateDescriptorSetLayout(gpu.device, &info, NULL, &set_layout));
   const VkPipelineLayoutCreateInfo pipeline = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set_layout};
   OK(vkCreatePipelineLayout(gpu.device, &pipeline, NULL, &layout));
}

/* Null when the driver refuses the module or the pipeline. */
static VkPipeline create_pipeline(const uint32_t *words, size_t count, VkPipelineCache cache)
{
   const VkShaderModuleCreateInfo code = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = count * 4, .pCode = words};
   VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                       .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                 .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                 .pName = "main"},
                                       .layout = layout};
   VkPipeline pipeline = VK_NULL_HANDLE;
   if (vkCreateShaderModule(gpu.device, &code, NULL, &info.stage.module) < 0)
      return VK_NULL_HANDLE;
   if (vkCreateComputePipelines(gpu.device, cache, 1, &info, NULL, &pipeline) < 0)
      pipeline = VK_NULL_HANDLE;
   vkDestroyShaderModule(gpu.device, info.stage.module, NULL);
   return pipeline;
}

/* --- shaders --- */

static uint32_t next_random(uint32_t *state)
{
   *state = *state * 1664525 + 1013904223;
   return *state >> 8;
}

/* Whether the session has survived it. */
static bool try_shader(const uint32_t *words, size_t count)
{
   vkDestroyPipeline(gpu.device, create_pipeline(words, count, VK_NULL_HANDLE), NULL);
   return vkDeviceWaitIdle(gpu.device) == VK_SUCCESS;
}

/* One of the ways to damage a module of ours. */
static size_t damage(uint32_t *words, unsigned seed)
{
   uint32_t state = seed;

   memcpy(words, hostile_comp, sizeof(hostile_comp));
   switch (seed % 5) {
   case 0: /* nothing of it is left but the magic number and a bound that is allowed */
      for (size_t i = 5; i < WORDS; i++)
         words[i] = next_random(&state);
      break;
   case 1: /* ids that go in circles: operands that are other ids */
      for (unsigned i = 0; i < 8; i++)
         words[5 + next_random(&state) % (WORDS - 5)] = 1 + next_random(&state) % words[3];
      break;
   case 2: /* cut off */
      return 5 + next_random(&state) % (WORDS - 5);
   case 3: /* other instructions of the same length */
      for (unsigned i = 0; i < 4; i++) {
         uint32_t *word = &words[5 + next_random(&state) % (WORDS - 5)];
         *word = (*word & 0xffff0000) | next_random(&state) % 400;
      }
      break;
   default: /* as many ids as there may be, and more */
      words[3] = seed % 2 ? 1 << 22 : UINT32_MAX;
      break;
   }
   return WORDS;
}

static int run_shaders(unsigned seed)
{
   uint32_t words[WORDS];

   create_layouts();
   const size_t count = damage(words, seed);
   printf("seed %u: %s\n", seed, try_shader(words, count) ? "survived" : "lost");
   return 0;
}

/* --- caches --- */

static void try_cache(const void *data, size_t size)
{
   const VkPipelineCacheCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, .initialDataSize = size, .pInitialData = data};
   VkPipelineCache cache = VK_NULL_HANDLE;

   OK(vkCreatePipelineCache(gpu.device, &info, NULL, &cache));
   VkPipeline pipeline = create_pipeline(hostile_comp, WORDS, cache);
   NEED(pipeline); /* what is in the cache does not keep it from being made */
   vkDestroyPipeline(gpu.device, pipeline, NULL);
   vkDestroyPipelineCache(gpu.device, cache, NULL);
}

static int run_caches(void)
{
   const VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   VkPipelineCache cache;
   uint8_t data[65536];
   size_t size = sizeof(data);
   uint32_t state = 7;

   create_layouts();
   OK(vkCreatePipelineCache(gpu.device, &info, NULL, &cache));
   vkDestroyPipeline(gpu.device, create_pipeline(hostile_comp, WORDS, cache), NULL);
   NEED(vkGetPipelineCacheData(gpu.device, cache, &size, data) >= 0 && size >= 32);
   vkDestroyPipelineCache(gpu.device, cache, NULL);
   for (size_t cut = 0; cut < size; cut += size / 7 + 1)
      try_cache(data, cut);
   for (size_t at = 8; at < 32; at += 4) { /* vendor, device, UUID */
      data[at] ^= 0x55;
      try_cache(data, size);
      data[at] ^= 0x55;
   }
   for (unsigned round = 0; round < 8; round++) { /* the header of this GPU, and nonsense behind it */
      for (size_t i = 32; i < sizeof(data); i++)
         data[i] = (uint8_t)next_random(&state);
      try_cache(data, round % 2 ? size : sizeof(data));
   }
   NEED(vkDeviceWaitIdle(gpu.device) == VK_SUCCESS);
   return 0;
}

/* --- out of bounds --- */

static int run_reach(void)
{
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   struct gpu_buffer small = gpu_map_buffer(&gpu, 256, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   struct gpu_buffer out = gpu_map_buffer(&gpu, 256, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   VkDescriptorPool pool;
   VkDescriptorSet set;
   VkCommandPool command_pool;

   create_layouts();
   VkPipeline pipeline = create_pipeline(hostile_comp, WORDS, VK_NULL_HANDLE);
   NEED(pipeline);
   OK(vkCreateDescriptorPool(gpu.device, &pool_info, NULL, &pool));
   const VkDescriptorSetAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                   .descriptorPool = pool,
                                                   .descriptorSetCount = 1,
                                                   .pSetLayouts = &set_layout};
   OK(vkAllocateDescriptorSets(gpu.device, &allocation, &set));
   const VkDescriptorBufferInfo buffers[2] = {{small.handle, 0, VK_WHOLE_SIZE}, {out.handle, 0, VK_WHOLE_SIZE}};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .dstSet = set,
                                       .descriptorCount = 2,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .pBufferInfo = buffers};
   vkUpdateDescriptorSets(gpu.device, 1, &write, 0, NULL);
   memset(out.data, 0, 256);
   VkCommandBuffer commands = gpu_create_commands(&gpu, &command_pool);
   gpu_begin(commands);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
   vkCmdDispatch(commands, 256, 1, 1);
   gpu_run(&gpu, commands);
   const uint32_t *counts = out.data;
   printf("found %u of somebody's, %u of anything\n", counts[0], counts[1]);
   return counts[0] != 0;
}

static int run_keep(void)
{
   struct gpu_buffer kept = gpu_map_buffer(&gpu, KEPT, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
   uint32_t *words = kept.data;
   VkCommandPool pool;

   for (size_t i = 0; i < KEPT / 4; i++)
      words[i] = CANARY;
   VkCommandBuffer commands = gpu_create_commands(&gpu, &pool);
   gpu_begin(commands);
   gpu_run(&gpu, commands); /* so that it is there */
   puts("ready");
   fflush(stdout);
   while (getchar() != EOF)
      continue;
   gpu_begin(commands);
   gpu_run(&gpu, commands);
   for (size_t i = 0; i < KEPT / 4; i++)
      NEED(words[i] == CANARY);
   gpu_free_buffer(&gpu, &kept);
   return 0;
}

int main(int argc, char **argv)
{
   const char *mode = argc > 1 ? argv[1] : "";

   gpu_open(&gpu, NULL);
   if (strcmp(mode, "shaders") == 0 && argc > 2)
      return run_shaders((unsigned)strtoul(argv[2], NULL, 10));
   if (strcmp(mode, "caches") == 0)
      return run_caches();
   if (strcmp(mode, "reach") == 0)
      return run_reach();
   if (strcmp(mode, "keep") == 0)
      return run_keep();
   fprintf(stderr, "hostile: shaders SEED, caches, reach or keep\n");
   return 2;
}
