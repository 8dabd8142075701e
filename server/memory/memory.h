/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_MEMORY_H
#define VP_SERVER_MEMORY_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;
struct vps_device;
struct vps_object;

/* What is bound where is known in pieces of this size. */
#define VPS_PIECE ((VkDeviceSize)64 << 10)

/* The state of a VkDeviceMemory. The device's list of followed memory, buffers and what command buffers write hold it
 * too, for the threads of queues. */
struct vps_memory {
   struct vps_device *device;
   uint64_t id;
   VkDeviceMemory handle; /* VK_NULL_HANDLE when it was freed */
   VkDeviceSize size;
   uint32_t type;
   bool visible, coherent;
   bool lent; /* other sessions may have it, too (server/core/sharing.h): it cannot be mapped here */

   atomic_uint refs;
   atomic_uint classes;             /* VPS_WRITES_... that can change something of it */
   struct vps_memory *next, **link; /* under the device's mapped_lock; link NULL: not followed */

   pthread_mutex_t lock; /* of what follows */
   void *pointer;        /* the driver's mapping; NULL: none yet. With it there are a twin and `dirty` */
   uint8_t *real;        /* the same once the memory is followed; NULL: it is not, or freed */
   uint8_t *twin;        /* what the client has, where the GPU can write */
   uint8_t *exposed;     /* by piece: classes of what is bound there; NULL: not visible */
   uint64_t *dirty;      /* by page: the GPU may have written there since it was compared with the twin */
   size_t dirty_pages;
   bool inexact;  /* it is not known exactly where, so that fewer pages may have changed */
   bool bound;    /* something is bound to it */
   bool unclean;  /* mapped as fresh and not filled with zeros yet */
   bool received; /* the client has sent changes: it is not zeros where the GPU cannot write */

   bool shared;        /* the client has a copy */
   bool opened;        /* it has mapped it once */
   atomic_bool mapped; /* the application can look at it now; changed with the lock */
   bool stale;         /* the client was told that its copy is old */
   bool wanted;        /* changes were looked at before */
   unsigned unseen;    /* how often they were sent since the application could look at them last */
};

struct vps_memory *vps_memory_ref(struct vps_memory *memory);
void vps_memory_unref(struct vps_memory *memory);

/* What another session lends, with that in the chain of the info, as the object with this id. *result: whether there is
 * something to import, and then whether the driver has done so. */
void vps_memory_import(struct vps_context *ctx, const VkMemoryAllocateInfo *info, uint64_t id, VkResult *result);

/* Which memory a MEMORY frame of the client is about; NULL: it is thrown away. False when the session is over. */
bool vps_memory_find(struct vps_context *ctx, uint64_t id, struct vps_memory **memory);

/* Applies such a frame. NULL, or what is wrong with it. For one thread at a time, between two commands. */
const char *vps_memory_receive(struct vps_memory *memory, const uint8_t *data, size_t size);

/* Something is bound to a part of a VkDeviceMemory, and the GPU may write to it in these classes (0: it only reads).
 * `copies`: it is a buffer with which nothing can be done but copying. */
void vps_memory_bind(struct vps_object *object, VkDeviceSize offset, VkDeviceSize size, unsigned classes, bool copies);

/* With its lock: makes what the GPU wrote visible to us. */
void vps_memory_invalidate(const struct vps_memory *memory);

#endif
