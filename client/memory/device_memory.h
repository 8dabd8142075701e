/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MEMORY_DEVICE_MEMORY_H
#define VP_CLIENT_MEMORY_DEVICE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>

#include "client/core/device.h"
#include "client/link/object.h"
#include "client/memory/import.h"

struct vp_mapping;

/* In place of a count of submissions: nothing can use it before its first mapping. */
#define VP_BORN_NOW UINT64_MAX

struct vp_device_memory {
   struct vp_object base;
   struct vp_device *device;
   VkDeviceSize size;
   uint32_t heap;
   bool hidden;   /* it cannot be mapped */
   bool told;     /* the server says its address without being asked, see common/memory/address.h */
   uint64_t born; /* the device's count of submissions when it was allocated */

   pthread_mutex_t lock;       /* of the pointer: the receiver can make the mapping, too */
   struct vp_mapping *mapping; /* since it was mapped first, or the server sent something of it */
   bool prepared;              /* the server has all that its first mapping needs */
   bool listed;                /* the device has it in its list of mappings */
   bool placed;                /* where the application wants it */
   bool lent;                  /* other processes may have it, too: it is hidden */
   bool imported;              /* memory of the application's, which is always mapped */
   struct vp_import import;

   /* Under the progress lock. */
   bool has_address; /* the server has said: */
   VkDeviceAddress address;
};

/* The application maps the memory. What it maps is kept equal on both sides from the first time on. On failure the
 * memory is not mapped, and nothing is left of a first mapping. */
VkResult vp_device_memory_start_mapping(struct vp_device_memory *memory);

/* Gives all that the application has written to mapped memory its place in the stream. To be called before everything
 * that sets the GPU going. */
VkResult vp_device_flush_mapped_memory(struct vp_device *device);

/* For the sender: sends what has changed in a mapping, or in all that were made before this place in the stream; not in
 * those that were made before `after`, which have just been looked at. */
void vp_device_send_memory(struct vp_device *device, struct vp_mapping *mapping, uint64_t after, uint64_t place);

/* For a MEMORY frame: a reference to the memory's mapping, which is made when there is none. NULL, with the connection
 * lost, without memory. */
struct vp_mapping *vp_device_memory_hold_mapping(struct vp_device_memory *memory);

/* A STALE frame. */
void vp_device_memory_receive_stale(struct vp_device_memory *memory);

/* An ADDRESS frame. */
void vp_device_memory_receive_address(struct vp_device_memory *memory, VkDeviceAddress address);

/* The address of a memory (by its id, since it may be gone) of which the server says it by itself; waits until it has.
 * 0: it cannot say, or there is no such memory. */
VkDeviceAddress vp_device_memory_address(struct vp_device *device, uint64_t id);

/* What the application can look at after a completed wait has to be there. Mostly it is: the server sends it before it
 * says that the wait is over, unless it did not know yet that the memory is mapped. */
void vp_device_fetch_stale(struct vp_device *device);
static inline void vp_device_acquire_memory(struct vp_device *device)
{
   if (__builtin_expect(device->stale_news != device->stale_fetched, 0))
      vp_device_fetch_stale(device);
}

#endif
