/* SPDX-License-Identifier: MIT */

/* Eight threads of an application, each with a command pool of its own, on a worker that replays what they record by
 * several threads: everything comes out as it was recorded, whatever is reset, destroyed, updated and executed between
 * the recordings. Driver and worker are those of a machine with many cores. */

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "client/vp_entry.h"
#include "common/net/socket.h"
#include "common/util/cores.h"
#include "push.comp.h"
#include "tests/unit/session.h"

#define CORES 16
#define THREADS 8
#define FRAMES 20

/* Of the buffer each thread has a part, with what it fills itself, what is filled for it by the secondary command
 * buffer that another one executes, and two places that it writes to in turn with a shader. */
#define PART 32768u
#define FILLS 1600u /* more than a piece of the stream */
#define FILL 8u
#define SECONDARY 16384u
#define SECONDARY_FILLS 500u
#define SHADER 24576u
#define SHADER_SIZE 4096u
#define DISPATCHES 16u
#define WORDS 8u

static VkDevice device;
static VkQueue queue;
static VkBuffer buffer;
static const uint8_t *mapped;
static VkQueryPool queries;
static VkDescriptorPool descriptor_pool;
static VkDescriptorSetLayout set_layout;
static VkPipelineLayout pipeline_layout;
static VkPipeline pipeline;
static pthread_barrier_t between, recorded, complete;
static pid_t worker;

struct recorder {
   pthread_t thread;
   uint32_t index, frame;
   VkCommandPool pool;
   VkCommandBuffer primary, secondary;
   VkDescriptorSet set;
};

static struct recorder recorders[THREADS];

/* --- the worker --- */

static uint16_t start_worker(void)
{
   char error[VP_SOCKET_ERROR_SIZE], peer[64];
   uint16_t port = 0;
   const int listener = vp_socket_listen("127.0.0.1", 0, &port, error);

   if (!CHECK(listener >= 0))
      exit(1);
   fflush(NULL);
   worker = fork();
   if (worker == 0) {
      const struct vps_options options = {.mode = VPS_MODE_WORKER};
      int fd;
      session_use_driver();
      while ((fd = vp_socket_accept(listener, peer, sizeof(peer))) < 0)
         usleep(1000);
      close(listener);
      exit(run_worker_for_any_client(fd, options));
   }
   close(listener);
   return port;
}

static unsigned count_worker_threads(void)
{
   char path[64];
   unsigned count = 0;

   snprintf(path, sizeof(path), "/proc/%d/task", (int)worker);
   DIR *folder = opendir(path);
   while (folder && readdir(folder))
      count++;
   if (folder)
      closedir(folder);
   return count;
}

/* --- objects --- */

static uint32_t visible_type(VkPhysicalDevice gpu, uint32_t types)
{
   VkPhysicalDeviceMemoryProperties memory;

   vp_vkGetPhysicalDeviceMemoryProperties(gpu, &memory);
   for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
      if (types >> i & 1 && memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)
         return i;
   }
   return 0;
}

static bool create_device(VkInstance *instance, VkPhysicalDevice *gpu)
{
   const VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
   const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue_info};
   uint32_t one = 1;

   if (!CHECK(vp_vkCreateInstance(&info, NULL, instance) == VK_SUCCESS) ||
       !CHECK(vp_vkEnumeratePhysicalDevices(*instance, &one, gpu) >= 0 && one == 1) ||
       !CHECK(vp_vkCreateDevice(*gpu, &device_info, NULL, &device) == VK_SUCCESS))
      return false;
   vp_vkGetDeviceQueue(device, 0, 0, &queue);
   return true;
}

static VkDeviceMemory create_buffer(VkPhysicalDevice gpu)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = (VkDeviceSize)THREADS * PART,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
   };
   VkMemoryRequirements requirements;
   VkDeviceMemory memory = VK_NULL_HANDLE;
   void *data = NULL;

   CHECK(vp_vkCreateBuffer(device, &info, NULL, &buffer) == VK_SUCCESS);
   vp_vkGetBufferMemoryRequirements(device, buffer, &requirements);
   const VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .allocationSize = requirements.size,
                                            .memoryTypeIndex = visible_type(gpu, requirements.memoryTypeBits)};
   CHECK(vp_vkAllocateMemory(device, &allocation, NULL, &memory) == VK_SUCCESS);
   CHECK(vp_vkBindBufferMemory(device, buffer, memory, 0) == VK_SUCCESS);
   CHECK(vp_vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &data) == VK_SUCCESS);
   mapped = data;
   return memory;
}

static void create_pipeline(void)
{
   const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                 .descriptorCount = 1,
                                                 .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
   const VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = WORDS * 4};
   const VkShaderModuleCreateInfo module_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof(push_comp), .pCode = push_comp};
   VkShaderModule module = VK_NULL_HANDLE;

   CHECK(vp_vkCreateDescriptorSetLayout(device, &layout_info, NULL, &set_layout) == VK_SUCCESS);
   const VkPipelineLayoutCreateInfo pipeline_layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                            .setLayoutCount = 1,
                                                            .pSetLayouts = &set_layout,
                                                            .pushConstantRangeCount = 1,
                                                            .pPushConstantRanges = &range};
   CHECK(vp_vkCreatePipelineLayout(device, &pipeline_layout_info, NULL, &pipeline_layout) == VK_SUCCESS);
   CHECK(vp_vkCreateShaderModule(device, &module_info, NULL, &module) == VK_SUCCESS);
   const VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                             .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                       .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                       .module = module,
                                                       .pName = "main"},
                                             .layout = pipeline_layout};
   CHECK(vp_vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline) == VK_SUCCESS);
   vp_vkDestroyShaderModule(device, module, NULL);
}

static void create_pools(void)
{
   const VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = THREADS};
   const VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = THREADS,
                                            .poolSizeCount = 1,
                                            .pPoolSizes = &size};
   const VkQueryPoolCreateInfo query_info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = THREADS};

   CHECK(vp_vkCreateDescriptorPool(device, &info, NULL, &descriptor_pool) == VK_SUCCESS);
   CHECK(vp_vkCreateQueryPool(device, &query_info, NULL, &queries) == VK_SUCCESS);
   for (unsigned i = 0; i < THREADS; i++) {
      const VkDescriptorSetAllocateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                    .descriptorPool = descriptor_pool,
                                                    .descriptorSetCount = 1,
                                                    .pSetLayouts = &set_layout};
      recorders[i].index = i;
      CHECK(vp_vkAllocateDescriptorSets(device, &set_info, &recorders[i].set) == VK_SUCCESS);
   }
}

/* --- one thread --- */

static atomic_uint problems;

static void expect(bool ok)
{
   atomic_fetch_add(&problems, !ok);
}

static void allocate(struct recorder *self)
{
   VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = self->pool, .commandBufferCount = 1};

   expect(vp_vkAllocateCommandBuffers(device, &info, &self->primary) == VK_SUCCESS);
   info.level = VK_COMMAND_BUFFER_LEVEL_SECONDARY;
   expect(vp_vkAllocateCommandBuffers(device, &info, &self->secondary) == VK_SUCCESS);
}

static void create_pool(struct recorder *self)
{
   const VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};

   expect(vp_vkCreateCommandPool(device, &info, NULL, &self->pool) == VK_SUCCESS);
   allocate(self);
}

static void begin(VkCommandBuffer commands)
{
   const VkCommandBufferInheritanceInfo inheritance = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                          .pInheritanceInfo = &inheritance};

   expect(vp_vkBeginCommandBuffer(commands, &info) == VK_SUCCESS);
}

static uint32_t value_of(uint32_t frame, uint32_t index, uint32_t number)
{
   return frame << 24 ^ index << 16 ^ number;
}

static uint32_t shader_place(const struct recorder *self, uint32_t frame)
{
   return self->index * PART + SHADER + (frame + self->index) % 2 * SHADER_SIZE;
}

static void fill(const struct recorder *self, VkCommandBuffer commands, uint32_t start, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      vp_vkCmdFillBuffer(commands, buffer, self->index * PART + start + i * FILL, FILL,
                         value_of(self->frame, self->index, start + i));
}

static void dispatch(const struct recorder *self)
{
   vp_vkCmdBindPipeline(self->primary, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vp_vkCmdBindDescriptorSets(self->primary, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_layout, 0, 1, &self->set, 0,
                              NULL);
   for (uint32_t i = 0; i < DISPATCHES; i++) {
      const uint32_t words[WORDS] = {i, self->frame, self->index};
      vp_vkCmdPushConstants(self->primary, pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(words), words);
      vp_vkCmdDispatch(self->primary, 1, 1, 1);
   }
}

/* What was recorded before ends in one way or another. */
static void start_anew(struct recorder *self)
{
   const VkCommandBuffer both[] = {self->primary, self->secondary};

   switch ((self->frame + self->index) % 5) {
   case 0:
      vp_vkResetCommandPool(device, self->pool, 0);
      break;
   case 1:
      vp_vkResetCommandBuffer(self->primary, 0);
      break;
   case 2:
      vp_vkDestroyCommandPool(device, self->pool, NULL);
      create_pool(self);
      break;
   case 3:
      vp_vkFreeCommandBuffers(device, self->pool, 2, both);
      allocate(self);
      break;
   default: /* a recording that is given up */
      begin(self->primary);
      fill(self, self->primary, 0, FILLS);
      break;
   }
}

static void update_set(const struct recorder *self)
{
   const VkDescriptorBufferInfo info = {
      .buffer = buffer, .offset = shader_place(self, self->frame), .range = SHADER_SIZE};
   const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                       .dstSet = self->set,
                                       .descriptorCount = 1,
                                       .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                       .pBufferInfo = &info};

   vp_vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
}

static void record_secondary(const struct recorder *self)
{
   begin(self->secondary);
   fill(self, self->secondary, SECONDARY, SECONDARY_FILLS);
   expect(vp_vkEndCommandBuffer(self->secondary) == VK_SUCCESS);
}

static void record_primary(const struct recorder *self)
{
   const struct recorder *other = &recorders[(self->index + 1) % THREADS];

   begin(self->primary);
   vp_vkCmdResetQueryPool(self->primary, queries, self->index, 1);
   fill(self, self->primary, 0, FILLS / 2);
   if (self->frame % 2)
      vp_vkCmdExecuteCommands(self->primary, 1, &other->secondary);
   fill(self, self->primary, FILLS / 2 * FILL, FILLS / 2);
   dispatch(self);
   if (self->frame % 2 == 0)
      vp_vkCmdExecuteCommands(self->primary, 1, &other->secondary);
   vp_vkCmdWriteTimestamp(self->primary, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, self->index);
   expect(vp_vkEndCommandBuffer(self->primary) == VK_SUCCESS);
}

static void *record_frames(void *data)
{
   struct recorder *self = data;

   for (self->frame = 1; self->frame <= FRAMES; self->frame++) {
      start_anew(self);
      record_secondary(self);
      update_set(self);
      pthread_barrier_wait(&between);
      record_primary(self);
      pthread_barrier_wait(&recorded);
      pthread_barrier_wait(&complete);
   }
   return NULL;
}

/* --- what comes of it --- */

static bool is_filled(const struct recorder *self, uint32_t frame, uint32_t start, uint32_t count)
{
   for (uint32_t i = 0; i < count * FILL; i += 4) {
      const uint32_t found = vp_bytes_load_u32(mapped + (size_t)self->index * PART + start + i);
      if (found != value_of(frame, self->index, start + i / FILL))
         return false;
   }
   return true;
}

static bool is_dispatched(const struct recorder *self, uint32_t frame)
{
   for (uint32_t i = 0; i < DISPATCHES; i++) {
      const uint8_t *words = mapped + shader_place(self, frame) + (size_t)i * WORDS * 4;
      if (vp_bytes_load_u32(words) != i || vp_bytes_load_u32(words + 4) != frame ||
          vp_bytes_load_u32(words + 8) != self->index)
         return false;
   }
   return true;
}

static void check_frame(uint32_t frame)
{
   uint64_t times[THREADS] = {0};

   for (unsigned i = 0; i < THREADS; i++) {
      const struct recorder *self = &recorders[i];
      CHECK(is_filled(self, frame, 0, FILLS / 2) && is_filled(self, frame, FILLS / 2 * FILL, FILLS / 2));
      CHECK(is_filled(self, frame, SECONDARY, SECONDARY_FILLS));
      CHECK(is_dispatched(self, frame));
      CHECK(frame == 1 || is_dispatched(self, frame - 1));
   }
   CHECK(vp_vkGetQueryPoolResults(device, queries, 0, THREADS, sizeof(times), times, 8, VK_QUERY_RESULT_64_BIT) ==
         VK_SUCCESS);
}

static void submit(VkFence fence)
{
   VkCommandBuffer commands[THREADS];
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = THREADS, .pCommandBuffers = commands};

   for (unsigned i = 0; i < THREADS; i++)
      commands[i] = recorders[i].primary;
   CHECK(vp_vkQueueSubmit(queue, 1, &info, fence) == VK_SUCCESS);
   CHECK(vp_vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX) == VK_SUCCESS);
   CHECK(vp_vkResetFences(device, 1, &fence) == VK_SUCCESS);
}

static void run_frames(void)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence = VK_NULL_HANDLE;

   CHECK(vp_vkCreateFence(device, &info, NULL, &fence) == VK_SUCCESS);
   pthread_barrier_init(&between, NULL, THREADS);
   pthread_barrier_init(&recorded, NULL, THREADS + 1);
   pthread_barrier_init(&complete, NULL, THREADS + 1);
   for (unsigned i = 0; i < THREADS; i++) {
      create_pool(&recorders[i]);
      if (!CHECK(pthread_create(&recorders[i].thread, NULL, record_frames, &recorders[i]) == 0))
         exit(1);
   }
   for (uint32_t frame = 1; frame <= FRAMES; frame++) {
      pthread_barrier_wait(&recorded);
      submit(fence);
      check_frame(frame);
      pthread_barrier_wait(&complete);
   }
   for (unsigned i = 0; i < THREADS; i++) {
      pthread_join(recorders[i].thread, NULL);
      vp_vkDestroyCommandPool(device, recorders[i].pool, NULL);
   }
   vp_vkDestroyFence(device, fence, NULL);
   pthread_barrier_destroy(&between);
   pthread_barrier_destroy(&recorded);
   pthread_barrier_destroy(&complete);
}

int main(void)
{
   VkInstance instance = VK_NULL_HANDLE;
   VkPhysicalDevice gpu = VK_NULL_HANDLE;
   char address[64];
   int status = 0;

   vp_cores_assume(CORES);
   snprintf(address, sizeof(address), "127.0.0.1:%u", start_worker());
   setenv("VENUS_SERVER", address, 1);
   if (!create_device(&instance, &gpu))
      return check_finish();
   const VkDeviceMemory memory = create_buffer(gpu);
   create_pipeline();
   create_pools();
   CHECK(vp_vkDeviceWaitIdle(device) == VK_SUCCESS);
   const unsigned before = count_worker_threads();
   run_frames();
   CHECK(count_worker_threads() > before && atomic_load(&problems) == 0);
   vp_vkDestroyQueryPool(device, queries, NULL);
   vp_vkDestroyDescriptorPool(device, descriptor_pool, NULL);
   vp_vkDestroyPipeline(device, pipeline, NULL);
   vp_vkDestroyPipelineLayout(device, pipeline_layout, NULL);
   vp_vkDestroyDescriptorSetLayout(device, set_layout, NULL);
   vp_vkDestroyBuffer(device, buffer, NULL);
   vp_vkFreeMemory(device, memory, NULL);
   vp_vkDestroyDevice(device, NULL);
   vp_vkDestroyInstance(instance, NULL);
   CHECK(waitpid(worker, &status, 0) == worker && WIFEXITED(status) && WEXITSTATUS(status) == 0);
   return check_finish();
}
