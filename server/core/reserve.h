/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_RESERVE_H
#define VP_SERVER_CORE_RESERVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_context;
struct vps_device;

/* Memory that is kept back for a device, of each heap and of the process, and of the client's quotas. A client that was
 * not told otherwise relies on small allocations, mappings and creations: when the driver has no memory for one, the
 * reserve is given up and it is tried again. From then on, until there is a reserve again, the client waits for every
 * answer. */
struct vps_reserve {
   pthread_mutex_t lock; /* threads that replay recordings fill it, too; others empty it */
   VkDeviceMemory heaps[VK_MAX_MEMORY_HEAPS];
   void *host;
   bool objects;       /* VP_RESERVE_OBJECTS are taken from the quota */
   atomic_bool missed; /* the client knows that it is not complete */
   uint64_t lent;      /* objects that were let in since it was complete, for which there was no host memory */
   int64_t tried_ms;   /* when it was filled last, or could not be */
};

/* Allocates what is missing, and tells the client when that changes whether it is complete. */
void vps_reserve_fill(struct vps_device *device);

/* Frees it; any thread may. False when there was nothing. */
bool vps_reserve_empty(struct vps_device *device);

/* After something was freed, or some time after it was tried last: lets the command that is executed end in filling it.
 * A device that could not be created (NULL) has none. */
void vps_reserve_want(struct vps_context *ctx, struct vps_device *device, bool freed);

/* Whether the current command should call the driver again: it failed because something ran out, and the reserve has
 * been given up now. */
bool vps_try_again(struct vps_context *ctx, VkResult result);

/* The same for a call that any thread has made about this device. */
bool vps_reserve_give_up(struct vps_device *device, VkResult result);

/* Whether so many new objects may have a little more than the quota of host memory: the client may have said them
 * before it knew. */
bool vps_reserve_lend(struct vps_device *device, uint64_t count);

/* At the end of a command, before its reply. */
void vps_reserve_settle(struct vps_context *ctx);

#endif
