/* SPDX-License-Identifier: MIT */

/* A Vulkan layer under the server that makes of a software GPU one that has memory which the host cannot see, and which
 * leaves what others have written in all memory: it fills what is allocated. The first type of memory is there twice;
 * the second one, at the end, cannot be mapped. One instance and one device at a time. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "tests/e2e/layers/layer.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL garbage_get_instance_proc_addr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL garbage_get_device_proc_addr(VkDevice device, const char *name);

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static PFN_vkGetPhysicalDeviceMemoryProperties next_memory;
static PFN_vkGetPhysicalDeviceMemoryProperties2 next_memory2;
static PFN_vkAllocateMemory next_allocate;
static PFN_vkMapMemory next_map;
static PFN_vkUnmapMemory next_unmap;
static PFN_vkGetBufferMemoryRequirements next_buffer;
static PFN_vkGetBufferMemoryRequirements2 next_buffer2;
static PFN_vkGetImageMemoryRequirements next_image;
static PFN_vkGetImageMemoryRequirements2 next_image2;
static PFN_vkGetDeviceBufferMemoryRequirements next_device_buffer;
static PFN_vkGetDeviceImageMemoryRequirements next_device_image;

static uint32_t hidden_type; /* the last one */

/* --- types --- */

static void add_type(VkPhysicalDeviceMemoryProperties *memory)
{
   hidden_type = memory->memoryTypeCount++;
   memory->memoryTypes[hidden_type] = memory->memoryTypes[0];
   memory->memoryTypes[hidden_type].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
}

static VKAPI_ATTR void VKAPI_CALL get_memory(VkPhysicalDevice gpu, VkPhysicalDeviceMemoryProperties *memory)
{
   next_memory(gpu, memory);
   add_type(memory);
}

static VKAPI_ATTR void VKAPI_CALL get_memory2(VkPhysicalDevice gpu, VkPhysicalDeviceMemoryProperties2 *memory)
{
   next_memory2(gpu, memory);
   add_type(&memory->memoryProperties);
}

static void add_bit(VkMemoryRequirements *needs)
{
   needs->memoryTypeBits |= (needs->memoryTypeBits & 1) << hidden_type;
}

static VKAPI_ATTR void VKAPI_CALL get_buffer(VkDevice device, VkBuffer buffer, VkMemoryRequirements *needs)
{
   next_buffer(device, buffer, needs);
   add_bit(needs);
}

static VKAPI_ATTR void VKAPI_CALL get_buffer2(VkDevice device, const VkBufferMemoryRequirementsInfo2 *info,
                                              VkMemoryRequirements2 *needs)
{
   next_buffer2(device, info, needs);
   add_bit(&needs->memoryRequirements);
}

/* Images live where nobody can map them. */
static void only_hidden(VkMemoryRequirements *needs)
{
   needs->memoryTypeBits = UINT32_C(1) << hidden_type;
}

static VKAPI_ATTR void VKAPI_CALL get_image(VkDevice device, VkImage image, VkMemoryRequirements *needs)
{
   next_image(device, image, needs);
   only_hidden(needs);
}

static VKAPI_ATTR void VKAPI_CALL get_image2(VkDevice device, const VkImageMemoryRequirementsInfo2 *info,
                                             VkMemoryRequirements2 *needs)
{
   next_image2(device, info, needs);
   only_hidden(&needs->memoryRequirements);
}

static VKAPI_ATTR void VKAPI_CALL get_device_buffer(VkDevice device, const VkDeviceBufferMemoryRequirements *info,
                                                    VkMemoryRequirements2 *needs)
{
   next_device_buffer(device, info, needs);
   add_bit(&needs->memoryRequirements);
}

static VKAPI_ATTR void VKAPI_CALL get_device_image(VkDevice device, const VkDeviceImageMemoryRequirements *info,
                                                   VkMemoryRequirements2 *needs)
{
   next_device_image(device, info, needs);
   only_hidden(&needs->memoryRequirements);
}

/* --- memory --- */

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
   VkMemoryAllocateInfo real = *info;
   void *data;

   if (real.memoryTypeIndex == hidden_type)
      real.memoryTypeIndex = 0;
   const VkResult result = next_allocate(device, &real, allocator, memory);
   if (result != VK_SUCCESS || next_map(device, *memory, 0, VK_WHOLE_SIZE, 0, &data) != VK_SUCCESS)
      return result;
   memset(data, 0xa5, info->allocationSize);
   next_unmap(device, *memory);
   return result;
}

/* --- instance and device --- */

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   const VkResult result = layer_create_instance(info, allocator, instance, &next_instance);
   if (result == VK_SUCCESS) {
      next_memory =
         (PFN_vkGetPhysicalDeviceMemoryProperties)next_instance(*instance, "vkGetPhysicalDeviceMemoryProperties");
      next_memory2 =
         (PFN_vkGetPhysicalDeviceMemoryProperties2)next_instance(*instance, "vkGetPhysicalDeviceMemoryProperties2");
   }
   return result;
}

#define ROW(NAME, OWN, NEXT)                                                 \
   {                                                                         \
      NAME, (PFN_vkVoidFunction)(OWN), (PFN_vkVoidFunction *)(void *)&(NEXT) \
   }
static const struct {
   const char *name;
   PFN_vkVoidFunction own, *next;
} functions[] = {
   ROW("vkAllocateMemory", allocate, next_allocate),
   ROW("vkMapMemory", NULL, next_map),
   ROW("vkUnmapMemory", NULL, next_unmap),
   ROW("vkGetBufferMemoryRequirements", get_buffer, next_buffer),
   ROW("vkGetBufferMemoryRequirements2", get_buffer2, next_buffer2),
   ROW("vkGetImageMemoryRequirements", get_image, next_image),
   ROW("vkGetImageMemoryRequirements2", get_image2, next_image2),
   ROW("vkGetDeviceBufferMemoryRequirements", get_device_buffer, next_device_buffer),
   ROW("vkGetDeviceImageMemoryRequirements", get_device_image, next_device_image),
};

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   const VkResult result = layer_create_device(gpu, info, allocator, device, &next_device);
   for (unsigned i = 0; result == VK_SUCCESS && i < sizeof(functions) / sizeof(*functions); i++)
      *functions[i].next = next_device(*device, functions[i].name);
   return result;
}

static const struct {
   const char *name;
   PFN_vkVoidFunction own;
} instance_functions[] = {
   {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)garbage_get_instance_proc_addr},
   {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)garbage_get_device_proc_addr},
   {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
   {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
   {"vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction)get_memory},
   {"vkGetPhysicalDeviceMemoryProperties2", (PFN_vkVoidFunction)get_memory2},
};

/* KHR aliases of what is here by its core name do the same. */
static bool is_called(const char *name, const char *own)
{
   const size_t length = strlen(own);
   return strncmp(name, own, length) == 0 && (!name[length] || strcmp(name + length, "KHR") == 0);
}

static PFN_vkVoidFunction find(const char *name)
{
   for (unsigned i = 0; i < sizeof(instance_functions) / sizeof(*instance_functions); i++) {
      if (is_called(name, instance_functions[i].name))
         return instance_functions[i].own;
   }
   for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
      if (is_called(name, functions[i].name))
         return functions[i].own;
   }
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL garbage_get_instance_proc_addr(VkInstance instance, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_instance ? own : next_instance(instance, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL garbage_get_device_proc_addr(VkDevice device, const char *name)
{
   const PFN_vkVoidFunction own = find(name);
   return own || !next_device ? own : next_device(device, name);
}
