/* SPDX-License-Identifier: MIT */
#ifndef VP_FUZZ_NULL_VULKAN_H
#define VP_FUZZ_NULL_VULKAN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client/link/object.h"
#include "client/vp_client_calls.h"
#include "common/wire/encoder.h"
#include "server/session/questions.h"

/* A Vulkan driver without a GPU. Handles point to objects that are allocated and freed as the application creates and
 * destroys them; every function writes its arguments down with the client's encoder, so that the address sanitizer
 * sees a wrong count, a stale handle or a dangling pointer in anything that the caller gives. What is left of a device
 * when it is destroyed is a leak, and ends the program. Most functions are generated (vp_null_driver.h). */

#define NULL_LIMIT ((uint64_t)1 << 20) /* no memory is larger */
#define NULL_TYPES 3                   /* of memory: device-local, coherent, cached */

struct null_object {
   struct vp_object base; /* first: the encoder reads its id */
   struct null_object *parent, *children, *next, **link;
   bool pooled;    /* ends with its parent */
   uint64_t value; /* of a semaphore; size of a memory */
   void *mapped;
};

static struct {
   pthread_mutex_t lock;
   pthread_cond_t signalled;
   struct vp_encoder enc;
   uint64_t random; /* 0: nothing fails */
   bool unified;    /* memory of the first type can be mapped, too */
   uint64_t next_id;
   uint64_t calls; /* of functions that do something */
} null_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .signalled = PTHREAD_COND_INITIALIZER};

/* --- for the generated functions --- */

static inline struct vp_encoder *null_enter(void)
{
   pthread_mutex_lock(&null_state.lock);
   null_state.calls++;
   vp_encoder_reset(&null_state.enc);
   return &null_state.enc;
}

static inline void null_leave(void)
{
   pthread_mutex_unlock(&null_state.lock);
}

static inline uint64_t null_value(void)
{
   null_state.random ^= null_state.random << 13;
   null_state.random ^= null_state.random >> 7;
   null_state.random ^= null_state.random << 17;
   return null_state.random;
}

static inline VkResult null_result(void)
{
   static const VkResult errors[] = {VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_DEVICE_LOST,
                                     VK_ERROR_INITIALIZATION_FAILED};
   const uint64_t value = null_value();
   return value && value % 16 == 0 ? errors[value / 16 % 4] : VK_SUCCESS;
}

static inline uint32_t null_count(uint64_t room)
{
   const uint32_t count = 1 + (uint32_t)(null_value() % 3);
   return room < count ? (uint32_t)room : count;
}

/* Writes to an output of plain values. */
static inline void null_fill(void *memory, uint64_t count, size_t size)
{
   if (count)
      memset(memory, 0x5a, count * size);
}

/* Makes sure that an output of structs is there, and leaves it as it is. */
static inline void null_touch(void *memory, uint64_t count, size_t size)
{
   volatile uint8_t *bytes = memory;
   for (uint64_t i = 0; i < count; i++) {
      bytes[i * size] = bytes[i * size];
      bytes[(i + 1) * size - 1] = bytes[(i + 1) * size - 1];
   }
}

static inline struct null_object *null_object(uint64_t handle)
{
   return (struct null_object *)(uintptr_t)handle;
}

/* A new handle; after an error something that must not be used. */
static inline uint64_t null_object_create(uint64_t parent, VkObjectType type, bool pooled, VkResult result)
{
   if (result < 0)
      return pooled || type == VK_OBJECT_TYPE_PIPELINE ? 0 : 0xdead;
   struct null_object *object = calloc(1, sizeof(*object));
   if (!object)
      abort();
   object->base.type = type;
   object->base.id = ++null_state.next_id;
   object->pooled = pooled;
   object->parent = null_object(parent);
   if (object->parent) {
      object->link = &object->parent->children;
      object->next = *object->link;
      if (object->next)
         object->next->link = &object->next;
      *object->link = object;
   }
   return (uint64_t)(uintptr_t)object;
}

static inline void null_object_destroy(uint64_t handle);

static inline void null_object_clear(struct null_object *object)
{
   while (object->children) {
      if (!object->children->pooled) {
         fprintf(stderr, "an object of type %d is left when its parent of type %d is destroyed\n",
                 object->children->base.type, object->base.type);
         abort();
      }
      null_object_destroy((uint64_t)(uintptr_t)object->children);
   }
}

/* The depth is that of Vulkan's objects. */
static inline void null_object_destroy(uint64_t handle)
{
   struct null_object *object = null_object(handle);
   if (!object)
      return;
   null_object_clear(object);
   if (object->link) {
      *object->link = object->next;
      if (object->next)
         object->next->link = object->link;
   }
   free(object->mapped);
   free(object);
}

struct null_function { /* in the order of their names */
   const char *name;
   PFN_vkVoidFunction function;
};

/* --- instance and physical device --- */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkCreateInstance(const VkInstanceCreateInfo *info,
                                                            const VkAllocationCallbacks *allocator,
                                                            VkInstance *instance)
{
   const struct vp_cmd_vkCreateInstance a = {.pCreateInfo = info};
   (void)allocator;
   vp_request_vkCreateInstance(null_enter(), 0, &a);
   const VkResult result = null_result();
   const uint64_t handle = null_object_create(0, VK_OBJECT_TYPE_INSTANCE, false, result);
   if (result >= 0)
      null_object_create(handle, VK_OBJECT_TYPE_PHYSICAL_DEVICE, true, result);
   *instance = (VkInstance)(uintptr_t)handle;
   null_leave();
   return result;
}

static VKAPI_ATTR void VKAPI_CALL null_vkDestroyInstance(VkInstance instance, const VkAllocationCallbacks *allocator)
{
   (void)allocator;
   null_enter();
   null_object_destroy((uint64_t)(uintptr_t)instance);
   null_leave();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkEnumerateInstanceExtensionProperties(const char *layer, uint32_t *count,
                                                                                  VkExtensionProperties *properties)
{
   (void)layer;
   (void)properties;
   *count = 0;
   return VK_SUCCESS;
}

/* All that a GPU can be asked about. */
static VKAPI_ATTR VkResult VKAPI_CALL null_vkEnumerateDeviceExtensionProperties(VkPhysicalDevice device,
                                                                                const char *layer, uint32_t *count,
                                                                                VkExtensionProperties *properties)
{
   uint32_t known = 0;

   (void)device;
   (void)layer;
   for (size_t i = 0; i < vps_question_count; i++) {
      for (const char *const *name = vps_questions[i].extensions; *name; name++, known++) {
         if (properties && known < *count)
            snprintf(properties[known].extensionName, VK_MAX_EXTENSION_NAME_SIZE, "%s", *name);
      }
   }
   *count = properties && *count < known ? *count : known;
   return VK_SUCCESS;
}

/* The one GPU is made with the instance. */
static VkPhysicalDevice null_gpu(VkInstance instance)
{
   struct null_object *object = null_object((uint64_t)(uintptr_t)instance)->children;
   while (object->base.type != VK_OBJECT_TYPE_PHYSICAL_DEVICE)
      object = object->next;
   return (VkPhysicalDevice)(uintptr_t)object;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkEnumeratePhysicalDevices(VkInstance instance, uint32_t *count,
                                                                      VkPhysicalDevice *devices)
{
   null_enter();
   const VkResult result = null_result();
   if (result >= 0 && devices && *count)
      devices[0] = null_gpu(instance);
   if (result >= 0)
      *count = 1;
   null_leave();
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkEnumeratePhysicalDeviceGroups(VkInstance instance, uint32_t *count,
                                                                           VkPhysicalDeviceGroupProperties *groups)
{
   null_enter();
   const VkResult result = null_result();
   if (result >= 0 && groups && *count) {
      groups[0].physicalDeviceCount = 1;
      groups[0].physicalDevices[0] = null_gpu(instance);
   }
   if (result >= 0)
      *count = 1;
   null_leave();
   return result;
}

static VKAPI_ATTR void VKAPI_CALL null_vkGetPhysicalDeviceProperties(VkPhysicalDevice device,
                                                                     VkPhysicalDeviceProperties *properties)
{
   (void)device;
   *properties = (VkPhysicalDeviceProperties){
      .apiVersion = VK_API_VERSION_1_3,
      .deviceName = "Null",
      .limits =
         {
            .maxMemoryAllocationCount = 4096,
            .maxBoundDescriptorSets = 32,
            .maxPushConstantsSize = 256,
            .maxVertexInputAttributes = 32,
            .maxVertexInputBindings = 32,
            .maxColorAttachments = 8,
            .maxViewports = 16,
            .nonCoherentAtomSize = 64,
         },
   };
}

static void null_fill_descriptor_limits(VkPhysicalDeviceDescriptorBufferPropertiesEXT *properties)
{
   properties->maxDescriptorBufferBindings = 4;
   properties->storageBufferDescriptorSize = 64;
}

/* Of commands that the GPU makes. */
static void null_fill_generated_limits(VkBaseOutStructure *node)
{
   if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_PROPERTIES_NV) {
      VkPhysicalDeviceDeviceGeneratedCommandsPropertiesNV *nv = (void *)node;
      nv->maxIndirectSequenceCount = 1024;
      nv->maxIndirectCommandsTokenCount = nv->maxIndirectCommandsStreamCount = 4;
      nv->maxIndirectCommandsTokenOffset = nv->maxIndirectCommandsStreamStride = 256;
   }
#ifdef VK_EXT_device_generated_commands
   if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DEVICE_GENERATED_COMMANDS_PROPERTIES_EXT) {
      VkPhysicalDeviceDeviceGeneratedCommandsPropertiesEXT *ext = (void *)node;
      ext->maxIndirectSequenceCount = 1024;
      ext->maxIndirectPipelineCount = ext->maxIndirectShaderObjectCount = 16;
      ext->maxIndirectCommandsTokenCount = 4;
      ext->maxIndirectCommandsTokenOffset = ext->maxIndirectCommandsIndirectStride = 256;
   }
#endif
}

static VKAPI_ATTR void VKAPI_CALL null_vkGetPhysicalDeviceProperties2(VkPhysicalDevice device,
                                                                      VkPhysicalDeviceProperties2 *properties)
{
   null_vkGetPhysicalDeviceProperties(device, &properties->properties);
   for (VkBaseOutStructure *node = properties->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_PROPERTIES_EXT)
         ((VkPhysicalDeviceTransformFeedbackPropertiesEXT *)(void *)node)->maxTransformFeedbackBuffers = 4;
      else if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DISCARD_RECTANGLE_PROPERTIES_EXT)
         ((VkPhysicalDeviceDiscardRectanglePropertiesEXT *)(void *)node)->maxDiscardRectangles = 4;
      else if (node->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT)
         null_fill_descriptor_limits((VkPhysicalDeviceDescriptorBufferPropertiesEXT *)(void *)node);
      else
         null_fill_generated_limits(node);
   }
}

static VKAPI_ATTR void VKAPI_CALL null_vkGetPhysicalDeviceMemoryProperties(VkPhysicalDevice device,
                                                                           VkPhysicalDeviceMemoryProperties *properties)
{
   (void)device;
   *properties = (VkPhysicalDeviceMemoryProperties){
      .memoryTypeCount = NULL_TYPES,
      .memoryTypes =
         {
            {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0},
            {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0},
            {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, 0},
         },
      .memoryHeapCount = 1,
      .memoryHeaps = {{NULL_LIMIT, 0}},
   };
   if (null_state.unified)
      properties->memoryTypes[0].propertyFlags |=
         VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
}

static VKAPI_ATTR VkResult VKAPI_CALL
null_vkCreateDebugUtilsMessengerEXT(VkInstance instance, const VkDebugUtilsMessengerCreateInfoEXT *info,
                                    const VkAllocationCallbacks *allocator, VkDebugUtilsMessengerEXT *messenger)
{
   (void)info;
   (void)allocator;
   null_enter();
   *messenger = (VkDebugUtilsMessengerEXT)(uintptr_t)null_object_create(
      (uint64_t)(uintptr_t)instance, VK_OBJECT_TYPE_DEBUG_UTILS_MESSENGER_EXT, false, VK_SUCCESS);
   null_leave();
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL null_vkDestroyDebugUtilsMessengerEXT(VkInstance instance,
                                                                       VkDebugUtilsMessengerEXT messenger,
                                                                       const VkAllocationCallbacks *allocator)
{
   (void)instance;
   (void)allocator;
   null_enter();
   null_object_destroy((uint64_t)(uintptr_t)messenger);
   null_leave();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkSetDebugUtilsObjectNameEXT(VkDevice device,
                                                                        const VkDebugUtilsObjectNameInfoEXT *info)
{
   (void)device;
   null_enter();
   vp_enc_string(&null_state.enc, info->pObjectName);
   if (null_object(info->objectHandle)->base.type != info->objectType)
      abort();
   const VkResult result = null_result();
   null_leave();
   return result;
}

/* --- devices and queues --- */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkCreateDevice(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                          const VkAllocationCallbacks *allocator, VkDevice *device)
{
   const struct vp_cmd_vkCreateDevice a = {.physicalDevice = gpu, .pCreateInfo = info};
   (void)allocator;
   vp_request_vkCreateDevice(null_enter(), 0, &a);
   const VkResult result = null_result();
   *device = (VkDevice)(uintptr_t)null_object_create((uint64_t)(uintptr_t)gpu, VK_OBJECT_TYPE_DEVICE, false, result);
   null_leave();
   return result;
}

static VKAPI_ATTR void VKAPI_CALL null_vkDestroyDevice(VkDevice device, const VkAllocationCallbacks *allocator)
{
   (void)allocator;
   null_enter();
   null_object_destroy((uint64_t)(uintptr_t)device);
   null_leave();
}

static VKAPI_ATTR void VKAPI_CALL null_vkGetDeviceQueue2(VkDevice device, const VkDeviceQueueInfo2 *info,
                                                         VkQueue *queue)
{
   (void)info;
   null_enter();
   *queue = (VkQueue)(uintptr_t)null_object_create((uint64_t)(uintptr_t)device, VK_OBJECT_TYPE_QUEUE, true, VK_SUCCESS);
   null_leave();
}

/* --- memory --- */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info,
                                                            const VkAllocationCallbacks *allocator,
                                                            VkDeviceMemory *memory)
{
   const struct vp_cmd_vkAllocateMemory a = {.device = device, .pAllocateInfo = info};
   (void)allocator;
   vp_request_vkAllocateMemory(null_enter(), 0, &a);
   const VkResult result =
      info->allocationSize == 0 || info->allocationSize > NULL_LIMIT || info->memoryTypeIndex >= NULL_TYPES
         ? VK_ERROR_OUT_OF_DEVICE_MEMORY
         : null_result();
   *memory = (VkDeviceMemory)(uintptr_t)null_object_create((uint64_t)(uintptr_t)device, VK_OBJECT_TYPE_DEVICE_MEMORY,
                                                           false, result);
   const VkBaseInStructure *node = info->pNext;
   while (node && node->sType != VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR)
      node = node->pNext;
   if (result >= 0 && node && close(((const VkImportMemoryFdInfoKHR *)(const void *)node)->fd) != 0)
      abort();
   if (result >= 0)
      null_object((uint64_t)(uintptr_t)*memory)->value = info->allocationSize;
   null_leave();
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkMapMemory(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset,
                                                       VkDeviceSize size, VkMemoryMapFlags flags, void **data)
{
   struct null_object *object = null_object((uint64_t)(uintptr_t)memory);
   (void)device;
   (void)offset;
   (void)size;
   (void)flags;
   null_enter();
   VkResult result = null_result();
   if (result >= 0) {
      free(object->mapped);
      object->mapped = malloc(object->value);
      if (!object->mapped)
         abort();
      null_fill(object->mapped, object->value, 1);
      *data = object->mapped;
   }
   null_leave();
   return result;
}

static VKAPI_ATTR void VKAPI_CALL null_vkUnmapMemory(VkDevice device, VkDeviceMemory memory)
{
   struct null_object *object = null_object((uint64_t)(uintptr_t)memory);
   (void)device;
   null_enter();
   free(object->mapped);
   object->mapped = NULL;
   null_leave();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkFlushMappedMemoryRanges(VkDevice device, uint32_t count,
                                                                     const VkMappedMemoryRange *ranges)
{
   (void)device;
   null_enter();
   for (uint32_t i = 0; i < count; i++) {
      const struct null_object *memory = null_object((uint64_t)(uintptr_t)ranges[i].memory);
      if (!memory->mapped || ranges[i].offset > memory->value)
         abort();
   }
   const VkResult result = null_result();
   null_leave();
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkInvalidateMappedMemoryRanges(VkDevice device, uint32_t count,
                                                                          const VkMappedMemoryRange *ranges)
{
   return null_vkFlushMappedMemoryRanges(device, count, ranges);
}

/* --- synchronisation: everything is complete at once --- */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkCreateSemaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
                                                             const VkAllocationCallbacks *allocator,
                                                             VkSemaphore *semaphore)
{
   const struct vp_cmd_vkCreateSemaphore a = {.device = device, .pCreateInfo = info};
   (void)allocator;
   vp_request_vkCreateSemaphore(null_enter(), 0, &a);
   const VkResult result = null_result();
   *semaphore =
      (VkSemaphore)(uintptr_t)null_object_create((uint64_t)(uintptr_t)device, VK_OBJECT_TYPE_SEMAPHORE, false, result);
   null_leave();
   return result;
}

static inline void null_signal(VkSemaphore semaphore, uint64_t value)
{
   struct null_object *object = null_object((uint64_t)(uintptr_t)semaphore);
   if (object && object->value < value)
      object->value = value;
}

static inline void null_signal_all(const void *chain, uint32_t count, const VkSemaphore *semaphores)
{
   const VkBaseInStructure *node = chain;
   while (node && node->sType != VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO)
      node = node->pNext;
   const VkTimelineSemaphoreSubmitInfo *values = (const void *)node;
   for (uint32_t i = 0; values && i < count && i < values->signalSemaphoreValueCount; i++)
      null_signal(semaphores[i], values->pSignalSemaphoreValues[i]);
}

static inline VkResult null_submitted(void)
{
   pthread_cond_broadcast(&null_state.signalled);
   null_leave();
   return VK_SUCCESS;
}

static inline VkResult null_not_submitted(VkResult result)
{
   null_leave();
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkQueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                                         VkFence fence)
{
   const struct vp_cmd_vkQueueSubmit a = {.queue = queue, .submitCount = count, .pSubmits = infos, .fence = fence};
   vp_request_vkQueueSubmit(null_enter(), 0, &a);
   const VkResult result = null_result();
   if (result < 0)
      return null_not_submitted(result);
   for (uint32_t i = 0; i < count; i++)
      null_signal_all(infos[i].pNext, infos[i].signalSemaphoreCount, infos[i].pSignalSemaphores);
   return null_submitted();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkQueueSubmit2(VkQueue queue, uint32_t count, const VkSubmitInfo2 *infos,
                                                          VkFence fence)
{
   const struct vp_cmd_vkQueueSubmit2 a = {.queue = queue, .submitCount = count, .pSubmits = infos, .fence = fence};
   vp_request_vkQueueSubmit2(null_enter(), 0, &a);
   const VkResult result = null_result();
   if (result < 0)
      return null_not_submitted(result);
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t k = 0; k < infos[i].signalSemaphoreInfoCount; k++)
         null_signal(infos[i].pSignalSemaphoreInfos[k].semaphore, infos[i].pSignalSemaphoreInfos[k].value);
   }
   return null_submitted();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkQueueBindSparse(VkQueue queue, uint32_t count,
                                                             const VkBindSparseInfo *infos, VkFence fence)
{
   const struct vp_cmd_vkQueueBindSparse a = {
      .queue = queue, .bindInfoCount = count, .pBindInfo = infos, .fence = fence};
   vp_request_vkQueueBindSparse(null_enter(), 0, &a);
   const VkResult result = null_result();
   if (result < 0)
      return null_not_submitted(result);
   for (uint32_t i = 0; i < count; i++)
      null_signal_all(infos[i].pNext, infos[i].signalSemaphoreCount, infos[i].pSignalSemaphores);
   return null_submitted();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkWaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo *info,
                                                            uint64_t timeout)
{
   struct timespec deadline;
   bool done = false;
   int status = 0;
   (void)device;

   clock_gettime(CLOCK_REALTIME, &deadline);
   deadline.tv_nsec += (long)(timeout % 1000000000);
   deadline.tv_sec += (time_t)(timeout / 1000000000) + deadline.tv_nsec / 1000000000;
   deadline.tv_nsec %= 1000000000;
   null_enter();
   for (;;) {
      done = true;
      for (uint32_t i = 0; i < info->semaphoreCount; i++)
         done = done && null_object((uint64_t)(uintptr_t)info->pSemaphores[i])->value >= info->pValues[i];
      if (done || status != 0)
         break;
      status = pthread_cond_timedwait(&null_state.signalled, &null_state.lock, &deadline);
   }
   null_leave();
   return done ? VK_SUCCESS : VK_TIMEOUT;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetSemaphoreCounterValue(VkDevice device, VkSemaphore semaphore,
                                                                      uint64_t *value)
{
   (void)device;
   null_enter();
   *value = null_object((uint64_t)(uintptr_t)semaphore)->value;
   null_leave();
   return VK_SUCCESS;
}

/* --- descriptors --- */

static inline VkResult null_export(uint64_t handle, VkObjectType type, int *fd)
{
   null_enter();
   if (null_object(handle)->base.type != type)
      abort();
   VkResult result = null_result();
   *fd = result < 0 ? -1 : memfd_create("null", MFD_CLOEXEC);
   null_leave();
   return result < 0 || *fd >= 0 ? result : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static inline VkResult null_import(uint64_t handle, VkObjectType type, int fd)
{
   null_enter();
   if (null_object(handle)->base.type != type)
      abort();
   const VkResult result = null_result();
   if (result >= 0 && close(fd) != 0)
      abort();
   null_leave();
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetMemoryFdKHR(VkDevice device, const VkMemoryGetFdInfoKHR *info, int *fd)
{
   (void)device;
   return null_export((uint64_t)(uintptr_t)info->memory, VK_OBJECT_TYPE_DEVICE_MEMORY, fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetSemaphoreFdKHR(VkDevice device, const VkSemaphoreGetFdInfoKHR *info,
                                                               int *fd)
{
   (void)device;
   return null_export((uint64_t)(uintptr_t)info->semaphore, VK_OBJECT_TYPE_SEMAPHORE, fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetFenceFdKHR(VkDevice device, const VkFenceGetFdInfoKHR *info, int *fd)
{
   (void)device;
   return null_export((uint64_t)(uintptr_t)info->fence, VK_OBJECT_TYPE_FENCE, fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkImportSemaphoreFdKHR(VkDevice device,
                                                                  const VkImportSemaphoreFdInfoKHR *info)
{
   (void)device;
   return null_import((uint64_t)(uintptr_t)info->semaphore, VK_OBJECT_TYPE_SEMAPHORE, info->fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkImportFenceFdKHR(VkDevice device, const VkImportFenceFdInfoKHR *info)
{
   (void)device;
   return null_import((uint64_t)(uintptr_t)info->fence, VK_OBJECT_TYPE_FENCE, info->fd);
}

/* --- results --- */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetEventStatus(VkDevice device, VkEvent event)
{
   (void)device;
   null_enter();
   const uint64_t value = null_value() + null_object((uint64_t)(uintptr_t)event)->value;
   null_leave();
   return value % 2 ? VK_EVENT_SET : VK_EVENT_RESET;
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkGetQueryPoolResults(VkDevice device, VkQueryPool pool, uint32_t first,
                                                                 uint32_t count, size_t size, void *data,
                                                                 VkDeviceSize stride, VkQueryResultFlags flags)
{
   (void)device;
   (void)first;
   (void)count;
   (void)stride;
   (void)flags;
   null_enter();
   null_fill(data, size, 1);
   const VkResult result = null_object((uint64_t)(uintptr_t)pool)->value ? VK_NOT_READY : null_result();
   null_leave();
   return result;
}

/* --- pools --- */

static VKAPI_ATTR VkResult VKAPI_CALL null_vkFreeDescriptorSets(VkDevice device, VkDescriptorPool pool, uint32_t count,
                                                                const VkDescriptorSet *sets)
{
   const struct vp_cmd_vkFreeDescriptorSets a = {
      .device = device, .descriptorPool = pool, .descriptorSetCount = count, .pDescriptorSets = sets};
   vp_request_vkFreeDescriptorSets(null_enter(), 0, &a);
   for (uint32_t i = 0; i < count; i++)
      null_object_destroy((uint64_t)(uintptr_t)sets[i]);
   null_leave();
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL null_vkFreeCommandBuffers(VkDevice device, VkCommandPool pool, uint32_t count,
                                                            const VkCommandBuffer *buffers)
{
   const struct vp_cmd_vkFreeCommandBuffers a = {
      .device = device, .commandPool = pool, .commandBufferCount = count, .pCommandBuffers = buffers};
   vp_request_vkFreeCommandBuffers(null_enter(), 0, &a);
   for (uint32_t i = 0; i < count; i++)
      null_object_destroy((uint64_t)(uintptr_t)buffers[i]);
   null_leave();
}

static VKAPI_ATTR VkResult VKAPI_CALL null_vkResetDescriptorPool(VkDevice device, VkDescriptorPool pool,
                                                                 VkDescriptorPoolResetFlags flags)
{
   (void)device;
   (void)flags;
   null_enter();
   null_object_clear(null_object((uint64_t)(uintptr_t)pool));
   null_leave();
   return VK_SUCCESS;
}

/* --- the rest --- */

#include "tests/fuzz/null_extensions.h"

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL null_vkGetDeviceProcAddr(VkDevice device, const char *name);

#include "tests/vp_null_driver.h"

static inline int null_compare(const void *name, const void *function)
{
   return strcmp(name, ((const struct null_function *)function)->name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL null_vkGetInstanceProcAddr(VkInstance instance, const char *name)
{
   (void)instance;
   const struct null_function *found = bsearch(name, null_functions, sizeof(null_functions) / sizeof(null_functions[0]),
                                               sizeof(null_functions[0]), null_compare);
   return found ? found->function : NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL null_vkGetDeviceProcAddr(VkDevice device, const char *name)
{
   (void)device;
   return null_vkGetInstanceProcAddr(NULL, name);
}

#endif
