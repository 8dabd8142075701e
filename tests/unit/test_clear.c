/* SPDX-License-Identifier: MIT */

/* Who clears memory before a client gets it (--clear-memory): the driver where it can be asked to, or else the server,
 * which takes a queue that the client has not asked for, and refuses what it cannot clear; when the GPU does not come
 * to it in time, there is no memory until it does. On a driver that says how it is asked. */

#include "server/core/device.h"
#include "server/core/instance.h"
#include "server/memory/memory.h"
#include "tests/unit/null_session.h"

enum { OTHER_DEVICE = FIRST_OBJECT, MEMORY, IMAGE };

#define ZERO_EXTENSION "VK_EXT_zero_initialize_device_memory"

/* --- the driver --- */

static bool has_extension, requires_dedicated;
static uint32_t queues_of_family, queues_created;
static bool extension_enabled;
static VkMemoryAllocateFlags flags_asked;
static unsigned allocations, fillings, frees;
static VkDeviceSize size_asked;
static VkResult wait_result;

static VKAPI_ATTR VkResult VKAPI_CALL list_extensions(VkPhysicalDevice gpu, const char *layer, uint32_t *count,
                                                      VkExtensionProperties *properties)
{
   (void)gpu, (void)layer;
   *count = has_extension;
   if (properties && has_extension)
      snprintf(properties->extensionName, sizeof(properties->extensionName), ZERO_EXTENSION);
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice gpu, VkPhysicalDeviceFeatures2 *features)
{
   VkPhysicalDeviceTimelineSemaphoreFeatures *one = features->pNext; /* any struct with one feature */
   (void)gpu;
   if (one && (uint32_t)one->sType == 1000620000)
      one->timelineSemaphore = has_extension;
}

static VKAPI_ATTR void VKAPI_CALL list_families(VkPhysicalDevice gpu, uint32_t *count,
                                                VkQueueFamilyProperties *families)
{
   (void)gpu;
   *count = 1;
   if (families)
      *families = (VkQueueFamilyProperties){.queueFlags = VK_QUEUE_COMPUTE_BIT, .queueCount = queues_of_family};
}

static PFN_vkCreateDevice create_device_of_null;

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice gpu, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator, VkDevice *device)
{
   extension_enabled = false;
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++)
      extension_enabled = extension_enabled || !strcmp(info->ppEnabledExtensionNames[i], ZERO_EXTENSION);
   queues_created = info->pQueueCreateInfos[0].queueCount;
   return create_device_of_null(gpu, info, allocator, device);
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
   flags_asked = 0;
   for (const VkBaseInStructure *node = info->pNext; node; node = node->pNext) {
      if (node->sType == VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO)
         flags_asked = ((const VkMemoryAllocateFlagsInfo *)(const void *)node)->flags;
      if (node->sType == VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO)
         CHECK(!((const VkMemoryDedicatedAllocateInfo *)(const void *)node)->image);
   }
   allocations++;
   size_asked = info->allocationSize;
   return null_vkAllocateMemory(device, &(VkMemoryAllocateInfo){.sType = info->sType, .allocationSize = 64}, allocator,
                                memory);
}

static VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory memory,
                                              const VkAllocationCallbacks *allocator)
{
   frees++;
   null_vkFreeMemory(device, memory, allocator);
}

static VKAPI_ATTR void VKAPI_CALL fill(VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset,
                                       VkDeviceSize size, uint32_t data)
{
   (void)commands;
   fillings++;
   CHECK(buffer && offset == 0 && size == VK_WHOLE_SIZE && data == 0);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait(VkDevice device, const VkSemaphoreWaitInfo *info, uint64_t timeout)
{
   (void)device, (void)info, (void)timeout;
   return wait_result;
}

static VKAPI_ATTR void VKAPI_CALL get_buffer(VkDevice device, VkBuffer buffer, VkMemoryRequirements *needs)
{
   (void)device, (void)buffer;
   *needs = (VkMemoryRequirements){.size = 4096, .alignment = 256, .memoryTypeBits = 7};
}

static VKAPI_ATTR void VKAPI_CALL get_image(VkDevice device, const VkImageMemoryRequirementsInfo2 *info,
                                            VkMemoryRequirements2 *needs)
{
   (void)device, (void)info;
   ((VkMemoryDedicatedRequirements *)needs->pNext)->requiresDedicatedAllocation = requires_dedicated;
}

/* --- a session --- */

static struct vps_options clear_options = {.worker_fd = -1};

static struct vps_device *open_device(enum vps_clear_memory mode)
{
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
   VkDevice device = OBJECT(VkDevice, OTHER_DEVICE);

   clear_options.clear_memory = mode;
   ctx.options = &clear_options;
   DO(vkCreateDevice, .physicalDevice = OBJECT(VkPhysicalDevice, GPU), .pCreateInfo = &info, .pDevice = &device);
   struct vps_device *state = vps_object_find(&ctx.objects, objects[OTHER_DEVICE].id)->state;
   state->functions.AllocateMemory = allocate;
   state->functions.FreeMemory = free_memory;
   state->functions.CmdFillBuffer = fill;
   state->functions.WaitSemaphores = wait;
   state->functions.GetBufferMemoryRequirements = get_buffer;
   state->functions.GetImageMemoryRequirements2 = get_image;
   vps_reserve_empty(state);
   wait_result = VK_SUCCESS;
   allocations = fillings = frees = 0;
   return state;
}

static void close_device(void)
{
   DO(vkDestroyDevice, .device = OBJECT(VkDevice, OTHER_DEVICE));
}

/* Whether there is memory then. */
static bool get_memory(VkDeviceSize size, const void *next)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = next, .allocationSize = size};
   VkDeviceMemory memory = OBJECT(VkDeviceMemory, MEMORY);

   DO(vkAllocateMemory, .device = OBJECT(VkDevice, OTHER_DEVICE), .pAllocateInfo = &info, .pMemory = &memory);
   const struct vps_object *object = vps_object_find(&ctx.objects, objects[MEMORY].id);
   const bool ok = object && !object->poison;
   DO(vkFreeMemory, .device = OBJECT(VkDevice, OTHER_DEVICE), .memory = memory);
   return ok;
}

/* --- the tests --- */

static void test_off(void)
{
   CHECK(open_device(VPS_CLEAR_MEMORY_OFF)->clear.way == VPS_CLEAR_KERNEL);
   CHECK(get_memory(100, NULL) && !fillings && size_asked == 100 && queues_created == 1 && !extension_enabled);
   close_device();
}

static void test_driver(void)
{
   const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                            .flags = VK_MEMORY_ALLOCATE_DEVICE_MASK_BIT};

   has_extension = true;
   CHECK(open_device(VPS_CLEAR_MEMORY_AUTO)->clear.way == VPS_CLEAR_DRIVER); /* nothing is known of this driver */
   CHECK(extension_enabled && queues_created == 1);
   CHECK(get_memory(100, NULL) && flags_asked == 8);
   CHECK(get_memory(100, &flags) && flags_asked == (8 | VK_MEMORY_ALLOCATE_DEVICE_MASK_BIT) && !fillings);
   close_device();
   has_extension = false;
}

static void test_server(void)
{
   struct vps_device *device = open_device(VPS_CLEAR_MEMORY_AUTO);

   CHECK(device->clear.way == VPS_CLEAR_SERVER && !extension_enabled);
   CHECK(queues_created == (queues_of_family > 1 ? 2 : 1)); /* one of its own, if there is one more */
   CHECK(get_memory(100, NULL) && fillings == 1 && size_asked == 4096);
   CHECK(get_memory(((VkDeviceSize)3 << 30) + 4096, NULL) && fillings == 5);
   wait_result = VK_TIMEOUT;
   frees = 0;
   CHECK(!get_memory(100, NULL) && fillings == 6 && frees == 0);
   CHECK(!get_memory(100, NULL) && fillings == 6 && frees == 0); /* the GPU may still come to it */
   wait_result = VK_SUCCESS;
   CHECK(get_memory(100, NULL) && fillings == 7 && frees == 2);
   wait_result = VK_ERROR_DEVICE_LOST;
   CHECK(!get_memory(100, NULL) && frees == 3);
   CHECK(!get_memory(UINT64_MAX, NULL));
   wait_result = VK_TIMEOUT;
   CHECK(!get_memory(100, NULL));
   wait_result = VK_SUCCESS;
   close_device(); /* with what was under way */
}

static void test_dedicated(void)
{
   const VkImageCreateInfo info = {.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .format = VK_FORMAT_R8_UNORM,
                                   .extent = {1, 1, 1},
                                   .mipLevels = 1,
                                   .arrayLayers = 1,
                                   .samples = 1,
                                   .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
   VkImage image = OBJECT(VkImage, IMAGE);
   const VkMemoryDedicatedAllocateInfo dedicated = {.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                                    .image = image};

   open_device(VPS_CLEAR_MEMORY_ALWAYS);
   DO(vkCreateImage, .device = OBJECT(VkDevice, OTHER_DEVICE), .pCreateInfo = &info, .pImage = &image);
   CHECK(get_memory(4096, &dedicated) && allocations == 1 && fillings == 1);
   requires_dedicated = true;
   CHECK(!get_memory(4096, &dedicated) && allocations == 1);
   close_device();
}

int main(void)
{
   session_open();
   ctx.instance->functions.EnumerateDeviceExtensionProperties = list_extensions;
   ctx.instance->functions.GetPhysicalDeviceFeatures2 = get_features;
   ctx.instance->functions.GetPhysicalDeviceQueueFamilyProperties = list_families;
   create_device_of_null = ctx.instance->functions.CreateDevice;
   ctx.instance->functions.CreateDevice = create_device;
   queues_of_family = 1;
   test_off();
   test_driver();
   test_server();
   test_dedicated();
   queues_of_family = 2;
   test_server();
   session_close();
   return check_finish();
}
