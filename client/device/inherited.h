/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_INHERITED_H
#define VP_CLIENT_DEVICE_INHERITED_H

#include "client/core/device.h"
#include "client/core/instance.h"
#include "client/core/physical_device.h"
#include "client/link/connection.h"
#include "client/record/command_buffer.h"
#include "client/sync/queue.h"

/* Whether a handle, by its type, was inherited. */

static inline bool vp_guard_inherited_VkInstance(VkInstance handle)
{
   const struct vp_instance *instance = VP_FROM_HANDLE(struct vp_instance, handle);
   return instance && instance->fork_generation != vp_fork_generation();
}

static inline bool vp_guard_inherited_VkPhysicalDevice(VkPhysicalDevice handle)
{
   return vp_connection_is_inherited(VP_FROM_HANDLE(struct vp_physical_device, handle)->conn);
}

static inline bool vp_guard_inherited_VkDevice(VkDevice handle)
{
   return handle && vp_connection_is_inherited(vp_device_from_handle(handle)->conn);
}

static inline bool vp_guard_inherited_VkQueue(VkQueue handle)
{
   return vp_connection_is_inherited(VP_FROM_HANDLE(struct vp_queue, handle)->device->conn);
}

static inline bool vp_guard_inherited_VkCommandBuffer(VkCommandBuffer handle)
{
   return vp_connection_is_inherited(VP_FROM_HANDLE(struct vp_command_buffer, handle)->device->conn);
}

#endif
