/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_DEVICE_MEMORY_H
#define VP_CLIENT_DEVICE_MEMORY_H

#include "client/object.h"

#include <pthread.h>
#include <stdbool.h>

struct vp_device;

struct vp_device_memory {
   struct vp_object base;
   struct vp_device *device;
   VkDeviceSize size;
   uint32_t heap;
   uint64_t born; /* the device's count of submissions when it was allocated */

   pthread_mutex_t lock;       /* shadow and twin change together */
   struct vp_mapping *mapping; /* since it was mapped first */
   bool mapped;
   bool maybe_changed;                   /* by the application, since the last flush */
   struct vp_device_memory *prev, *next; /* in the device's list of mapped ones */
};

/* Puts all that the application has written to mapped memory into the stream. To
 * be called before everything that sets the GPU going. */
VkResult vp_device_flush_mapped_memory(struct vp_device *device);

/* A MEMORY frame. False when it makes no sense. */
bool vp_device_memory_receive(struct vp_device_memory *memory, const uint8_t *data, size_t size);

#endif
