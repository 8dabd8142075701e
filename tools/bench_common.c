/* SPDX-License-Identifier: MIT */

/* What the parts of venus-bench share. */

#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/bench.h"

void bench_die(const char *what, long result)
{
   fprintf(stderr, "venus-bench: %s failed: %ld\n", what, result);
   exit(1);
}

void bench_check(VkResult result, const char *what)
{
   if (result != VK_SUCCESS)
      bench_die(what, result);
}

double bench_now(clockid_t clock)
{
   struct timespec t;
   clock_gettime(clock, &t);
   return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
   const double x = *(const double *)a, y = *(const double *)b;
   return (x > y) - (x < y);
}

double bench_median(double *values, unsigned count)
{
   qsort(values, count, sizeof(*values), compare_doubles);
   return values[count / 2];
}

#define WARM_UPS 3
#define MAX_SAMPLES 1000

static double timed(const struct bench_operation *operation)
{
   if (operation->prepare)
      operation->prepare(operation->user);
   const double start = bench_now(CLOCK_MONOTONIC);
   operation->measure(operation->user);
   return bench_now(CLOCK_MONOTONIC) - start;
}

double bench_typical(const struct bench_operation *operation, double seconds)
{
   double samples[MAX_SAMPLES];
   unsigned warm = 0, count = 0;

   double end = bench_now(CLOCK_MONOTONIC) + seconds * 1e9;
   do
      timed(operation);
   while (++warm < WARM_UPS && bench_now(CLOCK_MONOTONIC) < end);
   end = bench_now(CLOCK_MONOTONIC) + seconds * 1e9;
   do
      samples[count++] = timed(operation);
   while (count < MAX_SAMPLES && bench_now(CLOCK_MONOTONIC) < end);
   return bench_median(samples, count);
}

static void add_traffic(int fd, struct bench_traffic *traffic)
{
   struct tcp_info info;
   socklen_t size = sizeof(info);

   if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
      return; /* something else than a connection */
   if (size < offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
      bench_die("counting bytes, which needs Linux 4.19,", (long)size);
   traffic->sent += info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
   traffic->received += info.tcpi_bytes_received;
}

struct bench_traffic bench_traffic(void)
{
   struct bench_traffic traffic = {0};
   DIR *files = opendir("/proc/self/fd");
   const struct dirent *entry;

   if (!files)
      bench_die("opening /proc/self/fd", 0);
   while ((entry = readdir(files)))
      add_traffic((int)strtol(entry->d_name, NULL, 10), &traffic);
   closedir(files);
   return traffic;
}

void bench_noise(uint32_t *to, size_t words, uint32_t seed)
{
   uint32_t state = 0x2545f491 + seed;

   for (size_t i = 0; i < words; i++) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      to[i] = state;
   }
}

uint32_t bench_hash(uint32_t value)
{
   value *= 2654435769u;
   value = (value ^ value >> 15) * 0x85ebca6bu;
   return value ^ value >> 13;
}

bool bench_run_row(const struct bench_row *rows, size_t count, const char *name, double seconds)
{
   for (size_t i = 0; i < count; i++) {
      if (strcmp(rows[i].name, name) == 0) {
         rows[i].run(seconds);
         return true;
      }
   }
   return false;
}

void bench_device_init(struct bench_device *device, void *features)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "venus-bench", .apiVersion = VK_API_VERSION_1_3};
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                               .pApplicationInfo = &application};
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   VkPhysicalDeviceVulkan13Features features_1_3 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, .pNext = features, .dynamicRendering = VK_TRUE};
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features_1_3,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue_info,
   };
   uint32_t count = 1;

   VK(vkCreateInstance(&instance_info, NULL, &device->instance));
   const VkResult result = vkEnumeratePhysicalDevices(device->instance, &count, &device->gpu);
   if (result < 0 || count == 0)
      bench_die("finding a GPU", result);
   vkGetPhysicalDeviceProperties(device->gpu, &device->properties);
   VK(vkCreateDevice(device->gpu, &device_info, NULL, &device->device));
   vkGetDeviceQueue(device->device, 0, 0, &device->queue);
}

void bench_device_finish(struct bench_device *device)
{
   vkDestroyDevice(device->device, NULL);
   vkDestroyInstance(device->instance, NULL);
}

uint32_t bench_memory_type(const struct bench_device *on, uint32_t bits, VkMemoryPropertyFlags needed,
                           VkMemoryPropertyFlags liked, VkMemoryPropertyFlags disliked)
{
   VkPhysicalDeviceMemoryProperties properties;
   uint32_t found = UINT32_MAX;

   vkGetPhysicalDeviceMemoryProperties(on->gpu, &properties);
   for (uint32_t i = 0; i < properties.memoryTypeCount; i++) {
      const VkMemoryPropertyFlags flags = properties.memoryTypes[i].propertyFlags;
      if (!(bits >> i & 1) || (flags & needed) != needed)
         continue;
      if ((flags & liked) == liked && !(flags & disliked))
         return i;
      if (found == UINT32_MAX)
         found = i;
   }
   if (found == UINT32_MAX)
      bench_die("finding a memory type", (long)needed);
   return found;
}

static void create_buffer(const struct bench_device *on, struct bench_buffer *buffer, size_t size,
                          VkBufferUsageFlags usage, VkMemoryPropertyFlags needed, VkMemoryPropertyFlags liked,
                          VkMemoryPropertyFlags disliked)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = usage};
   const VkMemoryAllocateFlagsInfo address = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                              .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
   VkMemoryRequirements requirements;
   VkMemoryAllocateInfo memory_info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT ? &address : NULL,
   };

   *buffer = (struct bench_buffer){0};
   VK(vkCreateBuffer(on->device, &info, NULL, &buffer->buffer));
   vkGetBufferMemoryRequirements(on->device, buffer->buffer, &requirements);
   memory_info.allocationSize = requirements.size;
   memory_info.memoryTypeIndex = bench_memory_type(on, requirements.memoryTypeBits, needed, liked, disliked);
   VK(vkAllocateMemory(on->device, &memory_info, NULL, &buffer->memory));
   VK(vkBindBufferMemory(on->device, buffer->buffer, buffer->memory, 0));
}

void bench_buffer_map(const struct bench_device *on, struct bench_buffer *buffer)
{
   void *data;
   VK(vkMapMemory(on->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &data));
   buffer->data = data;
}

void bench_buffer_unmap(const struct bench_device *on, struct bench_buffer *buffer)
{
   vkUnmapMemory(on->device, buffer->memory);
   buffer->data = NULL;
}

void bench_buffer_init_host(const struct bench_device *on, struct bench_buffer *buffer, size_t size,
                            VkBufferUsageFlags usage, VkMemoryPropertyFlags liked)
{
   create_buffer(on, buffer, size, usage, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                 liked, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
   bench_buffer_map(on, buffer);
}

void bench_buffer_init_gpu(const struct bench_device *on, struct bench_buffer *buffer, size_t size,
                           VkBufferUsageFlags usage)
{
   create_buffer(on, buffer, size, usage, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
}

void bench_buffer_finish(const struct bench_device *on, struct bench_buffer *buffer)
{
   vkDestroyBuffer(on->device, buffer->buffer, NULL);
   vkFreeMemory(on->device, buffer->memory, NULL);
}

VkCommandPool bench_slots_init(const struct bench_device *on, struct bench_slot *slots, unsigned count)
{
   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
   };
   VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
   const VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

   VK(vkCreateCommandPool(on->device, &pool_info, NULL, &info.commandPool));
   for (unsigned i = 0; i < count; i++) {
      slots[i] = (struct bench_slot){0};
      VK(vkAllocateCommandBuffers(on->device, &info, &slots[i].commands));
      VK(vkCreateFence(on->device, &fence_info, NULL, &slots[i].fence));
   }
   return info.commandPool;
}

void bench_slots_finish(const struct bench_device *on, VkCommandPool pool, struct bench_slot *slots, unsigned count)
{
   for (unsigned i = 0; i < count; i++)
      vkDestroyFence(on->device, slots[i].fence, NULL);
   vkDestroyCommandPool(on->device, pool, NULL);
}

static void barrier(const struct bench_slot *slot, VkPipelineStageFlags to, VkAccessFlags access)
{
   const VkMemoryBarrier memory = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = access,
   };
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, to, 0, 1, &memory, 0, NULL, 0, NULL);
}

void bench_begin(const struct bench_slot *slot)
{
   const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VK(vkBeginCommandBuffer(slot->commands, &info));
   barrier(slot, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT);
}

void bench_end(const struct bench_slot *slot)
{
   barrier(slot, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
   VK(vkEndCommandBuffer(slot->commands));
}

void bench_submit(const struct bench_device *on, struct bench_slot *slot)
{
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &slot->commands};
   VK(vkQueueSubmit(on->queue, 1, &info, slot->fence));
   slot->submitted = true;
}

void bench_wait(const struct bench_device *on, struct bench_slot *slot)
{
   if (!slot->submitted)
      return;
   VK(vkWaitForFences(on->device, 1, &slot->fence, VK_TRUE, UINT64_MAX));
   VK(vkResetFences(on->device, 1, &slot->fence));
   slot->submitted = false;
}

void bench_submit_and_wait(const struct bench_device *on, struct bench_slot *slot)
{
   bench_submit(on, slot);
   bench_wait(on, slot);
}

void bench_record_copy(const struct bench_slot *slot, const struct bench_buffer *from, const struct bench_buffer *to,
                       size_t offset, size_t size)
{
   const VkBufferCopy region = {offset, offset, size};

   bench_begin(slot);
   vkCmdCopyBuffer(slot->commands, from->buffer, to->buffer, 1, &region);
   bench_end(slot);
}

VkShaderModule bench_shader(const struct bench_device *on, const uint32_t *words, size_t size)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = words};
   VkShaderModule module;
   VK(vkCreateShaderModule(on->device, &info, NULL, &module));
   return module;
}
