/* SPDX-License-Identifier: MIT */
#include "client/link/object.h"

#include "client/link/connection.h"
#include "client/device/private_data.h"

#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_icd.h>

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

void *vp_object_create(struct vp_connection *conn, const VkAllocationCallbacks *allocator, VkObjectType type,
                       size_t size)
{
   struct vp_object *object = vp_alloc(allocator, size, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
   if (!object)
      return NULL;
   object->loader_data = ICD_LOADER_MAGIC;
   object->type = type;
   if (!vp_connection_add_object(conn, object)) {
      vp_free(allocator, object);
      return NULL;
   }
   return object;
}

void vp_object_free(const VkAllocationCallbacks *allocator, void *memory)
{
   struct vp_object *object = memory;
   vp_private_values_destroy(object->private_values);
   vp_free(allocator, object);
}

void vp_object_destroy(struct vp_connection *conn, const VkAllocationCallbacks *allocator, void *object)
{
   if (!object)
      return;
   vp_connection_remove_object(conn, object);
   vp_object_free(allocator, object);
}
