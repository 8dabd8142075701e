/* SPDX-License-Identifier: MIT */

/* A Vulkan layer for tests and measurements. It stops a program for ever after it has presented a number of frames, so
 * that what is on the display can be compared with another run's: VP_FREEZE_AT is the number; VP_FREEZE_FILE is created
 * then. Or it ends the program after VP_FREEZE_SECONDS, counted from half a second after the first frame, and writes to
 * the file how many frames it presented in that time, and the time in seconds.
 * One instance and one device, which is what the programs have. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_instance_proc_addr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_device_proc_addr(VkDevice device, const char *name);

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static PFN_vkQueuePresentKHR next_present;

static void *find_link(const void *chain, VkStructureType type)
{
   for (const VkLayerInstanceCreateInfo *node = chain; node; node = node->pNext) {
      if (node->sType == type && node->function == VK_LAYER_LINK_INFO)
         return (void *)(uintptr_t)node;
   }
   return NULL;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   VkLayerInstanceCreateInfo *link = find_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
   if (!link)
      return VK_ERROR_INITIALIZATION_FAILED;
   next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
   link->u.pLayerInfo = link->u.pLayerInfo->pNext;
   const PFN_vkCreateInstance create = (PFN_vkCreateInstance)next_instance(NULL, "vkCreateInstance");
   return create ? create(info, allocator, instance) : VK_ERROR_INITIALIZATION_FAILED;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   VkLayerDeviceCreateInfo *link = find_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
   if (!link)
      return VK_ERROR_INITIALIZATION_FAILED;
   const PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
   next_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
   link->u.pLayerInfo = link->u.pLayerInfo->pNext;
   const PFN_vkCreateDevice create = (PFN_vkCreateDevice)get(NULL, "vkCreateDevice");
   const VkResult result = create ? create(gpu, info, allocator, device) : VK_ERROR_INITIALIZATION_FAILED;
   if (result == VK_SUCCESS)
      next_present = (PFN_vkQueuePresentKHR)next_device(*device, "vkQueuePresentKHR");
   return result;
}

static double now(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void write_file(long frames, double seconds)
{
   const char *name = getenv("VP_FREEZE_FILE");
   FILE *file = name ? fopen(name, "w") : NULL;
   if (!file)
      return;
   fprintf(file, "%ld %.3f\n", frames, seconds);
   fclose(file);
}

/* After each frame. */
static void count(double wanted_seconds)
{
   static long frames;
   static double start;
   if (!start)
      start = now() + 0.5;
   const double seconds = now() - start;
   frames += seconds >= 0;
   if (seconds < wanted_seconds)
      return;
   write_file(frames, seconds);
   exit(0);
}

static VKAPI_ATTR VkResult VKAPI_CALL present(VkQueue queue, const VkPresentInfoKHR *info)
{
   static long presented;
   const char *at = getenv("VP_FREEZE_AT"), *seconds = getenv("VP_FREEZE_SECONDS");
   const VkResult result = next_present(queue, info);
   if (seconds)
      count(strtod(seconds, NULL));
   if (at && ++presented == strtol(at, NULL, 10)) {
      write_file(presented, 0);
      for (;;)
         pause();
   }
   return result;
}

static PFN_vkVoidFunction find(const char *name)
{
   static const struct {
      const char *name;
      PFN_vkVoidFunction function;
   } functions[] = {
      {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)freeze_get_instance_proc_addr},
      {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)freeze_get_device_proc_addr},
      {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
      {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
      {"vkQueuePresentKHR", (PFN_vkVoidFunction)present},
   };
   for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (!strcmp(functions[i].name, name))
         return functions[i].function;
   }
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL freeze_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
