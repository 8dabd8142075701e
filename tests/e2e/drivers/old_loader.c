/* SPDX-License-Identifier: MIT */

/* Loaded before the Vulkan loader it makes of it one of Vulkan 1.1, so that a program finds nothing newer. */

#include <vulkan/vulkan.h>

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateInstanceVersion(uint32_t *version)
{
   *version = VK_API_VERSION_1_1;
   return VK_SUCCESS;
}
