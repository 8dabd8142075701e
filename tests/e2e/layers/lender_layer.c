/* SPDX-License-Identifier: MIT */

/* A Vulkan layer that lets a software GPU share semaphores and fences by opaque file descriptors, which no such driver
 * can. What is shared is a number in a memory file: of a binary semaphore or fence, whether it is signalled. Who
 * submits something that waits for one waits for it then and there, and who signals one waits for the queue before. One
 * instance and one device at a time; of submissions only vkQueueSubmit. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/layers/layer.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lender_get_instance_proc_addr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lender_get_device_proc_addr(VkDevice device, const char *name);

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static PFN_vkEnumerateDeviceExtensionProperties next_enumerate;
static VkDevice the_device;

#define BELOW(name) ((PFN_##name)next_device(the_device, #name))

static const char *const lent[] = {VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME,
                                   VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME};
#define LENT (sizeof(lent) / sizeof(*lent))

/* --- what is shared --- */

struct payload {
   int fd;
   _Atomic uint64_t *value;
};

struct played {
   uint64_t handle;
   bool timeline;
   struct payload own, borrowed; /* borrowed: until it was waited for, or reset */
};

#define MOST 256
static struct played all[MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct payload no_payload = {.fd = -1};

static struct payload open_payload(int fd)
{
   struct payload payload = {.fd = fd};
   void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
   if (data == MAP_FAILED)
      abort();
   payload.value = data;
   return payload;
}

static struct payload make_payload(uint64_t value)
{
   const int fd = memfd_create("lent", MFD_CLOEXEC);
   if (fd < 0 || ftruncate(fd, 4096) != 0)
      abort();
   const struct payload payload = open_payload(fd);
   atomic_store(payload.value, value);
   return payload;
}

static void drop_payload(struct payload *payload)
{
   if (payload->value) {
      munmap((void *)(uintptr_t)payload->value, 4096);
      close(payload->fd);
   }
   *payload = no_payload;
}

/* NULL: it is the driver's. */
static struct played *find_played(uint64_t handle)
{
   struct played *found = NULL;
   pthread_mutex_lock(&lock);
   for (unsigned i = 0; i < MOST && !found; i++)
      found = handle && all[i].handle == handle ? &all[i] : NULL;
   pthread_mutex_unlock(&lock);
   return found && (found->own.value || found->borrowed.value) ? found : NULL;
}

static struct played *add_played(uint64_t handle, bool timeline)
{
   struct played *free_one = NULL;
   pthread_mutex_lock(&lock);
   for (unsigned i = 0; i < MOST && !free_one; i++)
      free_one = all[i].handle == handle ? &all[i] : NULL;
   for (unsigned i = 0; i < MOST && !free_one; i++)
      free_one = !all[i].handle ? &all[i] : NULL;
   if (!free_one)
      abort();
   if (free_one->handle != handle)
      *free_one = (struct played){.handle = handle, .timeline = timeline, .own = no_payload, .borrowed = no_payload};
   pthread_mutex_unlock(&lock);
   return free_one;
}

static void remove_played(uint64_t handle)
{
   pthread_mutex_lock(&lock);
   for (unsigned i = 0; i < MOST; i++) {
      if (!handle || all[i].handle != handle)
         continue;
      drop_payload(&all[i].own);
      drop_payload(&all[i].borrowed);
      all[i].handle = 0;
   }
   pthread_mutex_unlock(&lock);
}

static _Atomic uint64_t *value_of(const struct played *played)
{
   return played->borrowed.value ? played->borrowed.value : played->own.value;
}

static void pause_a_little(void)
{
   nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* A binary one is taken. */
static void wait_for_played(struct played *played, uint64_t value)
{
   uint64_t one = 1;
   if (played->timeline) {
      while (atomic_load(played->own.value) < value)
         pause_a_little();
      return;
   }
   while (!atomic_compare_exchange_strong(value_of(played), &one, 0)) {
      one = 1;
      pause_a_little();
   }
   drop_payload(&played->borrowed);
}

/* --- semaphores --- */

static const void *find_node(const void *chain, VkStructureType type)
{
   const VkBaseInStructure *node = chain;
   while (node && node->sType != type)
      node = node->pNext;
   return node;
}

/* The driver below gets the type alone. */
static VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
                                                       const VkAllocationCallbacks *allocator, VkSemaphore *semaphore)
{
   const VkSemaphoreTypeCreateInfo *type = find_node(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
   VkSemaphoreTypeCreateInfo alone = type ? *type : (VkSemaphoreTypeCreateInfo){0};
   const VkSemaphoreCreateInfo real = {.sType = info->sType, .pNext = type ? &alone : NULL, .flags = info->flags};
   alone.pNext = NULL;
   const VkResult result = BELOW(vkCreateSemaphore)(device, &real, allocator, semaphore);
   const bool timeline = alone.semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
   const VkExportSemaphoreCreateInfo *export = find_node(info->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
   /* A timeline may be imported later, when nobody says that it is one. */
   struct played *played =
      result == VK_SUCCESS && (timeline || export) ? add_played((uint64_t)(uintptr_t)*semaphore, timeline) : NULL;
   if (played && export && export->handleTypes)
      played->own = make_payload(alone.initialValue);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_semaphore(VkDevice device, VkSemaphore semaphore,
                                                    const VkAllocationCallbacks *allocator)
{
   remove_played((uint64_t)(uintptr_t)semaphore);
   BELOW(vkDestroySemaphore)(device, semaphore, allocator);
}

static VkResult export_played(uint64_t handle, int *fd)
{
   const struct played *played = find_played(handle);
   *fd = played ? dup(played->own.fd) : -1;
   return *fd >= 0 ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
}

static void import_played(struct played *played, int fd, bool temporary)
{
   struct payload *place = temporary ? &played->borrowed : &played->own;
   drop_payload(place);
   *place = open_payload(fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_semaphore_fd(VkDevice device, const VkSemaphoreGetFdInfoKHR *info, int *fd)
{
   (void)device;
   return export_played((uint64_t)(uintptr_t)info->semaphore, fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL import_semaphore_fd(VkDevice device, const VkImportSemaphoreFdInfoKHR *info)
{
   (void)device;
   import_played(add_played((uint64_t)(uintptr_t)info->semaphore, false), info->fd,
                 info->flags & VK_SEMAPHORE_IMPORT_TEMPORARY_BIT);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_counter(VkDevice device, VkSemaphore semaphore, uint64_t *value)
{
   const struct played *played = find_played((uint64_t)(uintptr_t)semaphore);
   if (!played)
      return BELOW(vkGetSemaphoreCounterValue)(device, semaphore, value);
   *value = atomic_load(played->own.value);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL signal_semaphore(VkDevice device, const VkSemaphoreSignalInfo *info)
{
   const struct played *played = find_played((uint64_t)(uintptr_t)info->semaphore);
   if (!played)
      return BELOW(vkSignalSemaphore)(device, info);
   atomic_store(played->own.value, info->value);
   return VK_SUCCESS;
}

/* Of one, for ever, is all that tests want of a played one. */
static VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo *info,
                                                      uint64_t timeout)
{
   struct played *played = find_played((uint64_t)(uintptr_t)info->pSemaphores[0]);
   if (!played)
      return BELOW(vkWaitSemaphores)(device, info, timeout);
   wait_for_played(played, info->pValues[0]);
   return VK_SUCCESS;
}

/* --- submissions --- */

/* A batch without what is played. */
struct rest {
   VkSubmitInfo info;
   VkTimelineSemaphoreSubmitInfo values;
   VkSemaphore waits[16], signals[16];
   VkPipelineStageFlags stages[16];
   uint64_t wait_values[16], signal_values[16];
   bool lends; /* something is played that it signals */
};

/* Of the waits that are played it is waited for the end. */
static void sort_waits(struct rest *rest, const VkSubmitInfo *info, const VkTimelineSemaphoreSubmitInfo *values)
{
   for (uint32_t i = 0; i < info->waitSemaphoreCount; i++) {
      const uint64_t value = values && i < values->waitSemaphoreValueCount ? values->pWaitSemaphoreValues[i] : 0;
      struct played *played = find_played((uint64_t)(uintptr_t)info->pWaitSemaphores[i]);
      const uint32_t at = rest->info.waitSemaphoreCount;
      if (played) {
         wait_for_played(played, value);
         continue;
      }
      rest->stages[at] = info->pWaitDstStageMask[i];
      rest->wait_values[at] = value;
      rest->waits[at] = info->pWaitSemaphores[i];
      rest->info.waitSemaphoreCount++;
   }
}

static void sort_signals(struct rest *rest, const VkSubmitInfo *info, const VkTimelineSemaphoreSubmitInfo *values)
{
   for (uint32_t i = 0; i < info->signalSemaphoreCount; i++) {
      const uint32_t at = rest->info.signalSemaphoreCount;
      if (find_played((uint64_t)(uintptr_t)info->pSignalSemaphores[i])) {
         rest->lends = true;
         continue;
      }
      rest->signal_values[at] = values && i < values->signalSemaphoreValueCount ? values->pSignalSemaphoreValues[i] : 0;
      rest->signals[at] = info->pSignalSemaphores[i];
      rest->info.signalSemaphoreCount++;
   }
}

static VkResult submit_one(VkQueue queue, const VkSubmitInfo *info, VkFence fence)
{
   const VkTimelineSemaphoreSubmitInfo *values =
      find_node(info->pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
   struct rest rest = {.info = *info};
   if (info->waitSemaphoreCount > 16 || info->signalSemaphoreCount > 16)
      abort();
   rest.info.waitSemaphoreCount = rest.info.signalSemaphoreCount = 0;
   sort_waits(&rest, info, values);
   sort_signals(&rest, info, values);
   rest.values = (VkTimelineSemaphoreSubmitInfo){.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .waitSemaphoreValueCount = rest.info.waitSemaphoreCount,
                                                 .pWaitSemaphoreValues = rest.wait_values,
                                                 .signalSemaphoreValueCount = rest.info.signalSemaphoreCount,
                                                 .pSignalSemaphoreValues = rest.signal_values};
   rest.info.pNext = values ? &rest.values : NULL;
   rest.info.pWaitSemaphores = rest.waits;
   rest.info.pWaitDstStageMask = rest.stages;
   rest.info.pSignalSemaphores = rest.signals;
   const VkResult result = BELOW(vkQueueSubmit)(queue, 1, &rest.info, fence);
   if (!rest.lends || result != VK_SUCCESS)
      return result;
   BELOW(vkQueueWaitIdle)(queue);
   for (uint32_t i = 0; i < info->signalSemaphoreCount; i++) {
      const struct played *played = find_played((uint64_t)(uintptr_t)info->pSignalSemaphores[i]);
      if (played)
         atomic_store(value_of(played), played->timeline ? values->pSignalSemaphoreValues[i] : 1);
   }
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                                   VkFence fence)
{
   const struct played *played = find_played((uint64_t)(uintptr_t)fence);
   VkResult result = VK_SUCCESS;
   for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++)
      result = submit_one(queue, &infos[i], i + 1 == count && !played ? fence : VK_NULL_HANDLE);
   if (count == 0 && !played)
      return BELOW(vkQueueSubmit)(queue, 0, NULL, fence);
   if (played && result == VK_SUCCESS) {
      BELOW(vkQueueWaitIdle)(queue);
      atomic_store(value_of(played), 1);
   }
   return result;
}

/* --- fences --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_fence(VkDevice device, const VkFenceCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator, VkFence *fence)
{
   const VkExportFenceCreateInfo *export = find_node(info->pNext, VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO);
   const VkFenceCreateInfo real = {.sType = info->sType, .flags = info->flags};
   const VkResult result = BELOW(vkCreateFence)(device, &real, allocator, fence);
   if (result == VK_SUCCESS && export && export->handleTypes)
      add_played((uint64_t)(uintptr_t)*fence, false)->own = make_payload(info->flags & VK_FENCE_CREATE_SIGNALED_BIT);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_fence(VkDevice device, VkFence fence, const VkAllocationCallbacks *allocator)
{
   remove_played((uint64_t)(uintptr_t)fence);
   BELOW(vkDestroyFence)(device, fence, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_fd(VkDevice device, const VkFenceGetFdInfoKHR *info, int *fd)
{
   (void)device;
   return export_played((uint64_t)(uintptr_t)info->fence, fd);
}

static VKAPI_ATTR VkResult VKAPI_CALL import_fence_fd(VkDevice device, const VkImportFenceFdInfoKHR *info)
{
   (void)device;
   import_played(add_played((uint64_t)(uintptr_t)info->fence, false), info->fd,
                 info->flags & VK_FENCE_IMPORT_TEMPORARY_BIT);
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_status(VkDevice device, VkFence fence)
{
   const struct played *played = find_played((uint64_t)(uintptr_t)fence);
   if (!played)
      return BELOW(vkGetFenceStatus)(device, fence);
   return atomic_load(value_of(played)) ? VK_SUCCESS : VK_NOT_READY;
}

static VKAPI_ATTR VkResult VKAPI_CALL reset_fences(VkDevice device, uint32_t count, const VkFence *fences)
{
   VkResult result = VK_SUCCESS;
   for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
      struct played *played = find_played((uint64_t)(uintptr_t)fences[i]);
      if (played) {
         drop_payload(&played->borrowed);
         if (played->own.value)
            atomic_store(played->own.value, 0);
      } else {
         result = BELOW(vkResetFences)(device, 1, &fences[i]);
      }
   }
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_for_fences(VkDevice device, uint32_t count, const VkFence *fences,
                                                      VkBool32 wait_all, uint64_t timeout)
{
   if (count != 1 || !find_played((uint64_t)(uintptr_t)fences[0]))
      return BELOW(vkWaitForFences)(device, count, fences, wait_all, timeout);
   for (uint64_t passed = 0; passed < timeout; passed += 200000) {
      if (get_fence_status(device, fences[0]) == VK_SUCCESS)
         return VK_SUCCESS;
      pause_a_little();
   }
   return VK_TIMEOUT;
}

/* --- the layer --- */

static VKAPI_ATTR void VKAPI_CALL semaphore_properties(VkPhysicalDevice gpu,
                                                       const VkPhysicalDeviceExternalSemaphoreInfo *info,
                                                       VkExternalSemaphoreProperties *properties)
{
   const bool opaque = info->handleType == VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
   (void)gpu;
   properties->exportFromImportedHandleTypes = properties->compatibleHandleTypes = opaque ? info->handleType : 0;
   properties->externalSemaphoreFeatures =
      opaque ? VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT : 0;
}

static VKAPI_ATTR void VKAPI_CALL fence_properties(VkPhysicalDevice gpu, const VkPhysicalDeviceExternalFenceInfo *info,
                                                   VkExternalFenceProperties *properties)
{
   const bool opaque = info->handleType == VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT;
   (void)gpu;
   properties->exportFromImportedHandleTypes = properties->compatibleHandleTypes = opaque ? info->handleType : 0;
   properties->externalFenceFeatures =
      opaque ? VK_EXTERNAL_FENCE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_FENCE_FEATURE_IMPORTABLE_BIT : 0;
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate(VkPhysicalDevice gpu, const char *layer, uint32_t *count,
                                                VkExtensionProperties *properties)
{
   VkExtensionProperties extensions[1024];
   uint32_t real = 1024 - LENT;
   if (layer) {
      *count = 0;
      return VK_SUCCESS;
   }
   VkResult result = next_enumerate(gpu, NULL, &real, extensions);
   for (size_t i = 0; i < LENT; i++, real++) {
      extensions[real] = (VkExtensionProperties){.specVersion = 1};
      strcpy(extensions[real].extensionName, lent[i]);
   }
   if (properties) {
      result = *count < real ? VK_INCOMPLETE : result;
      *count = *count < real ? *count : real;
      memcpy(properties, extensions, *count * sizeof(*extensions));
   } else {
      *count = real;
   }
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   const VkResult result = layer_create_instance(info, allocator, instance, &next_instance);
   if (result == VK_SUCCESS)
      next_enumerate = (PFN_vkEnumerateDeviceExtensionProperties)next_instance(
         *instance, "vkEnumerateDeviceExtensionProperties"); /* later the loader would give ours */
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   VkDeviceCreateInfo real = *info;
   const char *names[256];
   if (info->enabledExtensionCount > 256)
      return VK_ERROR_INITIALIZATION_FAILED;
   real.enabledExtensionCount = 0;
   real.ppEnabledExtensionNames = names;
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
      if (strcmp(info->ppEnabledExtensionNames[i], lent[0]) != 0 &&
          strcmp(info->ppEnabledExtensionNames[i], lent[1]) != 0)
         names[real.enabledExtensionCount++] = info->ppEnabledExtensionNames[i];
   }
   const VkResult result = layer_create_device(gpu, &real, allocator, device, &next_device);
   the_device = *device;
   return result;
}

#define ROW(NAME, OWN)                \
   {                                  \
      NAME, (PFN_vkVoidFunction)(OWN) \
   }
static const struct {
   const char *name;
   PFN_vkVoidFunction own;
} functions[] = {
   ROW("vkGetInstanceProcAddr", lender_get_instance_proc_addr),
   ROW("vkGetDeviceProcAddr", lender_get_device_proc_addr),
   ROW("vkCreateInstance", create_instance),
   ROW("vkCreateDevice", create_device),
   ROW("vkEnumerateDeviceExtensionProperties", enumerate),
   ROW("vkGetPhysicalDeviceExternalSemaphoreProperties", semaphore_properties),
   ROW("vkGetPhysicalDeviceExternalFenceProperties", fence_properties),
   ROW("vkCreateSemaphore", create_semaphore),
   ROW("vkDestroySemaphore", destroy_semaphore),
   ROW("vkGetSemaphoreFdKHR", get_semaphore_fd),
   ROW("vkImportSemaphoreFdKHR", import_semaphore_fd),
   ROW("vkGetSemaphoreCounterValue", get_counter),
   ROW("vkSignalSemaphore", signal_semaphore),
   ROW("vkWaitSemaphores", wait_semaphores),
   ROW("vkQueueSubmit", queue_submit),
   ROW("vkCreateFence", create_fence),
   ROW("vkDestroyFence", destroy_fence),
   ROW("vkGetFenceFdKHR", get_fence_fd),
   ROW("vkImportFenceFdKHR", import_fence_fd),
   ROW("vkGetFenceStatus", get_fence_status),
   ROW("vkResetFences", reset_fences),
   ROW("vkWaitForFences", wait_for_fences),
};

static PFN_vkVoidFunction find(const char *name)
{
   for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (strcmp(functions[i].name, name) == 0)
         return functions[i].own;
   }
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lender_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL lender_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
