/* SPDX-License-Identifier: MIT */
/* The Vulkan that all parts use. */
#include <stdlib.h>
#include <string.h>

#include "stress.h"

static const char *const push_descriptor = VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;

/* --- set-up --- */

static void find_features(struct world *world, VkPhysicalDeviceVulkan12Features *enable)
{
   VkPhysicalDeviceVulkan12Features has = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
   VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &has};
   vkGetPhysicalDeviceFeatures2(world->gpu, &features);
   world->has_address = has.bufferDeviceAddress;
   world->has_update_after_bind = has.descriptorBindingStorageBufferUpdateAfterBind;
   enable->sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
   enable->timelineSemaphore = VK_TRUE;
   enable->bufferDeviceAddress = has.bufferDeviceAddress;
   enable->descriptorBindingStorageBufferUpdateAfterBind = has.descriptorBindingStorageBufferUpdateAfterBind;
}

static void find_properties(struct world *world)
{
   VkPhysicalDeviceVulkan11Properties more = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES};
   VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &more};
   VkQueueFamilyProperties family;
   uint32_t count = 1;
   vkGetPhysicalDeviceProperties2(world->gpu, &properties);
   vkGetPhysicalDeviceMemoryProperties(world->gpu, &world->memory);
   vkGetPhysicalDeviceQueueFamilyProperties(world->gpu, &count, &family);
   if (count == 0 || !(family.queueFlags & VK_QUEUE_COMPUTE_BIT))
      give_up(world, "the first queue family cannot compute", VK_ERROR_UNKNOWN);
   world->has_timestamps = family.timestampValidBits != 0;
   world->max_allocation = more.maxMemoryAllocationSize;
   world->storage_alignment = properties.properties.limits.minStorageBufferOffsetAlignment;
   world->texel_alignment = properties.properties.limits.minTexelBufferOffsetAlignment;
}

static void find_extensions(struct world *world)
{
   uint32_t count = 0;
   MUST(world, vkEnumerateDeviceExtensionProperties(world->gpu, NULL, &count, NULL));
   VkExtensionProperties *extensions = must_alloc((count + 1) * sizeof(*extensions));
   MUST(world, vkEnumerateDeviceExtensionProperties(world->gpu, NULL, &count, extensions));
   for (uint32_t i = 0; i < count; i++)
      world->has_push_descriptors =
         world->has_push_descriptors || strcmp(extensions[i].extensionName, push_descriptor) == 0;
   free(extensions);
}

void world_create(struct world *world)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "memory_stress",
      .apiVersion = VK_API_VERSION_1_2,
   };
   const VkInstanceCreateInfo instance = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };
   uint32_t count = 1;
   MUST(world, vkCreateInstance(&instance, NULL, &world->instance));
   const VkResult result = vkEnumeratePhysicalDevices(world->instance, &count, &world->gpu);
   if (result < 0 || count == 0)
      give_up(world, "no GPU", result);
   find_properties(world);
   find_extensions(world);
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkPhysicalDeviceVulkan12Features features = {0};
   find_features(world, &features);
   const VkDeviceCreateInfo device = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = world->has_push_descriptors,
      .ppEnabledExtensionNames = &push_descriptor,
   };
   MUST(world, vkCreateDevice(world->gpu, &device, NULL, &world->device));
   vkGetDeviceQueue(world->device, 0, 0, &world->queue);
   pthread_mutex_init(&world->queue_lock, NULL);
   pthread_mutex_init(&world->query_lock, NULL);
}

void world_destroy(struct world *world)
{
   vkDestroyDevice(world->device, NULL);
   vkDestroyInstance(world->instance, NULL);
   pthread_mutex_destroy(&world->queue_lock);
   pthread_mutex_destroy(&world->query_lock);
}

static VkCommandBuffer allocate_commands(struct worker *w, VkCommandBufferLevel level)
{
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = w->pool,
      .level = level,
      .commandBufferCount = 1,
   };
   VkCommandBuffer commands;
   MUST(w->world, vkAllocateCommandBuffers(w->world->device, &info, &commands));
   return commands;
}

void worker_create_gpu(struct worker *w)
{
   struct world *world = w->world;
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
   MUST(world, vkCreateCommandPool(world->device, &pool, NULL, &w->pool));
   w->primary = allocate_commands(w, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
   w->secondary = allocate_commands(w, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
   MUST(world, vkCreateFence(world->device, &fence, NULL, &w->fence));
   MUST(world, vkCreateSemaphore(world->device, &semaphore, NULL, &w->timeline));
}

void worker_destroy_gpu(struct worker *w)
{
   const VkDevice device = w->world->device;
   vkDestroySemaphore(device, w->timeline, NULL);
   vkDestroyFence(device, w->fence, NULL);
   vkDestroyCommandPool(device, w->pool, NULL);
}

/* --- areas --- */

uint32_t find_memory_type(const struct world *world, uint32_t bits, VkMemoryPropertyFlags wanted)
{
   for (uint32_t i = 0; i < world->memory.memoryTypeCount; i++) {
      if (bits & 1u << i && (world->memory.memoryTypes[i].propertyFlags & wanted) == wanted)
         return i;
   }
   give_up(world, "no memory of the wanted kind", VK_ERROR_UNKNOWN);
}

void area_create(struct world *world, struct area *area, VkDeviceSize size, VkBufferUsageFlags usage, bool visible)
{
   const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size, .usage = usage};
   VkMemoryRequirements needs;
   MUST(world, vkCreateBuffer(world->device, &info, NULL, &area->buffer));
   vkGetBufferMemoryRequirements(world->device, area->buffer, &needs);
   const VkMemoryPropertyFlags wanted = visible
                                           ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
                                           : VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
   const VkMemoryAllocateFlagsInfo flags = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
   };
   const VkMemoryAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT ? &flags : NULL,
      .allocationSize = needs.size,
      .memoryTypeIndex = find_memory_type(world, needs.memoryTypeBits, wanted),
   };
   MUST(world, vkAllocateMemory(world->device, &allocate, NULL, &area->memory));
   MUST(world, vkBindBufferMemory(world->device, area->buffer, area->memory, 0));
   area->size = needs.size;
   area->map = NULL;
}

void area_map(struct world *world, struct area *area)
{
   MUST(world, vkMapMemory(world->device, area->memory, 0, VK_WHOLE_SIZE, 0, (void **)&area->map));
}

void area_unmap(struct world *world, struct area *area)
{
   vkUnmapMemory(world->device, area->memory);
   area->map = NULL;
}

void area_destroy(struct world *world, struct area *area)
{
   vkDestroyBuffer(world->device, area->buffer, NULL);
   vkFreeMemory(world->device, area->memory, NULL);
}

/* --- mirrors --- */

void mirror_create(struct world *world, struct mirror *mirror, uint32_t size, VkBufferUsageFlags usage,
                   uint64_t *random)
{
   area_create(world, &mirror->area, size, usage, true);
   area_map(world, &mirror->area);
   mirror->size = size;
   mirror->model = must_alloc(size);
   random_bytes(random, mirror->model, size);
   memcpy(mirror->area.map, mirror->model, size);
}

void mirror_destroy(struct world *world, struct mirror *mirror)
{
   area_destroy(world, &mirror->area); /* mapped as it is */
   free(mirror->model);
}

void mirror_compare(struct worker *w, const struct mirror *mirror, const char *what)
{
   compare(w, what, mirror->model, mirror->area.map, mirror->size, 0);
}

void mirror_change(struct worker *w, struct mirror *mirror, uint32_t offset, uint32_t size)
{
   for (unsigned i = size ? below(&w->random, 4) : 0; i > 0; i--) {
      const uint32_t first = below(&w->random, size), length = 1 + below(&w->random, size - first);
      host_change(w, mirror->area.map + offset + first, mirror->model + offset + first, length);
   }
}

/* --- commands --- */

void gpu_begin(struct worker *w)
{
   const VkCommandBufferInheritanceInfo inheritance = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
   const VkCommandBufferBeginInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
      .pInheritanceInfo = &inheritance,
   };
   w->commands = one_in(&w->random, 3) ? w->secondary : w->primary;
   MUST(w->world, vkBeginCommandBuffer(w->commands, &info));
}

/* What was recorded is in the primary command buffer afterwards. */
static void end(struct worker *w)
{
   const VkCommandBufferBeginInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   if (w->commands == w->secondary) {
      MUST(w->world, vkEndCommandBuffer(w->secondary));
      MUST(w->world, vkBeginCommandBuffer(w->primary, &info));
      vkCmdExecuteCommands(w->primary, 1, &w->secondary);
   }
   MUST(w->world, vkEndCommandBuffer(w->primary));
}

void gpu_barrier(struct worker *w)
{
   const VkMemoryBarrier all = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT | VK_ACCESS_HOST_READ_BIT,
   };
   vkCmdPipelineBarrier(w->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &all, 0, NULL, 0, NULL);
}

void gpu_copy(struct worker *w, VkBuffer from, VkDeviceSize source, VkBuffer to, VkDeviceSize target, VkDeviceSize size)
{
   vkCmdCopyBuffer(w->commands, from, to, 1, &(VkBufferCopy){source, target, size});
   gpu_barrier(w);
}

void gpu_submit_after(struct worker *w, VkSemaphore semaphore, uint64_t value)
{
   const uint64_t done = ++w->timeline_value;
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const uint32_t wait_count = semaphore ? 1 : 0;
   const VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = wait_count,
      .pWaitSemaphoreValues = &value,
      .signalSemaphoreValueCount = 1,
      .pSignalSemaphoreValues = &done,
   };
   const VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = &values,
      .waitSemaphoreCount = wait_count,
      .pWaitSemaphores = &semaphore,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &w->primary,
      .signalSemaphoreCount = 1,
      .pSignalSemaphores = &w->timeline,
   };
   end(w);
   pthread_mutex_lock(&w->world->queue_lock);
   MUST(w->world, vkQueueSubmit(w->world->queue, 1, &info, w->fence));
   pthread_mutex_unlock(&w->world->queue_lock);
}

void gpu_submit(struct worker *w)
{
   gpu_submit_after(w, VK_NULL_HANDLE, 0);
}

/* --- waiting --- */

static void poll_until(struct worker *w, bool counter)
{
   const int64_t deadline = now_ns() + (int64_t)WAIT_NS;
   for (;;) {
      uint64_t value = 0;
      VkResult result = counter ? vkGetSemaphoreCounterValue(w->world->device, w->timeline, &value)
                                : vkGetFenceStatus(w->world->device, w->fence);
      if (counter && result == VK_SUCCESS && value < w->timeline_value)
         result = VK_NOT_READY;
      if (result == VK_SUCCESS)
         return;
      if (result != VK_NOT_READY || now_ns() > deadline)
         give_up(w->world, "polling", result);
      pause_ns(50000);
   }
}

void gpu_wait(struct worker *w)
{
   struct world *world = w->world;
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &w->timeline,
      .pValues = &w->timeline_value,
   };
   switch (below(&w->random, 5)) {
   case 0:
      MUST(world, vkWaitForFences(world->device, 1, &w->fence, VK_TRUE, WAIT_NS));
      break;
   case 1:
      poll_until(w, false);
      break;
   case 2:
      MUST(world, vkWaitSemaphores(world->device, &info, WAIT_NS));
      break;
   case 3:
      poll_until(w, true);
      break;
   default:
      pthread_mutex_lock(&world->queue_lock);
      MUST(world, vkQueueWaitIdle(world->queue));
      pthread_mutex_unlock(&world->queue_lock);
      break;
   }
}

void gpu_recycle(struct worker *w)
{
   MUST(w->world, vkWaitForFences(w->world->device, 1, &w->fence, VK_TRUE, WAIT_NS));
   MUST(w->world, vkResetFences(w->world->device, 1, &w->fence));
   MUST(w->world, vkResetCommandPool(w->world->device, w->pool, 0));
}
