/* SPDX-License-Identifier: MIT */

/* What the Vulkan loader calls: interface versions 5 to 7. */

#include <string.h>
#include <vulkan/vk_icd.h>

#include "client/core/entry_table.h"

#define OLDEST_INTERFACE 5
#define NEWEST_INTERFACE 7

/* The library's only names that others see. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance instance, const char *name);
EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetPhysicalDeviceProcAddr(VkInstance instance,
                                                                                  const char *name);

VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
   if (*version < OLDEST_INTERFACE)
      return VK_ERROR_INCOMPATIBLE_DRIVER;
   if (*version > NEWEST_INTERFACE)
      *version = NEWEST_INTERFACE;
   return VK_SUCCESS;
}

/* From interface 7 on the loader may ask for its own entry points this way. */
static PFN_vkVoidFunction find_icd_function(const char *name)
{
   if (!strcmp(name, "vk_icdNegotiateLoaderICDInterfaceVersion"))
      return (PFN_vkVoidFunction)vk_icdNegotiateLoaderICDInterfaceVersion;
   if (!strcmp(name, "vk_icdGetPhysicalDeviceProcAddr"))
      return (PFN_vkVoidFunction)vk_icdGetPhysicalDeviceProcAddr;
   return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance instance, const char *name)
{
   const struct vp_entry *entry = name ? vp_entry_find(name) : NULL;
   if (!entry)
      return name ? find_icd_function(name) : NULL;
   if (!instance && entry->level != VP_ENTRY_GLOBAL && strcmp(name, "vkGetInstanceProcAddr") != 0)
      return NULL;
   return entry->function;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name)
{
   (void)instance;
   const struct vp_entry *entry = name ? vp_entry_find(name) : NULL;
   return entry && entry->level == VP_ENTRY_PHYSICAL_DEVICE ? entry->function : NULL;
}
