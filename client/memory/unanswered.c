/* SPDX-License-Identifier: MIT */

/* How much memory the server is told to use without waiting for its answer. */

#include "client/memory/unanswered.h"

#include <pthread.h>

#include "client/core/device.h"
#include "client/core/physical_device.h"
#include "common/memory/reserve.h"

bool vp_unanswered_exceeds(struct vp_device *device, uint32_t heap, VkDeviceSize size)
{
   const VkDeviceSize heap_size = device->physical_device->memory.memoryProperties.memoryHeaps[heap].size;
   const VkDeviceSize most = vp_reserve_size(heap_size) / 2;
   pthread_mutex_lock(&device->memory_lock);
   const bool exceeds = size > most || device->memory_said - device->memory_answered > most - size;
   if (!exceeds)
      device->memory_said += size;
   pthread_mutex_unlock(&device->memory_lock);
   return exceeds;
}

uint64_t vp_unanswered_said(struct vp_device *device)
{
   pthread_mutex_lock(&device->memory_lock);
   const uint64_t said = device->memory_said;
   pthread_mutex_unlock(&device->memory_lock);
   return said;
}

void vp_unanswered_settle(struct vp_device *device, uint64_t said)
{
   pthread_mutex_lock(&device->memory_lock);
   if (device->memory_answered < said)
      device->memory_answered = said;
   pthread_mutex_unlock(&device->memory_lock);
}
