/* SPDX-License-Identifier: MIT */

/* A Vulkan layer for tests of programs without a window, and of tools that play their calls again. Whenever the program
 * has waited for the GPU, and before it unmaps or frees memory, the layer looks at all memory that is mapped, and
 * writes a line to VP_READBACK_FILE for each whose bytes have changed: the how manieth memory it is, how long, and a
 * hash. Two runs that do the same write the same. One instance, and one device at a time. */

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/layers/layer.h"

#define EXPORTED __attribute__((visibility("default")))
#define MOST_MEMORIES 1024

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL readback_get_instance_proc_addr(VkInstance instance,
                                                                                  const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL readback_get_device_proc_addr(VkDevice device, const char *name);

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static PFN_vkAllocateMemory next_allocate;
static PFN_vkFreeMemory next_free;
static PFN_vkMapMemory next_map;
static PFN_vkUnmapMemory next_unmap;
static PFN_vkWaitForFences next_wait;
static PFN_vkWaitSemaphores next_wait_semaphores;
static PFN_vkQueueWaitIdle next_queue_idle;
static PFN_vkDeviceWaitIdle next_device_idle;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned made;
static struct memory {
   VkDeviceMemory handle; // null: not used
   unsigned number;
   VkDeviceSize size, length; // length of what is mapped
   const unsigned char *data; // NULL: not mapped
   uint64_t said;
} memories[MOST_MEMORIES];

/* --- what is said of memory --- */

static uint64_t hash_of(const unsigned char *data, size_t size)
{
   uint64_t hash = UINT64_C(0xcbf29ce484222325), word = 0;
   for (size_t i = 0; i < size; i += sizeof(word)) {
      memcpy(&word, data + i, size - i < sizeof(word) ? size - i : sizeof(word));
      hash = (hash ^ word) * UINT64_C(0x100000001b3);
      hash ^= hash >> 32;
   }
   return hash;
}

/* With the lock held. */
static void say(struct memory *memory, bool last)
{
   const char *name = getenv("VP_READBACK_FILE");
   if (!name || !memory->data)
      return;
   const uint64_t hash = hash_of(memory->data, (size_t)memory->length);
   FILE *file = last || hash != memory->said ? fopen(name, "a") : NULL;
   memory->said = hash;
   if (!file)
      return;
   fprintf(file, "%smemory %u: %" PRIu64 " bytes, %016" PRIx64 "\n", last ? "last of " : "", memory->number,
           (uint64_t)memory->length, hash);
   fclose(file);
}

static VkResult say_all(VkResult result)
{
   if (result != VK_SUCCESS)
      return result;
   pthread_mutex_lock(&lock);
   for (unsigned i = 0; i < MOST_MEMORIES; i++) {
      if (memories[i].handle)
         say(&memories[i], false);
   }
   pthread_mutex_unlock(&lock);
   return result;
}

/* With the lock held; NULL: there is none. */
static struct memory *find_memory(VkDeviceMemory handle)
{
   for (unsigned i = 0; i < MOST_MEMORIES; i++) {
      if (memories[i].handle == handle)
         return &memories[i];
   }
   return NULL;
}

/* --- memory --- */

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
   const VkResult result = next_allocate(device, info, allocator, memory);
   if (result != VK_SUCCESS)
      return result;
   pthread_mutex_lock(&lock);
   struct memory *free_one = find_memory(VK_NULL_HANDLE);
   if (free_one)
      *free_one = (struct memory){.handle = *memory, .number = made, .size = info->allocationSize};
   made++;
   pthread_mutex_unlock(&lock);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory handle,
                                              const VkAllocationCallbacks *allocator)
{
   pthread_mutex_lock(&lock);
   struct memory *memory = handle ? find_memory(handle) : NULL;
   if (memory) {
      say(memory, true);
      memory->handle = VK_NULL_HANDLE;
   }
   pthread_mutex_unlock(&lock);
   next_free(device, handle, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice device, VkDeviceMemory handle, VkDeviceSize offset,
                                          VkDeviceSize size, VkMemoryMapFlags flags, void **data)
{
   const VkResult result = next_map(device, handle, offset, size, flags, data);
   if (result != VK_SUCCESS)
      return result;
   pthread_mutex_lock(&lock);
   struct memory *memory = find_memory(handle);
   if (memory) {
      memory->data = *data;
      memory->length = size == VK_WHOLE_SIZE ? memory->size - offset : size;
   }
   pthread_mutex_unlock(&lock);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL unmap(VkDevice device, VkDeviceMemory handle)
{
   pthread_mutex_lock(&lock);
   struct memory *memory = find_memory(handle);
   if (memory) {
      say(memory, true);
      memory->data = NULL;
   }
   pthread_mutex_unlock(&lock);
   next_unmap(device, handle);
}

/* --- waits --- */

static VKAPI_ATTR VkResult VKAPI_CALL wait_fences(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                                                  uint64_t timeout)
{
   return say_all(next_wait(device, count, fences, all, timeout));
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo *info,
                                                      uint64_t timeout)
{
   return say_all(next_wait_semaphores(device, info, timeout));
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_idle(VkQueue queue)
{
   return say_all(next_queue_idle(queue));
}

static VKAPI_ATTR VkResult VKAPI_CALL device_idle(VkDevice device)
{
   return say_all(next_device_idle(device));
}

/* --- instance and device --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   return layer_create_instance(info, allocator, instance, &next_instance);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   const VkResult result = layer_create_device(gpu, info, allocator, device, &next_device);
   if (result != VK_SUCCESS)
      return result;
   next_allocate = (PFN_vkAllocateMemory)next_device(*device, "vkAllocateMemory");
   next_free = (PFN_vkFreeMemory)next_device(*device, "vkFreeMemory");
   next_map = (PFN_vkMapMemory)next_device(*device, "vkMapMemory");
   next_unmap = (PFN_vkUnmapMemory)next_device(*device, "vkUnmapMemory");
   next_wait = (PFN_vkWaitForFences)next_device(*device, "vkWaitForFences");
   next_wait_semaphores = (PFN_vkWaitSemaphores)next_device(*device, "vkWaitSemaphores");
   if (!next_wait_semaphores)
      next_wait_semaphores = (PFN_vkWaitSemaphores)next_device(*device, "vkWaitSemaphoresKHR");
   next_queue_idle = (PFN_vkQueueWaitIdle)next_device(*device, "vkQueueWaitIdle");
   next_device_idle = (PFN_vkDeviceWaitIdle)next_device(*device, "vkDeviceWaitIdle");
   return result;
}

static PFN_vkVoidFunction find(const char *name)
{
   static const struct {
      const char *name;
      PFN_vkVoidFunction function;
   } functions[] = {
      {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)readback_get_instance_proc_addr},
      {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)readback_get_device_proc_addr},
      {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
      {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
      {"vkAllocateMemory", (PFN_vkVoidFunction)allocate},
      {"vkFreeMemory", (PFN_vkVoidFunction)free_memory},
      {"vkMapMemory", (PFN_vkVoidFunction)map},
      {"vkUnmapMemory", (PFN_vkVoidFunction)unmap},
      {"vkWaitForFences", (PFN_vkVoidFunction)wait_fences},
      {"vkWaitSemaphores", (PFN_vkVoidFunction)wait_semaphores},
      {"vkWaitSemaphoresKHR", (PFN_vkVoidFunction)wait_semaphores},
      {"vkQueueWaitIdle", (PFN_vkVoidFunction)queue_idle},
      {"vkDeviceWaitIdle", (PFN_vkVoidFunction)device_idle},
   };
   for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (!strcmp(functions[i].name, name))
         return functions[i].function;
   }
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL readback_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL readback_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
