/* SPDX-License-Identifier: MIT */

/* A Vulkan layer that makes a driver refuse things, natively or under the server.
 *
 * VP_MEMORY_LIMIT: so many KiB can be had in all. Allocations take their size of it, other objects OBJECT_SIZE each;
 * what does not fit is refused for want of memory.
 *
 * VP_ALLOCATION_US: each allocation of memory takes so many microseconds at least.
 *
 * Objects with a mark (see scarce_marks.h) are always refused. One instance and one device at a time. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/layers/layer.h"
#include "tests/e2e/layers/scarce_marks.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL scarce_get_instance_proc_addr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL scarce_get_device_proc_addr(VkDevice device, const char *name);

#define OBJECT_SIZE 4096
#define MAX_MEMORIES 8192

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;

/* --- what there is --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t used;
static struct {
   VkDeviceMemory handle;
   VkDeviceSize size;
} memories[MAX_MEMORIES];

static bool take(uint64_t size)
{
   const char *limit = getenv("VP_MEMORY_LIMIT");
   pthread_mutex_lock(&lock);
   const bool ok =
      !limit || (size <= strtoull(limit, NULL, 10) << 10 && used <= (strtoull(limit, NULL, 10) << 10) - size);
   if (ok)
      used += size;
   pthread_mutex_unlock(&lock);
   return ok;
}

static void give(uint64_t size)
{
   pthread_mutex_lock(&lock);
   used -= size;
   pthread_mutex_unlock(&lock);
}

/* Replaces one entry of the table by another; returns the size of the old one. */
static VkDeviceSize replace(VkDeviceMemory old, VkDeviceMemory handle, VkDeviceSize size)
{
   VkDeviceSize before = 0;
   pthread_mutex_lock(&lock);
   for (unsigned i = 0; i < MAX_MEMORIES; i++) {
      if (memories[i].handle != old)
         continue;
      before = memories[i].size;
      memories[i].handle = handle;
      memories[i].size = size;
      break;
   }
   pthread_mutex_unlock(&lock);
   return before;
}

static VkDeviceSize size_of(VkDeviceMemory handle)
{
   VkDeviceSize size = 0;
   pthread_mutex_lock(&lock);
   for (unsigned i = 0; i < MAX_MEMORIES && !size; i++) {
      if (memories[i].handle == handle)
         size = memories[i].size;
   }
   pthread_mutex_unlock(&lock);
   return size;
}

/* --- objects --- */

#define OBJECT(NAME, MARKED)                                                                                     \
   static PFN_vkCreate##NAME next_create_##NAME;                                                                 \
   static PFN_vkDestroy##NAME next_destroy_##NAME;                                                               \
   static VKAPI_ATTR VkResult VKAPI_CALL create_##NAME(VkDevice device, const Vk##NAME##CreateInfo *info,        \
                                                       const VkAllocationCallbacks *allocator, Vk##NAME *object) \
   {                                                                                                             \
      if (MARKED)                                                                                                \
         return MARK_RESULT;                                                                                     \
      if (!take(OBJECT_SIZE))                                                                                    \
         return VK_ERROR_OUT_OF_HOST_MEMORY;                                                                     \
      const VkResult result = next_create_##NAME(device, info, allocator, object);                               \
      if (result < 0)                                                                                            \
         give(OBJECT_SIZE);                                                                                      \
      return result;                                                                                             \
   }                                                                                                             \
   static VKAPI_ATTR void VKAPI_CALL destroy_##NAME(VkDevice device, Vk##NAME object,                            \
                                                    const VkAllocationCallbacks *allocator)                      \
   {                                                                                                             \
      if (object)                                                                                                \
         give(OBJECT_SIZE);                                                                                      \
      next_destroy_##NAME(device, object, allocator);                                                            \
   }

static bool is_marked(const void *chain)
{
   for (const VkBaseInStructure *node = chain; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO)
         return ((const VkSemaphoreTypeCreateInfo *)node)->initialValue == MARK;
   }
   return false;
}

OBJECT(Buffer, info->size == MARK)
OBJECT(BufferView, false)
OBJECT(Image, info->extent.width == MARK)
OBJECT(ImageView, false)
OBJECT(Sampler, info->minLod == MARK)
OBJECT(Semaphore, is_marked(info->pNext))
OBJECT(Event, false)
OBJECT(QueryPool, info->queryCount == MARK)
OBJECT(DescriptorPool, info->maxSets == MARK)
OBJECT(DescriptorSetLayout, false)
OBJECT(PipelineLayout, false)
OBJECT(PipelineCache, false)
OBJECT(CommandPool, info->flags &VK_COMMAND_POOL_CREATE_TRANSIENT_BIT)
OBJECT(ShaderModule, info->pCode[2] == MARK)
OBJECT(RenderPass, false)
OBJECT(Framebuffer, info->width == MARK)

#define PIPELINES(NAME)                                                                                               \
   static PFN_vkCreate##NAME##Pipelines next_create_##NAME;                                                           \
   static VKAPI_ATTR VkResult VKAPI_CALL create_##NAME(VkDevice device, VkPipelineCache cache, uint32_t count,        \
                                                       const Vk##NAME##PipelineCreateInfo *infos,                     \
                                                       const VkAllocationCallbacks *allocator, VkPipeline *pipelines) \
   {                                                                                                                  \
      bool marked = false;                                                                                            \
      for (uint32_t i = 0; i < count; i++) {                                                                          \
         marked = marked || (infos[i].flags & VK_PIPELINE_CREATE_DISABLE_OPTIMIZATION_BIT);                           \
         pipelines[i] = VK_NULL_HANDLE;                                                                               \
      }                                                                                                               \
      if (marked)                                                                                                     \
         return MARK_RESULT;                                                                                          \
      if (!take(OBJECT_SIZE)) /* only while it is created */                                                          \
         return VK_ERROR_OUT_OF_HOST_MEMORY;                                                                          \
      give(OBJECT_SIZE);                                                                                              \
      return next_create_##NAME(device, cache, count, infos, allocator, pipelines);                                   \
   }

PIPELINES(Compute)
PIPELINES(Graphics)

/* --- memory --- */

static PFN_vkAllocateMemory next_allocate;
static PFN_vkFreeMemory next_free;
static PFN_vkMapMemory next_map;
static PFN_vkBindBufferMemory next_bind;
static PFN_vkBindBufferMemory2 next_bind2;

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
   const char *time_us = getenv("VP_ALLOCATION_US");
   if (time_us)
      usleep((useconds_t)strtoul(time_us, NULL, 10));
   if (info->allocationSize == MARK_ALLOCATE)
      return MARK_RESULT;
   if (!take(info->allocationSize))
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   const VkResult result = next_allocate(device, info, allocator, memory);
   if (result < 0)
      give(info->allocationSize);
   else
      replace(VK_NULL_HANDLE, *memory, info->allocationSize);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory memory,
                                              const VkAllocationCallbacks *allocator)
{
   if (memory)
      give(replace(memory, VK_NULL_HANDLE, 0));
   next_free(device, memory, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset,
                                          VkDeviceSize size, VkMemoryMapFlags flags, void **data)
{
   return size_of(memory) == MARK_MAP ? VK_ERROR_MEMORY_MAP_FAILED
                                      : next_map(device, memory, offset, size, flags, data);
}

static VKAPI_ATTR VkResult VKAPI_CALL bind(VkDevice device, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
   return size_of(memory) == MARK_BIND ? VK_ERROR_OUT_OF_DEVICE_MEMORY : next_bind(device, buffer, memory, offset);
}

static VKAPI_ATTR VkResult VKAPI_CALL bind2(VkDevice device, uint32_t count, const VkBindBufferMemoryInfo *infos)
{
   for (uint32_t i = 0; i < count; i++) {
      if (size_of(infos[i].memory) == MARK_BIND)
         return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   }
   return next_bind2(device, count, infos);
}

/* --- instance and device --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   return layer_create_instance(info, allocator, instance, &next_instance);
}

/* Where each function of ours is called from, and where it goes on. */
#define OBJECT_ROWS(NAME)                                                                                       \
   {"vkCreate" #NAME, (PFN_vkVoidFunction)create_##NAME, (PFN_vkVoidFunction *)(void *)&next_create_##NAME},    \
   {                                                                                                            \
      "vkDestroy" #NAME, (PFN_vkVoidFunction)destroy_##NAME, (PFN_vkVoidFunction *)(void *)&next_destroy_##NAME \
   }
#define ROW(NAME, OWN, NEXT)                                                 \
   {                                                                         \
      NAME, (PFN_vkVoidFunction)(OWN), (PFN_vkVoidFunction *)(void *)&(NEXT) \
   }
static const struct {
   const char *name;
   PFN_vkVoidFunction own, *next;
} functions[] = {
   OBJECT_ROWS(Buffer),
   OBJECT_ROWS(BufferView),
   OBJECT_ROWS(Image),
   OBJECT_ROWS(ImageView),
   OBJECT_ROWS(Sampler),
   OBJECT_ROWS(Semaphore),
   OBJECT_ROWS(Event),
   OBJECT_ROWS(QueryPool),
   OBJECT_ROWS(DescriptorPool),
   OBJECT_ROWS(DescriptorSetLayout),
   OBJECT_ROWS(PipelineLayout),
   OBJECT_ROWS(PipelineCache),
   OBJECT_ROWS(CommandPool),
   OBJECT_ROWS(ShaderModule),
   OBJECT_ROWS(RenderPass),
   OBJECT_ROWS(Framebuffer),
   ROW("vkCreateComputePipelines", create_Compute, next_create_Compute),
   ROW("vkCreateGraphicsPipelines", create_Graphics, next_create_Graphics),
   ROW("vkAllocateMemory", allocate, next_allocate),
   ROW("vkFreeMemory", free_memory, next_free),
   ROW("vkMapMemory", map, next_map),
   ROW("vkBindBufferMemory", bind, next_bind),
   ROW("vkBindBufferMemory2", bind2, next_bind2),
};

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   const VkResult result = layer_create_device(gpu, info, allocator, device, &next_device);
   for (unsigned i = 0; result == VK_SUCCESS && i < sizeof(functions) / sizeof(*functions); i++)
      *functions[i].next = next_device(*device, functions[i].name);
   return result;
}

static PFN_vkVoidFunction find(const char *name)
{
   if (!strcmp(name, "vkGetInstanceProcAddr"))
      return (PFN_vkVoidFunction)scarce_get_instance_proc_addr;
   if (!strcmp(name, "vkGetDeviceProcAddr"))
      return (PFN_vkVoidFunction)scarce_get_device_proc_addr;
   if (!strcmp(name, "vkCreateInstance"))
      return (PFN_vkVoidFunction)create_instance;
   if (!strcmp(name, "vkCreateDevice"))
      return (PFN_vkVoidFunction)create_device;
   for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (!strcmp(functions[i].name, name))
         return functions[i].own;
   }
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL scarce_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL scarce_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
