/* SPDX-License-Identifier: MIT */
/* What a program sees when the driver refuses something; on a driver that refuses much (layers/scarce_layer.c).
 *
 *    scarce full     takes all memory that there is, tries to create things, gives some back and works with it, twice
 *    scarce refused  creates things that the driver refuses for other reasons, each twice. The second time must fail at
 *                    the call; if the first did not, a later call must have said it
 *    scarce wrong    the same with things that can be seen to be wrong
 *    scarce mapped   allocates and maps until one of these fails, works, gives all back and works
 *    scarce plenty N creates N things of each kind on a driver that has them
 *
 * Prints what must be as on the native driver. Exit status 0 when nothing was lost. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/gpu.h"
#include "tests/e2e/layers/scarce_marks.h"

#define MIB ((VkDeviceSize)1 << 20)
#define MAX_PIECES 4096
#define TIMEOUT_NS UINT64_C(20000000000)

struct world {
   struct gpu gpu;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkFence fence;
   VkDeviceMemory pieces[MAX_PIECES];
   unsigned piece_count;

   /* Of the pipelines. */
   VkShaderModule compute, vertex;
   VkPipelineLayout layout;
   VkDescriptorSetLayout set_layout;
   VkRenderPass pass;

   /* Where work is done: a buffer that is mapped. */
   struct gpu_buffer buffer;
   const uint32_t *data;
};

/* --- shaders: an empty function; word 2 is the generator --- */

#define MODULE(MODEL, MODE)                                                                                       \
   {                                                                                                              \
      0x07230203, 0x10000, 0, 5, 0, 2 << 16 | 17, 1, 3 << 16 | 14, 0, 1, 5 << 16 | 15, (MODEL), 3, 0x6e69616d, 0, \
         MODE 2 << 16 | 19, 1, 3 << 16 | 33, 2, 1, 5 << 16 | 54, 1, 3, 0, 2, 2 << 16 | 248, 4, 1 << 16 | 253,     \
         1 << 16 | 56                                                                                             \
   }
#define LOCAL_SIZE 6 << 16 | 16, 3, 17, 1, 1, 1,
static const uint32_t compute_code[] = MODULE(5, LOCAL_SIZE);
static const uint32_t vertex_code[] = MODULE(0, );

static VkResult create_module(struct world *w, const uint32_t *code, size_t size, VkShaderModule *module)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = code};
   return vkCreateShaderModule(w->gpu.device, &info, NULL, module);
}

/* --- set-up --- */

static void start(struct world *w)
{
   const VkPhysicalDeviceTimelineSemaphoreFeatures features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
   const VkDescriptorSetLayoutCreateInfo set_layout = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
   const VkSubpassDescription subpass = {.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS};
   const VkRenderPassCreateInfo pass = {
      .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO, .subpassCount = 1, .pSubpasses = &subpass};
   gpu_open(&w->gpu, &features);
   w->commands = gpu_create_commands(&w->gpu, &w->pool);
   OK(vkCreateFence(w->gpu.device, &fence, NULL, &w->fence));
   OK(vkCreatePipelineLayout(w->gpu.device, &layout, NULL, &w->layout));
   OK(vkCreateDescriptorSetLayout(w->gpu.device, &set_layout, NULL, &w->set_layout));
   OK(vkCreateRenderPass(w->gpu.device, &pass, NULL, &w->pass));
   OK(create_module(w, compute_code, sizeof(compute_code), &w->compute));
   OK(create_module(w, vertex_code, sizeof(vertex_code), &w->vertex));
}

static VkResult create_buffer(struct world *w, VkDeviceSize size, VkBuffer *buffer)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
   return vkCreateBuffer(w->gpu.device, &info, NULL, buffer);
}

static VkResult allocate(struct world *w, VkDeviceSize size, VkDeviceMemory *memory)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size, .memoryTypeIndex = w->buffer.type};
   return vkAllocateMemory(w->gpu.device, &info, NULL, memory);
}

/* The buffer that work is done with. */
static void prepare_work(struct world *w)
{
   w->buffer = gpu_map_buffer(&w->gpu, 65536, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   w->data = w->buffer.data;
}

static void stop(struct world *w)
{
   while (w->piece_count)
      vkFreeMemory(w->gpu.device, w->pieces[--w->piece_count], NULL);
   gpu_free_buffer(&w->gpu, &w->buffer);
   vkDestroyShaderModule(w->gpu.device, w->compute, NULL);
   vkDestroyShaderModule(w->gpu.device, w->vertex, NULL);
   vkDestroyRenderPass(w->gpu.device, w->pass, NULL);
   vkDestroyDescriptorSetLayout(w->gpu.device, w->set_layout, NULL);
   vkDestroyPipelineLayout(w->gpu.device, w->layout, NULL);
   vkDestroyFence(w->gpu.device, w->fence, NULL);
   vkDestroyCommandPool(w->gpu.device, w->pool, NULL);
   gpu_close(&w->gpu);
}

/* --- work --- */

/* Ends, submits and waits: the first error of these. `signal` may be VK_NULL_HANDLE. */
static VkResult run(struct world *w, VkCommandBuffer commands, VkSemaphore signal)
{
   const uint64_t value = MARK + 1;
   const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .signalSemaphoreValueCount = 1,
                                                 .pSignalSemaphoreValues = &value};
   const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .pNext = signal ? &values : NULL,
                              .commandBufferCount = 1,
                              .pCommandBuffers = &commands,
                              .signalSemaphoreCount = signal ? 1 : 0,
                              .pSignalSemaphores = &signal};
   /* Something that can be seen, so that the wait is a real one. */
   vkCmdFillBuffer(commands, w->buffer.handle, 4, 4, 1);
   VkResult result = vkEndCommandBuffer(commands);
   if (result == VK_SUCCESS)
      result = vkQueueSubmit(w->gpu.queue, 1, &info, w->fence);
   if (result != VK_SUCCESS)
      return result;
   result = vkWaitForFences(w->gpu.device, 1, &w->fence, VK_TRUE, TIMEOUT_NS);
   if (result != VK_SUCCESS) /* it is told once */
      OK(vkWaitForFences(w->gpu.device, 1, &w->fence, VK_TRUE, TIMEOUT_NS));
   OK(vkResetFences(w->gpu.device, 1, &w->fence));
   return result;
}

/* Whether the device still does what it is told. */
static void work(struct world *w)
{
   static uint32_t value;
   const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
   gpu_begin(w->commands);
   vkCmdFillBuffer(w->commands, w->buffer.handle, 0, VK_WHOLE_SIZE, ++value);
   vkCmdPipelineBarrier(w->commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                        NULL, 0, NULL);
   OK(run(w, w->commands, VK_NULL_HANDLE));
   NEED(w->data[0] == value && w->data[65536 / 4 - 1] == value);
}

/* --- things that can be created --- */

union object {
   VkBuffer buffer;
   VkImage image;
   VkSampler sampler;
   VkSemaphore semaphore;
   VkEvent event;
   VkQueryPool queries;
   VkDescriptorPool descriptors;
   VkCommandPool commands;
   VkShaderModule module;
   VkPipeline pipeline;
   VkDeviceMemory memory;
};

static VkResult make_buffer(struct world *w, bool marked, union object *object)
{
   return create_buffer(w, marked ? MARK : 4096, &object->buffer);
}

static void end_buffer(struct world *w, union object object)
{
   vkDestroyBuffer(w->gpu.device, object.buffer, NULL);
}

static VkResult make_image(struct world *w, bool marked, union object *object)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType = VK_IMAGE_TYPE_2D,
                                   .format = VK_FORMAT_R8G8B8A8_UNORM,
                                   .extent = {marked ? MARK : 16, 16, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = VK_SAMPLE_COUNT_1_BIT,
                                   .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT};
   return vkCreateImage(w->gpu.device, &info, NULL, &object->image);
}

static void end_image(struct world *w, union object object)
{
   vkDestroyImage(w->gpu.device, object.image, NULL);
}

static VkResult make_sampler(struct world *w, bool marked, union object *object)
{
   const VkSamplerCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO, .minLod = marked ? MARK : 0, .maxLod = MARK};
   return vkCreateSampler(w->gpu.device, &info, NULL, &object->sampler);
}

static void end_sampler(struct world *w, union object object)
{
   vkDestroySampler(w->gpu.device, object.sampler, NULL);
}

static VkResult make_semaphore(struct world *w, bool marked, union object *object)
{
   const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                           .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
                                           .initialValue = marked ? MARK : 0};
   const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   return vkCreateSemaphore(w->gpu.device, &info, NULL, &object->semaphore);
}

static void end_semaphore(struct world *w, union object object)
{
   vkDestroySemaphore(w->gpu.device, object.semaphore, NULL);
}

static VkResult make_event(struct world *w, bool marked, union object *object)
{
   const VkEventCreateInfo info = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   (void)marked;
   return vkCreateEvent(w->gpu.device, &info, NULL, &object->event);
}

static void end_event(struct world *w, union object object)
{
   vkDestroyEvent(w->gpu.device, object.event, NULL);
}

static VkResult make_queries(struct world *w, bool marked, union object *object)
{
   const VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                       .queryType = VK_QUERY_TYPE_OCCLUSION,
                                       .queryCount = marked ? MARK : 4};
   return vkCreateQueryPool(w->gpu.device, &info, NULL, &object->queries);
}

static void end_queries(struct world *w, union object object)
{
   vkDestroyQueryPool(w->gpu.device, object.queries, NULL);
}

static VkResult make_descriptors(struct world *w, bool marked, union object *object)
{
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 4};
   const VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = marked ? MARK : 4,
                                            .poolSizeCount = 1,
                                            .pPoolSizes = &size};
   return vkCreateDescriptorPool(w->gpu.device, &info, NULL, &object->descriptors);
}

static void end_descriptors(struct world *w, union object object)
{
   vkDestroyDescriptorPool(w->gpu.device, object.descriptors, NULL);
}

static VkResult make_commands(struct world *w, bool marked, union object *object)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = marked ? VK_COMMAND_POOL_CREATE_TRANSIENT_BIT : 0};
   return vkCreateCommandPool(w->gpu.device, &info, NULL, &object->commands);
}

static void end_commands(struct world *w, union object object)
{
   vkDestroyCommandPool(w->gpu.device, object.commands, NULL);
}

static VkResult make_module(struct world *w, bool marked, union object *object)
{
   uint32_t code[sizeof(compute_code) / 4];
   memcpy(code, compute_code, sizeof(code));
   code[2] = marked ? MARK : 0;
   return create_module(w, code, sizeof(code), &object->module);
}

static void end_module(struct world *w, union object object)
{
   vkDestroyShaderModule(w->gpu.device, object.module, NULL);
}

static VkComputePipelineCreateInfo compute_info(const struct world *w)
{
   return (VkComputePipelineCreateInfo){
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = w->compute,
                .pName = "main"},
      .layout = w->layout,
   };
}

static VkResult make_compute(struct world *w, bool marked, union object *object)
{
   VkComputePipelineCreateInfo info = compute_info(w);
   info.flags = marked ? VK_PIPELINE_CREATE_DISABLE_OPTIMIZATION_BIT : 0;
   return vkCreateComputePipelines(w->gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &object->pipeline);
}

static VkResult make_graphics(struct world *w, bool marked, union object *object)
{
   const VkPipelineShaderStageCreateInfo stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                  .stage = VK_SHADER_STAGE_VERTEX_BIT,
                                                  .module = w->vertex,
                                                  .pName = "main"};
   const VkPipelineVertexInputStateCreateInfo input = {.sType =
                                                          VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .rasterizerDiscardEnable = VK_TRUE,
      .lineWidth = 1};
   const VkGraphicsPipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                              .flags = marked ? VK_PIPELINE_CREATE_DISABLE_OPTIMIZATION_BIT : 0,
                                              .stageCount = 1,
                                              .pStages = &stage,
                                              .pVertexInputState = &input,
                                              .pInputAssemblyState = &assembly,
                                              .pRasterizationState = &rasterization,
                                              .layout = w->layout,
                                              .renderPass = w->pass};
   return vkCreateGraphicsPipelines(w->gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &object->pipeline);
}

static void end_pipeline(struct world *w, union object object)
{
   vkDestroyPipeline(w->gpu.device, object.pipeline, NULL);
}

static VkResult make_memory(struct world *w, bool marked, union object *object)
{
   return allocate(w, marked ? MARK_ALLOCATE : 4096, &object->memory);
}

static void end_memory(struct world *w, union object object)
{
   vkFreeMemory(w->gpu.device, object.memory, NULL);
}

/* --- their use, which has to say what their creation did not --- */

static VkResult use_buffer(struct world *w, union object object)
{
   VkMemoryRequirements requirements;
   vkGetBufferMemoryRequirements(w->gpu.device, object.buffer, &requirements);
   OK(vkBindBufferMemory(w->gpu.device, object.buffer, w->buffer.memory, 0));
   gpu_begin(w->commands);
   vkCmdFillBuffer(w->commands, object.buffer, 0, VK_WHOLE_SIZE, 7);
   return run(w, w->commands, VK_NULL_HANDLE);
}

static VkResult use_semaphore(struct world *w, union object object)
{
   gpu_begin(w->commands);
   return run(w, w->commands, object.semaphore);
}

static VkResult use_queries(struct world *w, union object object)
{
   gpu_begin(w->commands);
   vkCmdResetQueryPool(w->commands, object.queries, 0, 1);
   return run(w, w->commands, VK_NULL_HANDLE);
}

static VkResult use_descriptors(struct world *w, union object object)
{
   const VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = object.descriptors,
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &w->set_layout};
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &w->set_layout};
   VkPipelineLayout layout;
   VkDescriptorSet set;
   VkResult result = vkAllocateDescriptorSets(w->gpu.device, &info, &set);
   if (result != VK_SUCCESS)
      return result;
   OK(vkCreatePipelineLayout(w->gpu.device, &layout_info, NULL, &layout));
   gpu_begin(w->commands);
   vkCmdBindDescriptorSets(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
   result = run(w, w->commands, VK_NULL_HANDLE);
   vkDestroyPipelineLayout(w->gpu.device, layout, NULL);
   return result;
}

static VkResult use_commands(struct world *w, union object object)
{
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = object.commands, .commandBufferCount = 1};
   VkCommandBuffer commands;
   const VkResult result = vkAllocateCommandBuffers(w->gpu.device, &info, &commands);
   if (result != VK_SUCCESS)
      return result;
   gpu_begin(commands);
   return run(w, commands, VK_NULL_HANDLE);
}

static VkResult use_compute(struct world *w, union object object)
{
   gpu_begin(w->commands);
   vkCmdBindPipeline(w->commands, VK_PIPELINE_BIND_POINT_COMPUTE, object.pipeline);
   return run(w, w->commands, VK_NULL_HANDLE);
}

static VkResult use_graphics(struct world *w, union object object)
{
   gpu_begin(w->commands);
   vkCmdBindPipeline(w->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, object.pipeline);
   return run(w, w->commands, VK_NULL_HANDLE);
}

static VkResult use_module(struct world *w, union object object)
{
   VkComputePipelineCreateInfo info = compute_info(w);
   union object pipeline;
   info.stage.module = object.module;
   VkResult result = vkCreateComputePipelines(w->gpu.device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline.pipeline);
   if (result != VK_SUCCESS)
      return result;
   result = use_compute(w, pipeline);
   end_pipeline(w, pipeline);
   return result;
}

static VkResult use_memory(struct world *w, union object object)
{
   VkBuffer buffer;
   VkMemoryRequirements requirements;
   OK(create_buffer(w, 4096, &buffer));
   vkGetBufferMemoryRequirements(w->gpu.device, buffer, &requirements);
   VkResult result = vkBindBufferMemory(w->gpu.device, buffer, object.memory, 0);
   if (result == VK_SUCCESS) {
      gpu_begin(w->commands);
      vkCmdFillBuffer(w->commands, buffer, 0, VK_WHOLE_SIZE, 7);
      result = run(w, w->commands, VK_NULL_HANDLE);
   }
   vkDestroyBuffer(w->gpu.device, buffer, NULL);
   return result;
}

static const struct kind {
   const char *name;
   VkResult (*make)(struct world *w, bool marked, union object *object);
   void (*end)(struct world *w, union object object);
   VkResult (*use)(struct world *w, union object object); /* NULL: nothing can be refused but for memory */
} kinds[] = {
   {"buffer", make_buffer, end_buffer, use_buffer},
   {"image", make_image, end_image, NULL},
   {"sampler", make_sampler, end_sampler, NULL},
   {"semaphore", make_semaphore, end_semaphore, use_semaphore},
   {"event", make_event, end_event, NULL},
   {"query pool", make_queries, end_queries, use_queries},
   {"descriptor pool", make_descriptors, end_descriptors, use_descriptors},
   {"command pool", make_commands, end_commands, use_commands},
   {"shader module", make_module, end_module, use_module},
   {"compute pipeline", make_compute, end_pipeline, use_compute},
   {"graphics pipeline", make_graphics, end_pipeline, use_graphics},
   {"memory", make_memory, end_memory, use_memory},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds))

/* --- everything is used up --- */

static unsigned fill(struct world *w, VkDeviceSize size)
{
   unsigned count = 0;
   VkResult result = VK_SUCCESS;
   while (result == VK_SUCCESS) {
      NEED(w->piece_count < MAX_PIECES);
      result = allocate(w, size, &w->pieces[w->piece_count]);
      if (result == VK_SUCCESS) {
         w->piece_count++;
         count++;
      }
   }
   NEED(result == VK_ERROR_OUT_OF_DEVICE_MEMORY);
   return count;
}

static void try_all(struct world *w, const char *when)
{
   for (unsigned i = 0; i < KIND_COUNT; i++) {
      union object object;
      const VkResult result = kinds[i].make(w, false, &object);
      printf("%s, %s: %d\n", when, kinds[i].name, result);
      if (result == VK_SUCCESS)
         kinds[i].end(w, object);
   }
}

static void use_up(struct world *w)
{
   printf("pieces of a MiB: %u\n", fill(w, MIB));
   fill(w, 65536);
   fill(w, 4096);
   try_all(w, "nothing left");
   work(w);
   for (unsigned i = 0; i < 64; i++) {
      void *data;
      OK(vkMapMemory(w->gpu.device, w->pieces[i], 0, VK_WHOLE_SIZE, 0, &data));
   }
   work(w);
   while (w->piece_count > 16)
      vkFreeMemory(w->gpu.device, w->pieces[--w->piece_count], NULL);
   try_all(w, "some given back");
   work(w);
}

/* Natively it is the allocation that fails; on a server that also keeps track of what is mapped it can be the map. */
static void map_until_refused(struct world *w)
{
   VkResult result = VK_SUCCESS;
   while (result == VK_SUCCESS) {
      void *data;
      NEED(w->piece_count < MAX_PIECES);
      result = allocate(w, 16 * MIB, &w->pieces[w->piece_count]);
      if (result == VK_SUCCESS)
         result = vkMapMemory(w->gpu.device, w->pieces[w->piece_count++], 0, VK_WHOLE_SIZE, 0, &data);
   }
   NEED(result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY ||
        result == VK_ERROR_MEMORY_MAP_FAILED);
   printf("refused after some: %d\n", w->piece_count > 4);
   work(w);
   while (w->piece_count)
      vkFreeMemory(w->gpu.device, w->pieces[--w->piece_count], NULL);
   work(w);
}

/* --- things are refused --- */

static void try_marked(struct world *w, const struct kind *kind)
{
   union object object;
   for (unsigned attempt = 0; attempt < 2; attempt++) {
      const VkResult result = kind->make(w, true, &object);
      if (attempt || result != VK_SUCCESS)
         printf("refused %s: %d\n", kind->name, result);
      if (result == VK_SUCCESS) {
         const VkResult late = kind->use(w, object);
         kind->end(w, object);
         printf("refused %s: %d\n", kind->name, late == VK_SUCCESS ? VK_SUCCESS : MARK_RESULT);
      }
      work(w);
   }
}

/* A map that fails leaves the memory as it was. */
static void try_map(struct world *w)
{
   for (unsigned attempt = 0; attempt < 2; attempt++) {
      union object object;
      void *data;
      OK(allocate(w, MARK_MAP, &object.memory));
      VkResult result = vkMapMemory(w->gpu.device, object.memory, 0, VK_WHOLE_SIZE, 0, &data);
      if (result == VK_SUCCESS && !attempt) {
         memset(data, 1, 4096);
         gpu_begin(w->commands);
         result = run(w, w->commands, VK_NULL_HANDLE);
         result = result == VK_SUCCESS ? VK_SUCCESS : VK_ERROR_MEMORY_MAP_FAILED;
      } else {
         OK(use_memory(w, object));
      }
      printf("refused map: %d\n", result);
      end_memory(w, object);
      work(w);
   }
}

static void try_bind(struct world *w)
{
   for (unsigned attempt = 0; attempt < 2; attempt++) {
      union object object;
      OK(allocate(w, MARK_BIND, &object.memory));
      printf("refused bind: %d\n", use_memory(w, object) == VK_SUCCESS);
      end_memory(w, object);
      work(w);
   }
}

/* --- things that can be seen to be wrong --- */

static VkResult make_pipeline_with(struct world *w, VkShaderModule module, const char *name, VkPipeline *pipeline)
{
   VkComputePipelineCreateInfo info = compute_info(w);
   info.stage.module = module;
   info.stage.pName = name;
   return vkCreateComputePipelines(w->gpu.device, VK_NULL_HANDLE, 1, &info, NULL, pipeline);
}

static void try_wrong(struct world *w)
{
   uint32_t code[sizeof(compute_code) / 4];
   VkShaderModule module;
   VkPipeline pipeline;
   union object object;
   printf("no such entry point: %d\n", make_pipeline_with(w, w->compute, "other", &pipeline));
   work(w);
   printf("entry point of another stage: %d\n", make_pipeline_with(w, w->vertex, "main", &pipeline));
   work(w);
   memcpy(code, compute_code, sizeof(code));
   OK(create_module(w, code, sizeof(code) - 28, &module)); /* within its function */
   printf("cut off: %d\n", make_pipeline_with(w, module, "main", &pipeline));
   vkDestroyShaderModule(w->gpu.device, module, NULL);
   work(w);
   memset(code + 5, 0x55, sizeof(code) - 20);
   OK(create_module(w, code, sizeof(code), &module));
   printf("nonsense: %d\n", make_pipeline_with(w, module, "main", &pipeline));
   vkDestroyShaderModule(w->gpu.device, module, NULL);
   work(w);
   printf("a buffer larger than the GPU's: %d\n", create_buffer(w, (VkDeviceSize)5 << 30, &object.buffer));
   work(w);
   printf("an image that is refused: %d\n", make_image(w, true, &object));
   work(w);
}

/* --- all is there --- */

static void create_many(struct world *w, unsigned count)
{
   union object *objects = calloc(count, sizeof(*objects));
   NEED(objects);
   for (unsigned i = 0; i < KIND_COUNT; i++) {
      for (unsigned j = 0; j < count; j++)
         OK(kinds[i].make(w, false, &objects[j]));
      for (unsigned j = 0; j < count && kinds[i].use == use_memory; j++) {
         void *data;
         OK(vkMapMemory(w->gpu.device, objects[j].memory, 0, VK_WHOLE_SIZE, 0, &data));
      }
      work(w);
      for (unsigned j = 0; j < count; j++)
         kinds[i].end(w, objects[j]);
   }
   free(objects);
}

int main(int argc, char **argv)
{
   struct world w = {0};
   const char *mode = argc > 1 ? argv[1] : "";
   start(&w);
   prepare_work(&w);
   work(&w);
   if (!strcmp(mode, "full")) {
      use_up(&w);
      use_up(&w);
   } else if (!strcmp(mode, "refused")) {
      for (unsigned i = 0; i < KIND_COUNT; i++) {
         if (kinds[i].use)
            try_marked(&w, &kinds[i]);
      }
      try_map(&w);
      try_bind(&w);
   } else if (!strcmp(mode, "wrong")) {
      try_wrong(&w);
   } else if (!strcmp(mode, "mapped")) {
      map_until_refused(&w);
   } else if (argc > 2) {
      create_many(&w, (unsigned)strtoul(argv[2], NULL, 10));
   }
   work(&w);
   stop(&w);
   return 0;
}
