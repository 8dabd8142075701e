/* SPDX-License-Identifier: MIT */

/* Makes and frees what handles point to, with the application's VkAllocationCallbacks or the system's; and says what a
 * call may return for an error that belongs to an earlier one. */

#include "client/link/object.h"

#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_icd.h>

#include "client/link/object_table.h"

static VKAPI_ATTR void *VKAPI_CALL system_alloc(void *data, size_t size, size_t alignment,
                                                VkSystemAllocationScope scope)
{
   (void)data, (void)alignment, (void)scope;
   return malloc(size);
}

static VKAPI_ATTR void VKAPI_CALL system_free(void *data, void *memory)
{
   (void)data;
   free(memory);
}

static const VkAllocationCallbacks system_allocator = {.pfnAllocation = system_alloc, .pfnFree = system_free};

const VkAllocationCallbacks *vp_allocator(const VkAllocationCallbacks *own, const VkAllocationCallbacks *parent)
{
   if (own)
      return own;
   return parent ? parent : &system_allocator;
}

void *vp_alloc(const VkAllocationCallbacks *allocator, size_t size, VkSystemAllocationScope scope)
{
   void *memory = allocator->pfnAllocation(allocator->pUserData, size, 16, scope);
   if (memory)
      memset(memory, 0, size);
   return memory;
}

void vp_free(const VkAllocationCallbacks *allocator, void *memory)
{
   if (memory)
      allocator->pfnFree(allocator->pUserData, memory);
}

void *vp_object_create(struct vp_object_table *table, const VkAllocationCallbacks *allocator, VkObjectType type,
                       size_t size)
{
   struct vp_object *object = vp_alloc(allocator, size, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
   if (!object)
      return NULL;
   object->loader_data = ICD_LOADER_MAGIC;
   object->type = type;
   if (!vp_object_table_add(table, object)) {
      vp_free(allocator, object);
      return NULL;
   }
   return object;
}

void vp_object_free(const VkAllocationCallbacks *allocator, void *memory)
{
   struct vp_object *object = memory;
   while (object->private_values) {
      struct vp_private_value *next = object->private_values->next;
      free(object->private_values);
      object->private_values = next;
   }
   vp_free(allocator, object);
}

void vp_object_destroy(struct vp_object_table *table, const VkAllocationCallbacks *allocator, void *object)
{
   if (!object)
      return;
   vp_object_table_remove(table, object);
   vp_object_free(allocator, object);
}

VkResult vp_late_result(VkResult error)
{
   switch (error) {
   case VK_SUCCESS:
   case VK_ERROR_OUT_OF_HOST_MEMORY:
   case VK_ERROR_OUT_OF_DEVICE_MEMORY:
   case VK_ERROR_DEVICE_LOST:
      return error;
   default:
      return VK_ERROR_UNKNOWN;
   }
}
