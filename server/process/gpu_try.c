/* SPDX-License-Identifier: MIT */

/* Lets each GPU set an event, with everything that this takes. */

#include "server/process/gpu_try.h"

#include <stdint.h>
#include <stdio.h>
#include <vulkan/vulkan.h>

#include "server/process/gpu_list.h"

#define MAX_GPUS 64u
#define MAX_FAMILIES 64u
#define WAIT_NS UINT64_C(10000000000)

/* What a trial needs, all of which goes with the device. */
struct trial {
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkCommandBuffer commands;
   VkEvent event;
   VkFence fence;
};

/* The first family that can set events. */
static uint32_t find_family(VkPhysicalDevice gpu)
{
   VkQueueFamilyProperties families[MAX_FAMILIES];
   uint32_t count = MAX_FAMILIES, family = 0;

   vkGetPhysicalDeviceQueueFamilyProperties(gpu, &count, families);
   while (family < count && !(families[family].queueFlags & (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT)))
      family++;
   return family;
}

static VkResult open_device(struct trial *trial, VkPhysicalDevice gpu, uint32_t family)
{
   const float priority = 1;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = family,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};

   const VkResult result = vkCreateDevice(gpu, &info, NULL, &trial->device);
   if (result == VK_SUCCESS)
      vkGetDeviceQueue(trial->device, family, 0, &trial->queue);
   return result;
}

static VkResult make_objects(struct trial *trial, uint32_t family)
{
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = family};
   const VkEventCreateInfo event = {.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
   const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkCommandBufferAllocateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .commandBufferCount = 1};
   VkResult result = vkCreateCommandPool(trial->device, &pool, NULL, &trial->pool);

   commands.commandPool = trial->pool;
   if (result == VK_SUCCESS)
      result = vkAllocateCommandBuffers(trial->device, &commands, &trial->commands);
   if (result == VK_SUCCESS)
      result = vkCreateEvent(trial->device, &event, NULL, &trial->event);
   return result == VK_SUCCESS ? vkCreateFence(trial->device, &fence, NULL, &trial->fence) : result;
}

static VkResult run_trial(const struct trial *trial)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &trial->commands};
   VkResult result = vkBeginCommandBuffer(trial->commands, &begin);

   if (result != VK_SUCCESS)
      return result;
   vkCmdSetEvent(trial->commands, trial->event, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
   result = vkEndCommandBuffer(trial->commands);
   if (result == VK_SUCCESS)
      result = vkQueueSubmit(trial->queue, 1, &submit, trial->fence);
   return result == VK_SUCCESS ? vkWaitForFences(trial->device, 1, &trial->fence, VK_TRUE, WAIT_NS) : result;
}

/* What it has made stays when the GPU does not do it: the process is about to end. */
static VkResult try_gpu(VkPhysicalDevice gpu)
{
   const uint32_t family = find_family(gpu);
   struct trial trial = {0};
   VkResult result = open_device(&trial, gpu, family);

   if (result == VK_SUCCESS)
      result = make_objects(&trial, family);
   if (result == VK_SUCCESS)
      result = run_trial(&trial);
   if (result != VK_SUCCESS)
      return result;
   vkDestroyFence(trial.device, trial.fence, NULL);
   vkDestroyEvent(trial.device, trial.event, NULL);
   vkDestroyCommandPool(trial.device, trial.pool, NULL);
   vkDestroyDevice(trial.device, NULL);
   return VK_SUCCESS;
}

bool vps_gpu_try(const struct vps_options *options, char *error, size_t error_size)
{
   VkPhysicalDevice gpus[MAX_GPUS] = {VK_NULL_HANDLE};
   VkInstance instance;
   uint32_t count = MAX_GPUS;
   VkResult result = vps_gpu_instance_create(&instance);

   if (result == VK_SUCCESS)
      result = vkEnumeratePhysicalDevices(instance, &count, gpus);
   if (result < 0) {
      snprintf(error, error_size, "the Vulkan drivers of this machine fail with VkResult %d", result);
      return false;
   }
   for (uint32_t i = 0; i < count; i++) {
      VkPhysicalDeviceProperties properties;
      char pci[VPS_GPU_PCI_SIZE] = "";
      vkGetPhysicalDeviceProperties(gpus[i], &properties);
      if (vps_gpu_selects_by_pci(options) && properties.apiVersion >= VK_API_VERSION_1_1)
         vps_gpu_find_pci(pci, gpus[i], vkEnumerateDeviceExtensionProperties, vkGetPhysicalDeviceProperties2);
      result = vps_gpu_selected(options, i, properties.deviceName, pci) ? try_gpu(gpus[i]) : VK_SUCCESS;
      if (result != VK_SUCCESS) {
         snprintf(error, error_size, "the GPU %s does not do what it is given (VkResult %d)", properties.deviceName,
                  result);
         return false;
      }
   }
   vkDestroyInstance(instance, NULL);
   return true;
}
