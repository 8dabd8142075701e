/* SPDX-License-Identifier: MIT */
/* Breaks one rule of Vulkan that no driver minds: it leaves a fence behind when it destroys its device. For tests that
 * want to know whether the validation layer is looking. */
#include <stdio.h>
#include <vulkan/vulkan.h>

static int fail(const char *what)
{
   fprintf(stderr, "rule_breaker: %s failed\n", what);
   return 1;
}

int main(void)
{
   const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   const VkDeviceCreateInfo device_info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
   };
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .anisotropyEnable = VK_TRUE,
      .maxAnisotropy = 2.0f,
   };
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkDevice device;
   VkSampler sampler;
   uint32_t count = 1;
   if (vkCreateInstance(&instance_info, NULL, &instance) != VK_SUCCESS)
      return fail("vkCreateInstance");
   if (vkEnumeratePhysicalDevices(instance, &count, &gpu) < 0 || count == 0)
      return fail("vkEnumeratePhysicalDevices");
   if (vkCreateDevice(gpu, &device_info, NULL, &device) != VK_SUCCESS)
      return fail("vkCreateDevice");
   if (vkCreateSampler(device, &sampler_info, NULL, &sampler) != VK_SUCCESS)
      return fail("vkCreateSampler");
   vkDestroySampler(device, sampler, NULL);
   vkDestroyDevice(device, NULL);
   vkDestroyInstance(instance, NULL);
   return 0;
}
