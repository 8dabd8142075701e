/* SPDX-License-Identifier: MIT */

/* venus-bench record|threads|latency: calls, one by one.
 *
 * record: CPU time of the calling thread for each recorded command, and what a recording does beside that. Allocations
 * and locks are counted by the functions below, which the driver finds instead of the C library's because the program
 * exports them; of the system calls of this thread the first is seen, because the kernel is told to hand it back. */

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "tools/bench.h"

#define EXPORT __attribute__((visibility("default")))

/* --- what a recording does --- */

static _Thread_local bool counting;
static _Thread_local unsigned long allocations, locks;

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *memory, size_t size);
EXPORT void free(void *memory);
EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex);
EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex);
EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock);
EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock);

/* glibc's own names for the functions that we replace */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

void *malloc(size_t size)
{
   allocations += counting;
   return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
   allocations += counting;
   return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
   allocations += counting;
   return __libc_realloc(memory, size);
}

void free(void *memory)
{
   allocations += counting;
   __libc_free(memory);
}

static int call_next(void **next, const char *name, void *lock)
{
   int (*function)(void *);

   locks += counting;
   if (!__atomic_load_n(next, __ATOMIC_RELAXED))
      __atomic_store_n(next, dlsym(RTLD_NEXT, name), __ATOMIC_RELAXED);
   memcpy(&function, next, sizeof(function));
   return function(lock);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
   static void *next;
   return call_next(&next, "pthread_mutex_lock", mutex);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
   static void *next;
   return call_next(&next, "pthread_mutex_trylock", mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
   static void *next;
   return call_next(&next, "pthread_rwlock_rdlock", lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
   static void *next;
   return call_next(&next, "pthread_rwlock_wrlock", lock);
}

/* The first system call while dispatch_selector is 1 comes here instead of into the kernel, and is then made again. */
static volatile char dispatch_selector;
static volatile int first_system_call = -1;
static bool can_see_system_calls;

#ifdef __x86_64__
static void on_system_call(int number, siginfo_t *info, void *context)
{
   greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
   (void)number;
   dispatch_selector = 0;
   first_system_call = info->si_syscall;
   registers[REG_RIP] -= 2; /* the instruction's length */
   registers[REG_RAX] = info->si_syscall;
}

static void watch_system_calls(void)
{
   const struct sigaction action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO};
   const int set_syscall_user_dispatch = 59, on = 1;

   can_see_system_calls =
      sigaction(SIGSYS, &action, NULL) == 0 && prctl(set_syscall_user_dispatch, on, 0, 0, &dispatch_selector) == 0;
}
#else
static void watch_system_calls(void)
{
}
#endif

static void counting_start(void)
{
   allocations = locks = 0;
   first_system_call = -1;
   counting = true;
   dispatch_selector = can_see_system_calls;
}

static void counting_stop(void)
{
   dispatch_selector = 0;
   counting = false;
}

/* --- a device and what the commands need --- */

struct bench {
   struct bench_device on;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool descriptor_pool;
   VkDescriptorSet set;
   VkPipelineLayout layout;
   VkPipeline pipeline, compute_pipeline;
   VkFence fence;
};

static void create_buffer(struct bench *b)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = 65536,
      .usage = VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
   };
   VkMemoryRequirements requirements;
   VkMemoryAllocateInfo memory_info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};

   VK(vkCreateBuffer(b->on.device, &info, NULL, &b->buffer));
   vkGetBufferMemoryRequirements(b->on.device, b->buffer, &requirements);
   memory_info.allocationSize = requirements.size;
   memory_info.memoryTypeIndex = (uint32_t)__builtin_ctz(requirements.memoryTypeBits);
   VK(vkAllocateMemory(b->on.device, &memory_info, NULL, &b->memory));
   VK(vkBindBufferMemory(b->on.device, b->buffer, b->memory, 0));
}

static void create_descriptor_set(struct bench *b)
{
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
                                                 .descriptorCount = 1,
                                                 .stageFlags = VK_SHADER_STAGE_VERTEX_BIT};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   VkDescriptorSetAllocateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                           .descriptorSetCount = 1};
   const VkDescriptorBufferInfo buffer_info = {b->buffer, 0, 256};
   VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
      .pBufferInfo = &buffer_info,
   };

   VK(vkCreateDescriptorSetLayout(b->on.device, &layout_info, NULL, &b->set_layout));
   VK(vkCreateDescriptorPool(b->on.device, &pool_info, NULL, &b->descriptor_pool));
   set_info.descriptorPool = b->descriptor_pool;
   set_info.pSetLayouts = &b->set_layout;
   VK(vkAllocateDescriptorSets(b->on.device, &set_info, &b->set));
   write.dstSet = b->set;
   vkUpdateDescriptorSets(b->on.device, 1, &write, 0, NULL);
}

/* Shaders `void main() {}`. */
#define SHADER_HEAD                                                   \
   0x07230203, 0x00010000, 0, 5, 0, /* magic, version 1.0, bound 5 */ \
      0x00020011, 1,                /* OpCapability Shader */         \
      0x0003000e, 0, 1              /* OpMemoryModel Logical GLSL450 */
#define SHADER_TAIL                                                          \
   0x00020013, 2,                           /* %2 = OpTypeVoid */            \
      0x00030021, 3, 2,                     /* %3 = OpTypeFunction %2 */     \
      0x00050036, 2, 1, 0, 3,               /* %1 = OpFunction %2 None %3 */ \
      0x000200f8, 4, 0x000100fd, 0x00010038 /* %4 = OpLabel, OpReturn, OpFunctionEnd */
static const uint32_t empty_shader[] = {
   SHADER_HEAD, 0x0005000f, 0, 1, 0x6e69616d, 0, /* OpEntryPoint Vertex %1 "main" */
   SHADER_TAIL,
};
static const uint32_t empty_compute_shader[] = {
   SHADER_HEAD, 0x0005000f, 5,  1, 0x6e69616d, 0, /* OpEntryPoint GLCompute %1 "main" */
   0x00060010,  1,          17, 1, 1,          1, /* OpExecutionMode %1 LocalSize 1 1 1 */
   SHADER_TAIL,
};

static VkShaderModule create_module(const struct bench *b, const uint32_t *code, size_t size)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = code};
   VkShaderModule module;
   VK(vkCreateShaderModule(b->on.device, &info, NULL, &module));
   return module;
}

static void create_compute_pipeline(struct bench *b)
{
   const VkShaderModule module = create_module(b, empty_compute_shader, sizeof(empty_compute_shader));
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main"},
      .layout = b->layout,
   };
   VK(vkCreateComputePipelines(b->on.device, VK_NULL_HANDLE, 1, &info, NULL, &b->compute_pipeline));
   vkDestroyShaderModule(b->on.device, module, NULL);
}

static void create_pipeline(struct bench *b)
{
   const VkPushConstantRange range = {VK_SHADER_STAGE_VERTEX_BIT, 0, 128};
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &b->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &range,
   };
   VK(vkCreatePipelineLayout(b->on.device, &layout_info, NULL, &b->layout));
   const VkShaderModule module = create_module(b, empty_shader, sizeof(empty_shader));

   const VkPipelineShaderStageCreateInfo stage = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
      .stage = VK_SHADER_STAGE_VERTEX_BIT,
      .module = module,
      .pName = "main",
   };
   const VkPipelineVertexInputStateCreateInfo vertex_input = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .rasterizerDiscardEnable = VK_TRUE,
      .lineWidth = 1,
   };
   const VkPipelineRenderingCreateInfo rendering = {.sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO};
   const VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = &rendering,
      .stageCount = 1,
      .pStages = &stage,
      .pVertexInputState = &vertex_input,
      .pInputAssemblyState = &assembly,
      .pRasterizationState = &rasterization,
      .layout = b->layout,
   };
   VK(vkCreateGraphicsPipelines(b->on.device, VK_NULL_HANDLE, 1, &info, NULL, &b->pipeline));
   vkDestroyShaderModule(b->on.device, module, NULL);
}

static void create_commands(struct bench *b)
{
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
   };
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   const VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

   VK(vkCreateCommandPool(b->on.device, &pool_info, NULL, &b->pool));
   info.commandPool = b->pool;
   VK(vkAllocateCommandBuffers(b->on.device, &info, &b->commands));
   VK(vkCreateFence(b->on.device, &fence_info, NULL, &b->fence));
}

static void bench_init(struct bench *b)
{
   *b = (struct bench){0};
   bench_device_init(&b->on, NULL);
   create_buffer(b);
   create_descriptor_set(b);
   create_pipeline(b);
   create_compute_pipeline(b);
   create_commands(b);
}

static void bench_finish(struct bench *b)
{
   VK(vkDeviceWaitIdle(b->on.device));
   vkDestroyFence(b->on.device, b->fence, NULL);
   vkDestroyCommandPool(b->on.device, b->pool, NULL);
   vkDestroyPipeline(b->on.device, b->pipeline, NULL);
   vkDestroyPipeline(b->on.device, b->compute_pipeline, NULL);
   vkDestroyPipelineLayout(b->on.device, b->layout, NULL);
   vkDestroyDescriptorPool(b->on.device, b->descriptor_pool, NULL);
   vkDestroyDescriptorSetLayout(b->on.device, b->set_layout, NULL);
   vkDestroyBuffer(b->on.device, b->buffer, NULL);
   vkFreeMemory(b->on.device, b->memory, NULL);
   bench_device_finish(&b->on);
}

/* --- record --- */

#define COMMANDS 20000
#define COUNTED 300 /* less than goes into the stream before the recording ends */
#define RUNS 15

/* The driver's functions, without the loader in between. */
static PFN_vkCmdDraw cmd_draw;
static PFN_vkCmdPushConstants cmd_push_constants;
static PFN_vkCmdBindDescriptorSets cmd_bind_descriptor_sets;
static PFN_vkCmdPipelineBarrier cmd_pipeline_barrier;
static PFN_vkCmdBindVertexBuffers cmd_bind_vertex_buffers;
static PFN_vkCmdBindPipeline cmd_bind_pipeline;
static PFN_vkCmdDispatch cmd_dispatch;
static PFN_vkCmdSetViewport cmd_set_viewport;

static void load_commands(VkDevice device)
{
   cmd_draw = (PFN_vkCmdDraw)vkGetDeviceProcAddr(device, "vkCmdDraw");
   cmd_push_constants = (PFN_vkCmdPushConstants)vkGetDeviceProcAddr(device, "vkCmdPushConstants");
   cmd_bind_descriptor_sets = (PFN_vkCmdBindDescriptorSets)vkGetDeviceProcAddr(device, "vkCmdBindDescriptorSets");
   cmd_pipeline_barrier = (PFN_vkCmdPipelineBarrier)vkGetDeviceProcAddr(device, "vkCmdPipelineBarrier");
   cmd_bind_vertex_buffers = (PFN_vkCmdBindVertexBuffers)vkGetDeviceProcAddr(device, "vkCmdBindVertexBuffers");
   cmd_set_viewport = (PFN_vkCmdSetViewport)vkGetDeviceProcAddr(device, "vkCmdSetViewport");
   cmd_bind_pipeline = (PFN_vkCmdBindPipeline)vkGetDeviceProcAddr(device, "vkCmdBindPipeline");
   cmd_dispatch = (PFN_vkCmdDispatch)vkGetDeviceProcAddr(device, "vkCmdDispatch");
   if (!cmd_draw || !cmd_push_constants || !cmd_bind_descriptor_sets || !cmd_pipeline_barrier ||
       !cmd_bind_vertex_buffers || !cmd_bind_pipeline || !cmd_dispatch || !cmd_set_viewport)
      bench_die("loading the commands", 0);
}

static void record_draw(const struct bench *b, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      cmd_draw(b->commands, 3, 1, i, 0);
}

static const uint32_t push_data[32] = {1, 2, 3};

static void record_push_16(const struct bench *b, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      cmd_push_constants(b->commands, b->layout, VK_SHADER_STAGE_VERTEX_BIT, 0, 16, push_data);
}

static void record_push_128(const struct bench *b, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      cmd_push_constants(b->commands, b->layout, VK_SHADER_STAGE_VERTEX_BIT, 0, 128, push_data);
}

static void record_descriptor_sets(const struct bench *b, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      cmd_bind_descriptor_sets(b->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, b->layout, 0, 1, &b->set, 0, NULL);
}

static void record_barrier(const struct bench *b, uint32_t count)
{
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT,
   };
   for (uint32_t i = 0; i < count; i++)
      cmd_pipeline_barrier(b->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1,
                           &barrier, 0, NULL, 0, NULL);
}

static void record_vertex_buffers(const struct bench *b, uint32_t count)
{
   const VkDeviceSize offset = 0;
   for (uint32_t i = 0; i < count; i++)
      cmd_bind_vertex_buffers(b->commands, 0, 1, &b->buffer, &offset);
}

static void record_viewport(const struct bench *b, uint32_t count)
{
   const VkViewport viewport = {0, 0, 640, 480, 0, 1};
   for (uint32_t i = 0; i < count; i++)
      cmd_set_viewport(b->commands, 0, 1, &viewport);
}

static void record_bind_pipeline(const struct bench *b, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      cmd_bind_pipeline(b->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, b->pipeline);
}

static void record_dispatch(const struct bench *b, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      cmd_dispatch(b->commands, 1, 1, 1);
}

static const struct {
   const char *name;
   void (*record)(const struct bench *b, uint32_t count);
   bool in_rendering;
} record_cases[] = {
   {"vkCmdDraw", record_draw, true},
   {"vkCmdPushConstants, 16 bytes", record_push_16, true},
   {"vkCmdPushConstants, 128 bytes", record_push_128, true},
   {"vkCmdBindDescriptorSets", record_descriptor_sets, true},
   {"vkCmdPipelineBarrier", record_barrier, false},
   {"vkCmdBindVertexBuffers", record_vertex_buffers, true},
   {"vkCmdSetViewport", record_viewport, true},
   {"vkCmdBindPipeline", record_bind_pipeline, true},
   {"vkCmdDispatch", record_dispatch, false},
};
#define RECORD_CASES (sizeof(record_cases) / sizeof(record_cases[0]))

static long page_faults(void)
{
   struct rusage usage;
   if (getrusage(RUSAGE_THREAD, &usage))
      bench_die("getrusage", 0);
   return usage.ru_minflt;
}

/* As a program does that waits for its frames: what a driver does behind a recording has ended before the next one. */
static void submit_and_wait(const struct bench *b)
{
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &b->commands};
   VK(vkQueueSubmit(b->on.queue, 1, &submit, b->fence));
   VK(vkWaitForFences(b->on.device, 1, &b->fence, VK_TRUE, UINT64_MAX));
   VK(vkResetFences(b->on.device, 1, &b->fence));
}

/* What a recording took: CPU time of its commands, and of vkEndCommandBuffer. */
struct recording {
   double commands_ns, end_ns;
   double faults;
};

/* One recording. Or it is counted what a short one does. */
static struct recording record_once(const struct bench *b, unsigned index, bool count)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkRenderingInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO, .renderArea = {{0, 0}, {1, 1}}, .layerCount = 1};

   VK(vkBeginCommandBuffer(b->commands, &begin));
   if (record_cases[index].in_rendering) {
      vkCmdBeginRendering(b->commands, &rendering);
      vkCmdBindPipeline(b->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, b->pipeline);
   } else {
      vkCmdBindPipeline(b->commands, VK_PIPELINE_BIND_POINT_COMPUTE, b->compute_pipeline);
   }
   const long faults = page_faults();
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   if (count)
      counting_start();
   record_cases[index].record(b, count ? COUNTED : COMMANDS);
   if (count)
      counting_stop();
   const double middle = bench_now(CLOCK_THREAD_CPUTIME_ID);
   if (record_cases[index].in_rendering)
      vkCmdEndRendering(b->commands);
   VK(vkEndCommandBuffer(b->commands));
   const double end = bench_now(CLOCK_THREAD_CPUTIME_ID);
   const struct recording result = {
      .commands_ns = middle - start, .end_ns = end - middle, .faults = (double)(page_faults() - faults)};
   submit_and_wait(b);
   return result;
}

static void record_case(const struct bench *b, unsigned index)
{
   double commands_ns[RUNS], end_ns[RUNS], faults[RUNS];

   for (unsigned i = 0; i < 2; i++) /* memory that is kept grows now */
      record_once(b, index, false);
   for (unsigned i = 0; i < RUNS; i++) {
      const struct recording one = record_once(b, index, false);
      commands_ns[i] = one.commands_ns;
      end_ns[i] = one.end_ns;
      faults[i] = one.faults;
   }
   record_once(b, index, true);
   printf("  {\"name\": \"%s\", \"ns\": %.2f, \"end_ns\": %.2f, \"page_faults\": %.0f, \"allocations\": %lu, "
          "\"locks\": %lu, "
          "\"system_calls\": %s, \"first_system_call\": %d}%s\n",
          record_cases[index].name, bench_median(commands_ns, RUNS) / COMMANDS, bench_median(end_ns, RUNS) / COMMANDS,
          bench_median(faults, RUNS), allocations, locks,
          !can_see_system_calls   ? "null"
          : first_system_call < 0 ? "0"
                                  : "1",
          first_system_call, index + 1 < RECORD_CASES ? "," : "");
}

/* What allocates, locks and enters the kernel must be seen doing so. */
static void print_control(const struct bench *b)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;

   counting_start();
   VK(vkCreateFence(b->on.device, &info, NULL, &fence));
   vkDestroyFence(b->on.device, fence, NULL);
   if (first_system_call < 0)
      getppid();
   counting_stop();
   printf("  {\"name\": \"control\", \"allocations\": %lu, \"locks\": %lu, \"system_calls\": %s},\n", allocations,
          locks,
          !can_see_system_calls   ? "null"
          : first_system_call < 0 ? "0"
                                  : "1");
}

static void print_results(void (*run)(const struct bench *b))
{
   struct bench b;

   bench_init(&b);
   printf("{\"device\": \"%s\", \"results\": [\n", b.on.properties.deviceName);
   run(&b);
   printf("]}\n");
   bench_finish(&b);
}

static void run_record(const struct bench *b)
{
   load_commands(b->on.device);
   watch_system_calls();
   print_control(b);
   for (unsigned i = 0; i < RECORD_CASES; i++)
      record_case(b, i);
}

void bench_record(void)
{
   print_results(run_record);
}

/* --- threads --- */

#define MAX_THREADS 8
#define PAIRS 10000
#define FRAMES 31

struct recorder {
   const struct bench *b;
   pthread_t thread;
   VkCommandPool pool;
   VkCommandBuffer commands;
   pthread_barrier_t *begin, *end;
};

static void record_pairs(const struct recorder *self)
{
   const struct bench *b = self->b;
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VK(vkBeginCommandBuffer(self->commands, &begin));
   for (uint32_t i = 0; i < PAIRS; i++) {
      cmd_push_constants(self->commands, b->layout, VK_SHADER_STAGE_VERTEX_BIT, 0, 16, push_data);
      cmd_bind_descriptor_sets(self->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, b->layout, 0, 1, &b->set, 0, NULL);
   }
   VK(vkEndCommandBuffer(self->commands));
}

static void *record_frames(void *data)
{
   const struct recorder *self = data;
   for (unsigned i = 0; i < FRAMES; i++) {
      pthread_barrier_wait(self->begin);
      record_pairs(self);
      pthread_barrier_wait(self->end);
   }
   return NULL;
}

static void create_recorder(struct recorder *self)
{
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
   };
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   VK(vkCreateCommandPool(self->b->on.device, &pool_info, NULL, &self->pool));
   info.commandPool = self->pool;
   VK(vkAllocateCommandBuffers(self->b->on.device, &info, &self->commands));
}

/* Frames that so many threads record and one submits: what recording takes, and a frame until it is complete. */
static void measure_threads(const struct bench *b, unsigned count)
{
   struct recorder recorders[MAX_THREADS];
   VkCommandBuffer buffers[MAX_THREADS];
   pthread_barrier_t begin, end;
   double record_ns[FRAMES], frame_ns[FRAMES];

   pthread_barrier_init(&begin, NULL, count + 1);
   pthread_barrier_init(&end, NULL, count + 1);
   for (unsigned i = 0; i < count; i++) {
      recorders[i] = (struct recorder){.b = b, .begin = &begin, .end = &end};
      create_recorder(&recorders[i]);
      buffers[i] = recorders[i].commands;
      if (pthread_create(&recorders[i].thread, NULL, record_frames, &recorders[i]))
         bench_die("pthread_create", 0);
   }
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = count, .pCommandBuffers = buffers};
   for (unsigned i = 0; i < FRAMES; i++) {
      const double start = bench_now(CLOCK_MONOTONIC);
      pthread_barrier_wait(&begin);
      pthread_barrier_wait(&end);
      record_ns[i] = bench_now(CLOCK_MONOTONIC) - start;
      VK(vkQueueSubmit(b->on.queue, 1, &submit, b->fence));
      VK(vkWaitForFences(b->on.device, 1, &b->fence, VK_TRUE, UINT64_MAX));
      frame_ns[i] = bench_now(CLOCK_MONOTONIC) - start;
      VK(vkResetFences(b->on.device, 1, &b->fence));
   }
   for (unsigned i = 0; i < count; i++) {
      pthread_join(recorders[i].thread, NULL);
      vkDestroyCommandPool(b->on.device, recorders[i].pool, NULL);
   }
   pthread_barrier_destroy(&begin);
   pthread_barrier_destroy(&end);
   printf("  {\"name\": \"%u thread%s\", \"record_ns\": %.0f, \"frame_ns\": %.0f}%s\n", count, count == 1 ? "" : "s",
          bench_median(record_ns, FRAMES), bench_median(frame_ns, FRAMES), count < MAX_THREADS ? "," : "");
}

static void run_threads(const struct bench *b)
{
   load_commands(b->on.device);
   for (unsigned count = 1; count <= MAX_THREADS; count *= 2)
      measure_threads(b, count);
}

void bench_threads(void)
{
   print_results(run_threads);
}

/* --- latency --- */

static void empty_submit(const struct bench *b)
{
   const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
   VK(vkQueueSubmit(b->on.queue, 1, &submit, b->fence));
}

static void wait_for_fence(const struct bench *b)
{
   empty_submit(b);
   VK(vkWaitForFences(b->on.device, 1, &b->fence, VK_TRUE, UINT64_MAX));
   VK(vkResetFences(b->on.device, 1, &b->fence));
}

static void wait_idle(const struct bench *b)
{
   empty_submit(b);
   VK(vkQueueWaitIdle(b->on.queue));
   VK(vkResetFences(b->on.device, 1, &b->fence));
}

static void fence_status(const struct bench *b)
{
   if (vkGetFenceStatus(b->on.device, b->fence) != VK_NOT_READY)
      bench_die("vkGetFenceStatus", 0);
}

static void format_properties(const struct bench *b)
{
   VkFormatProperties properties;
   vkGetPhysicalDeviceFormatProperties(b->on.gpu, VK_FORMAT_R8G8B8A8_UNORM, &properties);
   if (!properties.optimalTilingFeatures)
      bench_die("vkGetPhysicalDeviceFormatProperties", 0);
}

static void image_format_properties(const struct bench *b)
{
   VkImageFormatProperties properties;
   VK(vkGetPhysicalDeviceImageFormatProperties(b->on.gpu, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
                                               VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_SAMPLED_BIT, 0, &properties));
}

static void new_buffer(const struct bench *b)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096, .usage = VK_BUFFER_USAGE_VERTEX_BUFFER_BIT};
   VkMemoryRequirements requirements;
   VkBuffer buffer;
   VK(vkCreateBuffer(b->on.device, &info, NULL, &buffer));
   vkGetBufferMemoryRequirements(b->on.device, buffer, &requirements);
   vkDestroyBuffer(b->on.device, buffer, NULL);
}

static void new_image(const struct bench *b)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {64, 64, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
   };
   VkMemoryRequirements requirements;
   VkImage image;
   VK(vkCreateImage(b->on.device, &info, NULL, &image));
   vkGetImageMemoryRequirements(b->on.device, image, &requirements);
   vkDestroyImage(b->on.device, image, NULL);
}

static const struct {
   const char *name;
   void (*call)(const struct bench *b);
} latency_cases[] = {
   {"empty submit, vkWaitForFences", wait_for_fence},
   {"empty submit, vkQueueWaitIdle", wait_idle},
   {"vkGetFenceStatus", fence_status},
   {"vkGetPhysicalDeviceFormatProperties", format_properties},
   {"vkGetPhysicalDeviceImageFormatProperties", image_format_properties},
   {"buffer: create, ask for memory requirements, destroy", new_buffer},
   {"image: the same", new_image},
};
#define LATENCY_CASES (sizeof(latency_cases) / sizeof(latency_cases[0]))
#define LATENCY_RUNS 501

static void run_latency(const struct bench *b)
{
   for (unsigned i = 0; i < LATENCY_CASES; i++) {
      double times[LATENCY_RUNS];
      const double start = bench_now(CLOCK_MONOTONIC);
      latency_cases[i].call(b);
      const double first = bench_now(CLOCK_MONOTONIC) - start;
      for (unsigned k = 0; k < LATENCY_RUNS; k++) {
         const double begin = bench_now(CLOCK_MONOTONIC);
         latency_cases[i].call(b);
         times[k] = bench_now(CLOCK_MONOTONIC) - begin;
      }
      printf("  {\"name\": \"%s\", \"first_ns\": %.0f, \"ns\": %.0f}%s\n", latency_cases[i].name, first,
             bench_median(times, LATENCY_RUNS), i + 1 < LATENCY_CASES ? "," : "");
   }
}

void bench_latency(void)
{
   print_results(run_latency);
}
