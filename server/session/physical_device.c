/* SPDX-License-Identifier: MIT */

/* Lists GPUs and groups of them without those that --gpu leaves out and those of our own driver, and says of their
 * memory what is left of the quotas. */

#include <string.h>

#include "common/util/identity.h"
#include "common/wire/chain.h"
#include "server/core/context.h"
#include "server/core/instance.h"
#include "server/core/quota.h"
#include "server/process/gpu_list.h"
#include "server/session/questions.h"

/* The driver of a GPU that is older than Vulkan 1.2 does not say who it is. */
static bool is_own_driver(const struct vps_instance_functions *functions, VkPhysicalDevice handle,
                          VkPhysicalDeviceProperties2 *properties)
{
   VkPhysicalDeviceDriverProperties driver = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
   };

   *properties = (VkPhysicalDeviceProperties2){.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
   functions->GetPhysicalDeviceProperties(handle, &properties->properties);
   if (properties->properties.apiVersion < VK_API_VERSION_1_2 || !functions->GetPhysicalDeviceProperties2)
      return false;
   properties->pNext = &driver;
   functions->GetPhysicalDeviceProperties2(handle, properties);
   properties->pNext = NULL;
   return (uint32_t)driver.driverID == VP_VENUS_PLUS_DRIVER_ID;
}

/* Keeps only the devices that clients may see, and says how many. */
static uint32_t select_devices(const struct vps_context *ctx, VkPhysicalDevice *devices, uint32_t count)
{
   const struct vps_instance_functions *functions = &ctx->instance->functions;
   const bool by_pci = vps_gpu_selects_by_pci(ctx->options);
   uint32_t selected = 0;
   unsigned index = 0;

   for (uint32_t i = 0; i < count; i++) {
      VkPhysicalDeviceProperties2 properties;
      char pci[VPS_GPU_PCI_SIZE] = "";
      if (is_own_driver(functions, devices[i], &properties))
         continue;
      if (by_pci && properties.properties.apiVersion >= VK_API_VERSION_1_1)
         vps_gpu_find_pci(pci, devices[i], functions->EnumerateDeviceExtensionProperties,
                          functions->GetPhysicalDeviceProperties2);
      if (vps_gpu_selected(ctx->options, index++, properties.properties.deviceName, pci))
         devices[selected++] = devices[i];
   }
   return selected;
}

/* The physical device with this handle, if the client knows it. */
static struct vps_object *known_device(const struct vps_context *ctx, VkPhysicalDevice handle)
{
   for (struct vps_object *object = ctx->instance->object->children; object; object = object->next) {
      if (object->type == VK_OBJECT_TYPE_PHYSICAL_DEVICE && object->handle == (uint64_t)(uintptr_t)handle)
         return object;
   }
   return NULL;
}

static VkResult list_physical_devices(struct vps_context *ctx, VkPhysicalDevice **devices, uint32_t *count)
{
   const struct vps_instance *instance = ctx->instance;

   VkResult result = instance->functions.EnumeratePhysicalDevices(instance->handle, count, NULL);
   if (result < 0)
      return result;
   *devices = vps_alloc(ctx, *count, sizeof(**devices));
   if (!*devices)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   result = instance->functions.EnumeratePhysicalDevices(instance->handle, count, *devices);
   if (result < 0)
      return result;
   *count = select_devices(ctx, *devices, *count);
   return VK_SUCCESS;
}

void vps_handle_vkEnumeratePhysicalDevices(struct vps_context *ctx, struct vp_cmd_vkEnumeratePhysicalDevices *a)
{
   const uint32_t room = *a->pPhysicalDeviceCount;
   VkPhysicalDevice *devices = NULL;
   uint32_t count = 0;

   a->ret = list_physical_devices(ctx, &devices, &count);
   if (a->ret < 0 || !a->pPhysicalDevices) {
      *a->pPhysicalDeviceCount = a->ret < 0 ? 0 : count;
      return;
   }
   if (count > room) {
      count = room;
      a->ret = VK_INCOMPLETE;
   }
   *a->pPhysicalDeviceCount = count;
   for (uint32_t i = 0; i < count && !ctx->failed; i++) {
      const struct vps_object *known = known_device(ctx, devices[i]);
      const uint64_t id = (uint64_t)(uintptr_t)a->pPhysicalDevices[i];
      if (known)
         a->pPhysicalDevices[i] = (VkPhysicalDevice)(uintptr_t)known->id;
      else if (vps_check_new(ctx, id))
         vps_add(ctx, VK_OBJECT_TYPE_PHYSICAL_DEVICE, id, (uint64_t)(uintptr_t)devices[i]);
   }
}

/* Leaves only what the client knows, by id. False when nothing is left. */
static bool translate_group(const struct vps_context *ctx, VkPhysicalDeviceGroupProperties *group)
{
   uint32_t count = 0;

   for (uint32_t i = 0; i < group->physicalDeviceCount && i < VK_MAX_DEVICE_GROUP_SIZE; i++) {
      const struct vps_object *known = known_device(ctx, group->physicalDevices[i]);
      if (known)
         group->physicalDevices[count++] = (VkPhysicalDevice)(uintptr_t)known->id;
   }
   group->physicalDeviceCount = count;
   memset(&group->physicalDevices[count], 0, (VK_MAX_DEVICE_GROUP_SIZE - count) * sizeof(group->physicalDevices[0]));
   return count > 0;
}

static VkResult list_groups(struct vps_context *ctx, VkPhysicalDeviceGroupProperties **groups, uint32_t *count)
{
   const struct vps_instance *instance = ctx->instance;
   uint32_t all = 0;

   VkResult result = instance->functions.EnumeratePhysicalDeviceGroups(instance->handle, &all, NULL);
   if (result < 0)
      return result;
   *groups = vps_alloc(ctx, all, sizeof(**groups));
   if (!*groups)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < all; i++)
      (*groups)[i].sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GROUP_PROPERTIES;
   result = instance->functions.EnumeratePhysicalDeviceGroups(instance->handle, &all, *groups);
   if (result < 0)
      return result;

   *count = 0;
   for (uint32_t i = 0; i < all; i++) {
      if (translate_group(ctx, &(*groups)[i]))
         (*groups)[(*count)++] = (*groups)[i];
   }
   return VK_SUCCESS;
}

void vps_handle_vkEnumeratePhysicalDeviceGroups(struct vps_context *ctx,
                                                struct vp_cmd_vkEnumeratePhysicalDeviceGroups *a)
{
   const uint32_t room = *a->pPhysicalDeviceGroupCount;
   VkPhysicalDeviceGroupProperties *groups = NULL;
   uint32_t count = 0;

   a->ret = list_groups(ctx, &groups, &count);
   if (a->ret >= 0 && a->pPhysicalDeviceGroupProperties) {
      if (count > room) {
         count = room;
         a->ret = VK_INCOMPLETE;
      }
      for (uint32_t i = 0; i < count; i++) {
         void *next = a->pPhysicalDeviceGroupProperties[i].pNext;
         a->pPhysicalDeviceGroupProperties[i] = groups[i];
         a->pPhysicalDeviceGroupProperties[i].pNext = next;
      }
   }
   *a->pPhysicalDeviceGroupCount = a->ret < 0 ? 0 : count;
}

static void limit_allocations(VkPhysicalDeviceLimits *limits)
{
   const uint64_t quota = vps_quota_limit(VPS_QUOTA_ALLOCATIONS);

   if (limits->maxMemoryAllocationCount > quota)
      limits->maxMemoryAllocationCount = (uint32_t)quota;
}

void vps_handle_vkGetPhysicalDeviceProperties(struct vps_context *ctx, struct vp_cmd_vkGetPhysicalDeviceProperties *a)
{
   ctx->instance->functions.GetPhysicalDeviceProperties(a->physicalDevice, a->pProperties);
   limit_allocations(&a->pProperties->limits);
}

void vps_handle_vkGetPhysicalDeviceProperties2(struct vps_context *ctx, struct vp_cmd_vkGetPhysicalDeviceProperties2 *a)
{
   VkBaseOutStructure **all = vps_questions_select(ctx, a->physicalDevice, a->pProperties);
   if (!all)
      return;
   ctx->instance->functions.GetPhysicalDeviceProperties2(a->physicalDevice, a->pProperties);
   vps_questions_restore(a->pProperties, all);
   limit_allocations(&a->pProperties->properties.limits);
}

void vps_handle_vkGetPhysicalDeviceFeatures2(struct vps_context *ctx, struct vp_cmd_vkGetPhysicalDeviceFeatures2 *a)
{
   VkBaseOutStructure **all = vps_questions_select(ctx, a->physicalDevice, a->pFeatures);
   if (!all)
      return;
   ctx->instance->functions.GetPhysicalDeviceFeatures2(a->physicalDevice, a->pFeatures);
   vps_questions_restore(a->pFeatures, all);
}

/* What the client has, and what it may have beside that. */
void vps_handle_vkGetPhysicalDeviceMemoryProperties2(struct vps_context *ctx,
                                                     struct vp_cmd_vkGetPhysicalDeviceMemoryProperties2 *a)
{
   const uint64_t left = vps_quota_left(VPS_QUOTA_DEVICE_MEMORY);

   ctx->instance->functions.GetPhysicalDeviceMemoryProperties2(a->physicalDevice, a->pMemoryProperties);
   VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget =
      vp_chain_find(a->pMemoryProperties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
   for (uint32_t i = 0; budget && i < VK_MAX_MEMORY_HEAPS; i++) {
      const VkDeviceSize used = budget->heapUsage[i];
      if (budget->heapBudget[i] > used && budget->heapBudget[i] - used > left)
         budget->heapBudget[i] = used + left;
   }
}
