/* SPDX-License-Identifier: MIT */
/* Very much at once: argument 1 MiB of commands in one command buffer, primary and secondary; recordings of four
 * threads at once, of which some are given up in the middle; 100,000 barriers in one command; 100,000 descriptor writes
 * in one call; a shader and the data of a pipeline cache of argument 2 MiB. The last word is the most memory that the
 * program has had. Exit status: 0 when all went well. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"

#define UPDATE 65536u
#define SLOTS 16u
#define MANY 100000u

static struct gpu gpu;
static VkCommandPool pool;

struct buffer {
   VkBuffer handle;
   const uint32_t *data;
};

static struct buffer create_buffer(VkDeviceSize size)
{
   const struct gpu_buffer buffer =
      gpu_map_buffer(&gpu, size, VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT);
   return (struct buffer){buffer.handle, buffer.data};
}

static VkCommandBuffer begin(VkCommandBufferLevel level)
{
   const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                             .commandPool = pool,
                                             .level = level,
                                             .commandBufferCount = 1};
   const VkCommandBufferInheritanceInfo inheritance = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
   const VkCommandBufferBeginInfo begin_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                                .pInheritanceInfo = &inheritance};
   VkCommandBuffer commands;
   OK(vkAllocateCommandBuffers(gpu.device, &info, &commands));
   OK(vkBeginCommandBuffer(commands, &begin_info));
   return commands;
}

static void run(VkCommandBuffer commands)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
   OK(vkQueueSubmit(gpu.queue, 1, &info, VK_NULL_HANDLE));
   OK(vkQueueWaitIdle(gpu.queue));
}

static void order_writes(VkCommandBuffer commands)
{
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT};
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
}

/* Each update says its number, in another slot than the one before. */
static void update(VkCommandBuffer commands, const struct buffer *buffer, uint32_t count, uint32_t first)
{
   static uint32_t data[UPDATE / 4];
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t k = 0; k < UPDATE / 4; k += 1000)
         data[k] = first + i;
      vkCmdUpdateBuffer(commands, buffer->handle, (VkDeviceSize)(i % SLOTS) * UPDATE, UPDATE, data);
      if (i % SLOTS == SLOTS - 1)
         order_writes(commands);
   }
}

static void check(const struct buffer *buffer, uint32_t end)
{
   for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t k = 0; k < UPDATE / 4; k += 1000)
         NEED(buffer->data[slot * (UPDATE / 4) + k] == end - SLOTS + slot);
   }
}

static void test_recordings(const struct buffer *buffer, uint32_t mebibytes)
{
   const uint32_t count = mebibytes * 16;
   VkCommandBuffer primary = begin(VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   update(primary, buffer, count, 0);
   OK(vkEndCommandBuffer(primary));
   run(primary);
   check(buffer, count);
   OK(vkResetCommandBuffer(primary, VK_COMMAND_BUFFER_RESET_RELEASE_RESOURCES_BIT));

   /* Two that are recorded in turns, of which one is given up. */
   VkCommandBuffer secondary = begin(VK_COMMAND_BUFFER_LEVEL_SECONDARY);
   const VkCommandBuffer given_up = begin(VK_COMMAND_BUFFER_LEVEL_SECONDARY);
   for (uint32_t i = 0; i < 10; i++) {
      update(secondary, buffer, 2 * SLOTS, 1000 + i * 2 * SLOTS); /* 20 MiB in the end */
      update(given_up, buffer, SLOTS, 0);
   }
   OK(vkEndCommandBuffer(secondary));
   OK(vkResetCommandBuffer(given_up, 0));
   primary = begin(VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   vkCmdExecuteCommands(primary, 1, &secondary);
   OK(vkEndCommandBuffer(primary));
   run(primary);
   check(buffer, 1000 + 20 * SLOTS);
   OK(vkResetCommandPool(gpu.device, pool, VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT));
   puts("recordings");
}

#define THREADS 4u
#define ROUNDS 8u
#define WORDS (UPDATE / 4)

struct recorder {
   pthread_t thread;
   uint32_t index;
   VkBuffer buffer;
   VkCommandPool pool, other;
   VkCommandBuffer commands;
};

static void begin_again(VkCommandBuffer commands)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   OK(vkBeginCommandBuffer(commands, &info));
}

/* Each word of the thread's place says the round. */
static void fill(const struct recorder *self, VkCommandBuffer commands, uint32_t words, uint32_t round)
{
   const uint32_t value = self->index * 1000 + round;
   for (uint32_t i = 0; i < words; i++)
      vkCmdUpdateBuffer(commands, self->buffer, (VkDeviceSize)self->index * UPDATE + (VkDeviceSize)4 * i, 4, &value);
}

static void create_recording(VkCommandPool *new_pool, VkCommandBuffer *commands)
{
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   OK(vkCreateCommandPool(gpu.device, &pool_info, NULL, new_pool));
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = *new_pool, .commandBufferCount = 1};
   OK(vkAllocateCommandBuffers(gpu.device, &info, commands));
}

/* One recording that is given up in the middle, in each way that there is, and one that is run. */
static void *record(void *data)
{
   struct recorder *self = data;
   VkCommandBuffer given_up;
   create_recording(&self->pool, &self->commands);
   for (uint32_t round = 0; round < ROUNDS; round++) {
      create_recording(&self->other, &given_up);
      begin_again(given_up);
      begin_again(self->commands);
      fill(self, self->commands, WORDS / 2, 100 + round); /* 320 KiB */
      fill(self, given_up, WORDS / 4, 200);
      order_writes(self->commands);
      fill(self, self->commands, WORDS, round);
      order_writes(self->commands);
      if (round % 4 == 0)
         OK(vkResetCommandBuffer(given_up, 0));
      if (round % 4 == 1)
         OK(vkResetCommandPool(gpu.device, self->other, 0));
      if (round % 4 == 2)
         vkFreeCommandBuffers(gpu.device, self->other, 1, &given_up);
      if (round % 4 < 2) {
         begin_again(given_up);
         OK(vkEndCommandBuffer(given_up));
      }
      vkDestroyCommandPool(gpu.device, self->other, NULL);
      OK(vkEndCommandBuffer(self->commands));
   }
   create_recording(&self->other, &given_up);
   begin_again(given_up);
   fill(self, given_up, WORDS / 4, 200); /* it never ends */
   return NULL;
}

static void test_threads(const struct buffer *buffer)
{
   struct recorder recorders[THREADS];
   for (uint32_t i = 0; i < THREADS; i++) {
      recorders[i] = (struct recorder){.index = i, .buffer = buffer->handle};
      NEED(!pthread_create(&recorders[i].thread, NULL, record, &recorders[i]));
   }
   for (uint32_t i = 0; i < THREADS; i++)
      NEED(!pthread_join(recorders[i].thread, NULL));
   for (uint32_t i = 0; i < THREADS; i++) {
      run(recorders[i].commands);
      for (uint32_t k = 0; k < WORDS; k++)
         NEED(buffer->data[i * WORDS + k] == i * 1000 + ROUNDS - 1);
      vkDestroyCommandPool(gpu.device, recorders[i].pool, NULL);
   }
   puts("threads");
}

static void test_barriers(const struct buffer *buffer)
{
   VkBufferMemoryBarrier *barriers = calloc(MANY, sizeof(*barriers));
   const VkCommandBuffer commands = begin(VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   NEED(barriers);
   for (uint32_t i = 0; i < MANY; i++) {
      barriers[i] = (VkBufferMemoryBarrier){.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
                                            .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                            .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                            .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                            .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                            .buffer = buffer->handle,
                                            .offset = i,
                                            .size = 1};
   }
   vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, MANY,
                        barriers, 0, NULL);
   update(commands, buffer, SLOTS, 77);
   OK(vkEndCommandBuffer(commands));
   run(commands);
   check(buffer, 77 + SLOTS);
   free(barriers);
   puts("barriers");
}

static void test_descriptors(const struct buffer *buffer)
{
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
                                                 .descriptorCount = 8,
                                                 .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 8};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                       .descriptorSetCount = 1};
   VkDescriptorSetLayout layout;
   VkDescriptorSet set;
   OK(vkCreateDescriptorSetLayout(gpu.device, &layout_info, NULL, &layout));
   OK(vkCreateDescriptorPool(gpu.device, &pool_info, NULL, &info.descriptorPool));
   info.pSetLayouts = &layout;
   OK(vkAllocateDescriptorSets(gpu.device, &info, &set));
   VkWriteDescriptorSet *writes = calloc(MANY, sizeof(*writes));
   const VkDescriptorBufferInfo range = {.buffer = buffer->handle, .range = 256};
   NEED(writes);
   for (uint32_t i = 0; i < MANY; i++) {
      writes[i] = (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                         .dstSet = set,
                                         .dstArrayElement = i % 8,
                                         .descriptorCount = 1,
                                         .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
                                         .pBufferInfo = &range};
   }
   vkUpdateDescriptorSets(gpu.device, MANY, writes, 0, NULL);
   OK(vkDeviceWaitIdle(gpu.device));
   free(writes);
   puts("descriptors");
}

/* Names of nothing, then an empty function. */
static void test_shader(size_t size)
{
   static const uint32_t head[] = {0x07230203,
                                   0x00010000,
                                   0,
                                   6,
                                   0,
                                   2 << 16 | 17,
                                   1,
                                   3 << 16 | 14,
                                   0,
                                   1,
                                   5 << 16 | 15,
                                   5,
                                   1,
                                   0x6e69616d,
                                   0,
                                   6 << 16 | 16,
                                   1,
                                   17,
                                   1,
                                   1,
                                   1};
   static const uint32_t tail[] = {2 << 16 | 19,  2, 3 << 16 | 33,  3,           2, 5 << 16 | 54, 2, 1, 0, 3,
                                   2 << 16 | 248, 4, 1 << 16 | 253, 1 << 16 | 56};
   enum { NAME_WORDS = 60000 };
   const size_t names = size / 4 / NAME_WORDS, words = sizeof(head) / 4 + sizeof(tail) / 4 + names * NAME_WORDS;
   uint32_t *code = calloc(words, 4), *p = code;
   NEED(code);
   memcpy(p, head, sizeof(head));
   p += sizeof(head) / 4;
   for (size_t i = 0; i < names; i++, p += NAME_WORDS) {
      p[0] = (uint32_t)NAME_WORDS << 16 | 5;
      p[1] = 4;
      memset(p + 2, 'n', (size_t)(NAME_WORDS - 3) * 4);
   }
   memcpy(p, tail, sizeof(tail));
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = words * 4, .pCode = code};
   const VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
   VkComputePipelineCreateInfo pipeline_info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main"},
   };
   VkPipeline pipeline;
   OK(vkCreateShaderModule(gpu.device, &info, NULL, &pipeline_info.stage.module));
   OK(vkCreatePipelineLayout(gpu.device, &layout_info, NULL, &pipeline_info.layout));
   OK(vkCreateComputePipelines(gpu.device, VK_NULL_HANDLE, 1, &pipeline_info, NULL, &pipeline));
   const VkCommandBuffer commands = begin(VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdDispatch(commands, 1, 1, 1);
   OK(vkEndCommandBuffer(commands));
   run(commands);
   free(code);
   puts("shader");
}

/* What no driver has written, behind a header that is right. */
static void test_pipeline_cache(size_t size)
{
   VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   VkPipelineCache cache;
   size_t header = 0;
   uint8_t *data = calloc(1, size);
   NEED(data);
   OK(vkCreatePipelineCache(gpu.device, &info, NULL, &cache));
   OK(vkGetPipelineCacheData(gpu.device, cache, &header, NULL));
   NEED(header <= size);
   OK(vkGetPipelineCacheData(gpu.device, cache, &header, data));
   info.initialDataSize = size;
   info.pInitialData = data;
   OK(vkCreatePipelineCache(gpu.device, &info, NULL, &cache));
   OK(vkGetPipelineCacheData(gpu.device, cache, &header, NULL));
   free(data);
   puts("pipeline cache");
}

int main(int argc, char **argv)
{
   NEED(argc > 2);
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   gpu_open(&gpu, NULL);
   OK(vkCreateCommandPool(gpu.device, &pool_info, NULL, &pool));
   const struct buffer buffer = create_buffer((VkDeviceSize)SLOTS * UPDATE);
   struct rusage usage;
   test_recordings(&buffer, (uint32_t)atoi(argv[1]));
   getrusage(RUSAGE_SELF, &usage);
   test_threads(&buffer);
   test_barriers(&buffer);
   test_descriptors(&buffer);
   test_shader((size_t)atoi(argv[2]) << 20);
   test_pipeline_cache((size_t)atoi(argv[2]) << 20);
   printf("%ld KiB\n", usage.ru_maxrss);
   return 0;
}
