/* SPDX-License-Identifier: MIT */
/* The driver with allocations that fail: for each of them in turn, a program of ordinary calls and two threads runs
 * while this one fails, or it and the following ones. Every call then succeeds or gives an error that Vulkan has for
 * it, what succeeded is right, and a run after it succeeds as a whole.
 *
 * usage: short_of_memory [STEP [FIRST [LAST]]]
 *
 * Tries each STEPth allocation (default 1) from FIRST on. The driver is linked to it, so that its allocations, and no
 * others, come by here (see tests/CMakeLists.txt). */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/vp_entry.h"
#include "short_of_memory_comp.h"
#include "tests/e2e/failing_allocations.h"

/* --- the program --- */

#define WORDS 4096u
#define SIZE ((VkDeviceSize)WORDS * 4)

struct world {
   VkResult result; /* of the first call that failed */
   const char *call;
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkQueue queue;
   VkBuffer buffers[2];
   VkDeviceMemory memory[2];
   uint32_t *data[2];
   VkImage image;
   VkDeviceMemory image_memory;
   VkImageView view;
   VkSampler sampler;
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool descriptor_pool;
   VkDescriptorSet set;
   VkPipelineLayout layout;
   VkShaderModule shader;
   VkPipelineCache cache;
   VkPipeline pipeline;
   VkFence fence;
   VkSemaphore timeline;
   VkEvent event;
   VkQueryPool queries;
   VkCommandPool pool;
   VkCommandBuffer commands[2];
};

/* Ends the step when the call does. */
#define TRY(call)                      \
   do {                                \
      const VkResult result_ = (call); \
      if (result_ < VK_SUCCESS) {      \
         fail_call(w, #call, result_); \
         return;                       \
      }                                \
   } while (0)

/* Same for one that makes an object. */
#define NEW(object, call)              \
   do {                                \
      const VkResult result_ = (call); \
      if (result_ != VK_SUCCESS) {     \
         *(object) = VK_NULL_HANDLE;   \
         fail_call(w, #call, result_); \
         return;                       \
      }                                \
   } while (0)

static void fail_call(struct world *w, const char *call, VkResult result)
{
   if (w->result == VK_SUCCESS) {
      w->result = result;
      w->call = call;
   }
}

static bool is_expected(VkResult result)
{
   return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_DEVICE_LOST ||
          result == VK_ERROR_INITIALIZATION_FAILED || result == VK_ERROR_MEMORY_MAP_FAILED ||
          result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

static void create_device(struct world *w)
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
   const VkDeviceCreateInfo device_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                           .pNext = &timeline,
                                           .queueCreateInfoCount = 1,
                                           .pQueueCreateInfos = &queue_info};
   VkPhysicalDeviceProperties properties;
   VkFormatProperties format;
   uint32_t count = 1;
   NEW(&w->instance, vp_vkCreateInstance(&instance_info, NULL, &w->instance));
   TRY(vp_vkEnumeratePhysicalDevices(w->instance, &count, &w->gpu));
   if (!count) {
      fail_call(w, "a GPU", VK_ERROR_INITIALIZATION_FAILED);
      return;
   }
   vp_vkGetPhysicalDeviceProperties(w->gpu, &properties);
   vp_vkGetPhysicalDeviceFormatProperties(w->gpu, VK_FORMAT_R8G8B8A8_UNORM, &format);
   NEW(&w->device, vp_vkCreateDevice(w->gpu, &device_info, NULL, &w->device));
   vp_vkGetDeviceQueue(w->device, 0, 0, &w->queue);
}

/* Memory for a resource, of a type that can be mapped if that is wanted. */
static VkResult allocate(const struct world *w, const VkMemoryRequirements *requirements, bool mapped,
                         VkDeviceMemory *memory)
{
   VkPhysicalDeviceMemoryProperties types;
   VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = requirements->size};
   vp_vkGetPhysicalDeviceMemoryProperties(w->gpu, &types);
   while (info.memoryTypeIndex < types.memoryTypeCount &&
          (!(requirements->memoryTypeBits >> info.memoryTypeIndex & 1) ||
           (mapped && !(types.memoryTypes[info.memoryTypeIndex].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))))
      info.memoryTypeIndex++;
   if (info.memoryTypeIndex == types.memoryTypeCount) /* what cannot fail only does with the device */
      return vp_vkDeviceWaitIdle(w->device) == VK_ERROR_DEVICE_LOST ? VK_ERROR_DEVICE_LOST : VK_ERROR_UNKNOWN;
   return vp_vkAllocateMemory(w->device, &info, NULL, memory);
}

static void create_buffer(struct world *w, unsigned i)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                    .size = SIZE,
                                    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                             VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   VkMemoryRequirements requirements = {0};
   void *data;
   NEW(&w->buffers[i], vp_vkCreateBuffer(w->device, &info, NULL, &w->buffers[i]));
   vp_vkGetBufferMemoryRequirements(w->device, w->buffers[i], &requirements);
   NEW(&w->memory[i], allocate(w, &requirements, true, &w->memory[i]));
   TRY(vp_vkBindBufferMemory(w->device, w->buffers[i], w->memory[i], 0));
   TRY(vp_vkMapMemory(w->device, w->memory[i], 0, VK_WHOLE_SIZE, 0, &data));
   w->data[i] = data;
}

static void create_image(struct world *w)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {33, 17, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT};
   VkImageViewCreateInfo view_info = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                      .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                      .format = VK_FORMAT_R8G8B8A8_UNORM,
                                      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
   const VkSamplerCreateInfo sampler_info = {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO};
   VkMemoryRequirements requirements = {0};
   NEW(&w->image, vp_vkCreateImage(w->device, &info, NULL, &w->image));
   vp_vkGetImageMemoryRequirements(w->device, w->image, &requirements);
   NEW(&w->image_memory, allocate(w, &requirements, false, &w->image_memory));
   TRY(vp_vkBindImageMemory(w->device, w->image, w->image_memory, 0));
   view_info.image = w->image;
   NEW(&w->view, vp_vkCreateImageView(w->device, &view_info, NULL, &w->view));
   NEW(&w->sampler, vp_vkCreateSampler(w->device, &sampler_info, NULL, &w->sampler));
}

static void create_descriptors(struct world *w)
{
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                 .descriptorCount = 1,
                                                 .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorSetCount = 1, .pSetLayouts = &w->set_layout};
   NEW(&w->set_layout, vp_vkCreateDescriptorSetLayout(w->device, &layout_info, NULL, &w->set_layout));
   NEW(&w->descriptor_pool, vp_vkCreateDescriptorPool(w->device, &pool_info, NULL, &w->descriptor_pool));
   info.descriptorPool = w->descriptor_pool;
   NEW(&w->set, vp_vkAllocateDescriptorSets(w->device, &info, &w->set));
   const VkDescriptorBufferInfo range = {.buffer = w->buffers[0], .range = VK_WHOLE_SIZE};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .dstSet = w->set,
                                       .descriptorCount = 1,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .pBufferInfo = &range};
   vp_vkUpdateDescriptorSets(w->device, 1, &write, 0, NULL);
}

static void create_pipeline(struct world *w)
{
   const VkShaderModuleCreateInfo shader_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                 .codeSize = sizeof(short_of_memory_comp),
                                                 .pCode = short_of_memory_comp};
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &w->set_layout};
   const VkPipelineCacheCreateInfo cache_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main"},
   };
   size_t size = 0;
   NEW(&w->shader, vp_vkCreateShaderModule(w->device, &shader_info, NULL, &w->shader));
   NEW(&w->layout, vp_vkCreatePipelineLayout(w->device, &layout_info, NULL, &w->layout));
   NEW(&w->cache, vp_vkCreatePipelineCache(w->device, &cache_info, NULL, &w->cache));
   info.stage.module = w->shader;
   info.layout = w->layout;
   NEW(&w->pipeline, vp_vkCreateComputePipelines(w->device, w->cache, 1, &info, NULL, &w->pipeline));
   TRY(vp_vkGetPipelineCacheData(w->device, w->cache, &size, NULL));
}

static void create_commands(struct world *w)
{
   const VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
   const VkSemaphoreCreateInfo semaphore_info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   const VkEventCreateInfo event_info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   const VkQueryPoolCreateInfo query_info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = 2};
   const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                              .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 2};
   NEW(&w->fence, vp_vkCreateFence(w->device, &fence_info, NULL, &w->fence));
   NEW(&w->timeline, vp_vkCreateSemaphore(w->device, &semaphore_info, NULL, &w->timeline));
   NEW(&w->event, vp_vkCreateEvent(w->device, &event_info, NULL, &w->event));
   NEW(&w->queries, vp_vkCreateQueryPool(w->device, &query_info, NULL, &w->queries));
   NEW(&w->pool, vp_vkCreateCommandPool(w->device, &pool_info, NULL, &w->pool));
   info.commandPool = w->pool;
   NEW(&w->commands[0], vp_vkAllocateCommandBuffers(w->device, &info, w->commands));
}

/* Numbers into the first buffer, and a copy of them into the second. */
static void record(struct world *w)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
   const VkBufferCopy region = {.size = SIZE};
   static const uint32_t filler[16384];
   const VkCommandBuffer commands = w->commands[0];
   TRY(vp_vkBeginCommandBuffer(commands, &begin));
   vp_vkCmdResetQueryPool(commands, w->queries, 0, 2);
   vp_vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, w->queries, 0);
   vp_vkCmdUpdateBuffer(commands, w->buffers[1], 0, SIZE, filler); /* longer than an encoder at first */
   vp_vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, w->pipeline);
   vp_vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, w->layout, 0, 1, &w->set, 0, NULL);
   vp_vkCmdDispatch(commands, WORDS / 64, 1, 1);
   vp_vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1,
                           &barrier, 0, NULL, 0, NULL);
   vp_vkCmdCopyBuffer(commands, w->buffers[0], w->buffers[1], 1, &region);
   vp_vkCmdSetEvent(commands, w->event, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
   vp_vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, w->queries, 1);
   TRY(vp_vkEndCommandBuffer(commands));
}

static void run_commands(struct world *w)
{
   const uint64_t values[] = {1, 2};
   const VkTimelineSemaphoreSubmitInfo timeline = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                   .signalSemaphoreValueCount = 1,
                                                   .pSignalSemaphoreValues = values};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = &timeline,
                              .commandBufferCount = 1,
                              .pCommandBuffers = w->commands,
                              .signalSemaphoreCount = 1,
                              .pSignalSemaphores = &w->timeline};
   const VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                     .semaphoreCount = 1,
                                     .pSemaphores = &w->timeline,
                                     .pValues = values};
   uint64_t times[2];
   for (uint32_t i = 0; i < WORDS; i++)
      w->data[0][i] = 1000000 + i;
   TRY(vp_vkQueueSubmit(w->queue, 1, &info, w->fence));
   TRY(vp_vkWaitForFences(w->device, 1, &w->fence, VK_TRUE, UINT64_MAX));
   TRY(vp_vkWaitSemaphores(w->device, &wait, UINT64_MAX));
   TRY(vp_vkGetQueryPoolResults(w->device, w->queries, 0, 2, sizeof(times), times, 8, VK_QUERY_RESULT_64_BIT));
   if (vp_vkGetEventStatus(w->device, w->event) != VK_EVENT_SET)
      fail_call(w, "the event", VK_ERROR_DEVICE_LOST);
   for (uint32_t i = 0; i < WORDS && w->result == VK_SUCCESS; i++) {
      if (w->data[0][i] != 1000000 + i * 2 || w->data[1][i] != w->data[0][i])
         fail_call(w, "the numbers", VK_ERROR_UNKNOWN);
   }
}

/* What needs no lock of the application's, beside the rest. */
static void *run_beside(void *data)
{
   struct world *w = data;
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 1000, .usage = VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT};
   for (unsigned i = 0; i < 50; i++) {
      VkBuffer buffer;
      VkMemoryRequirements requirements;
      if (vp_vkCreateBuffer(w->device, &info, NULL, &buffer) != VK_SUCCESS)
         continue;
      vp_vkGetBufferMemoryRequirements(w->device, buffer, &requirements);
      vp_vkDestroyBuffer(w->device, buffer, NULL);
   }
   return NULL;
}

static void destroy(struct world *w)
{
   if (w->device) {
      const VkResult result = vp_vkDeviceWaitIdle(w->device);
      if (result != VK_SUCCESS)
         fail_call(w, "vkDeviceWaitIdle", result);
      vp_vkDestroyCommandPool(w->device, w->pool, NULL);
      vp_vkDestroyQueryPool(w->device, w->queries, NULL);
      vp_vkDestroyEvent(w->device, w->event, NULL);
      vp_vkDestroySemaphore(w->device, w->timeline, NULL);
      vp_vkDestroyFence(w->device, w->fence, NULL);
      vp_vkDestroyPipeline(w->device, w->pipeline, NULL);
      vp_vkDestroyPipelineCache(w->device, w->cache, NULL);
      vp_vkDestroyPipelineLayout(w->device, w->layout, NULL);
      vp_vkDestroyShaderModule(w->device, w->shader, NULL);
      vp_vkDestroyDescriptorPool(w->device, w->descriptor_pool, NULL);
      vp_vkDestroyDescriptorSetLayout(w->device, w->set_layout, NULL);
      vp_vkDestroySampler(w->device, w->sampler, NULL);
      vp_vkDestroyImageView(w->device, w->view, NULL);
      vp_vkDestroyImage(w->device, w->image, NULL);
      vp_vkFreeMemory(w->device, w->image_memory, NULL);
      for (unsigned i = 0; i < 2; i++) {
         vp_vkDestroyBuffer(w->device, w->buffers[i], NULL);
         vp_vkFreeMemory(w->device, w->memory[i], NULL);
      }
      vp_vkDestroyDevice(w->device, NULL);
   }
   vp_vkDestroyInstance(w->instance, NULL);
}

/* Runs all of it, until a call fails, and puts everything away. */
static struct world run(void)
{
   void (*const steps[])(struct world *) = {create_image, create_descriptors, create_pipeline, create_commands,
                                            record,       run_commands};
   struct world w = {0};
   pthread_t thread;
   bool has_thread = false;
   create_device(&w);
   if (w.result == VK_SUCCESS)
      has_thread = !__real_pthread_create(&thread, NULL, run_beside, &w);
   for (unsigned i = 0; i < 2 && w.result == VK_SUCCESS; i++)
      create_buffer(&w, i);
   for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && w.result == VK_SUCCESS; i++)
      steps[i](&w);
   if (has_thread)
      pthread_join(thread, NULL);
   destroy(&w);
   return w;
}

static unsigned problems;

static void run_with_failures(unsigned first, unsigned count)
{
   atomic_store(&allocations, 0);
   fail_allocations(first, count);
   const struct world w = run();
   fail_allocations(UINT32_MAX, 0);
   const bool ok = w.result == VK_SUCCESS || is_expected(w.result);
   problems += !ok;
   printf("allocation %u, %u failures: %d %s%s\n", first, count, w.result, w.call ? w.call : "", ok ? "" : ": wrong");
}

static void run_without_failures(unsigned after)
{
   const struct world w = run();
   if (w.result == VK_SUCCESS)
      return;
   problems++;
   printf("after allocation %u had failed: %s: %d\n", after, w.call, w.result);
}

int main(int argc, char **argv)
{
   const unsigned step = argc > 1 ? (unsigned)atoi(argv[1]) : 1, first = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
   setvbuf(stdout, NULL, _IOLBF, 0);
   run_without_failures(0);
   atomic_store(&allocations, 0);
   run_without_failures(0);
   const unsigned count = atomic_load(&allocations), last = argc > 3 ? (unsigned)atoi(argv[3]) : count;
   if (problems)
      return 1;
   for (unsigned n = first, turn = 0; n < last; n += step, turn++) {
      run_with_failures(n, 1);
      if (turn % 4 == 1)
         run_with_failures(n, 30);
      if (turn % 8 == 7)
         run_without_failures(n);
   }
   run_without_failures(last);
   printf("%u allocations, %u problems\n", count, problems);
   return problems != 0;
}
