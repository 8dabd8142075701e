/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_IMPORT_H
#define VP_CLIENT_MEMORY_IMPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vp_device;
struct vp_device_memory;

/* Memory of the application's that it imports into a device more than once, from the same place on. For the GPU that is
 * one memory: what is written through one import is read through the other in the same submission. So the later import
 * is another handle for the first one, if that is as long and of the same kind. */
struct vp_import {
   struct vp_device_memory *original; /* the first one; NULL for itself */

   /* Of the original, with the device's memory_lock: */
   struct vp_device_memory *next;   /* in the device's list */
   uint32_t handles;                /* that the application has not freed */
   VkAllocationCallbacks allocator; /* to free it with, when its own handle was freed before others */
   uint32_t type;
   VkMemoryAllocateFlagsInfo flags;
};

/* Another handle for memory that this device has imported before. NULL when there is none: then memory is to be
 * imported, and added when all has gone well. */
struct vp_device_memory *vp_import_again(struct vp_device *device, const VkMemoryAllocateInfo *info,
                                         const VkAllocationCallbacks *allocator);
void vp_import_add(struct vp_device_memory *memory, const VkMemoryAllocateInfo *info);

/* The application frees a handle. True when it was the last one: then the original, *memory, is to be destroyed with
 * this *allocator. */
bool vp_import_release(struct vp_device_memory **memory, const VkAllocationCallbacks **allocator);

#endif
