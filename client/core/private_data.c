/* SPDX-License-Identifier: MIT */

/* Private data: each object has a list of values by slot, and the server hears nothing of them. */

#include <stdlib.h>

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_entry.h"

static struct vp_private_value *private_data_find(const struct vp_object *object, VkPrivateDataSlot slot)
{
   const uint64_t id = vp_object_id((uint64_t)(uintptr_t)slot);
   struct vp_private_value *value = object->private_values;
   while (value && value->slot != id)
      value = value->next;
   return value;
}

/* Different threads may set data of one object, in different slots: the lock of the table of objects guards the list.
 */
VKAPI_ATTR VkResult VKAPI_CALL vp_vkSetPrivateData(VkDevice handle, VkObjectType objectType, uint64_t objectHandle,
                                                   VkPrivateDataSlot slot, uint64_t data)
{
   (void)objectType;
   struct vp_device *device = vp_device_from_handle(handle);
   struct vp_object *object = VP_FROM_HANDLE(struct vp_object, objectHandle);
   pthread_mutex_lock(&device->conn->objects.lock);
   struct vp_private_value *value = private_data_find(object, slot);
   if (!value) {
      value = calloc(1, sizeof(*value));
      if (value) {
         value->slot = vp_object_id((uint64_t)(uintptr_t)slot);
         value->next = object->private_values;
         object->private_values = value;
      }
   }
   if (value)
      value->data = data;
   pthread_mutex_unlock(&device->conn->objects.lock);
   return value ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

VKAPI_ATTR void VKAPI_CALL vp_vkGetPrivateData(VkDevice handle, VkObjectType objectType, uint64_t objectHandle,
                                               VkPrivateDataSlot slot, uint64_t *pData)
{
   (void)objectType;
   struct vp_device *device = vp_device_from_handle(handle);
   pthread_mutex_lock(&device->conn->objects.lock);
   const struct vp_private_value *value = private_data_find(VP_FROM_HANDLE(struct vp_object, objectHandle), slot);
   *pData = value ? value->data : 0;
   pthread_mutex_unlock(&device->conn->objects.lock);
}
