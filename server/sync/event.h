/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SYNC_EVENT_H
#define VP_SERVER_SYNC_EVENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct vps_device;

/* The state of a VkEvent. Command buffers and submissions hold it too, so that the threads of queues can look at it
 * whatever the client destroys meanwhile. */
struct vps_event {
   atomic_uint refs;
   struct vps_device *device;
   uint64_t id;
   bool device_only; /* its state cannot be asked for */

   pthread_mutex_t lock;     /* of what follows */
   VkEvent handle;           /* null once it was destroyed */
   uint64_t host_operations; /* vkSetEvent and vkResetEvent */
   bool set;                 /* what the client was told last */
   bool sampled;             /* what it was when it was looked at last, and after how many host operations */
   uint64_t sampled_operations;
};

struct vps_event *vps_event_ref(struct vps_event *event);
void vps_event_unref(struct vps_event *event);

/* Looks at its state. Whether the client was told another one last. */
bool vps_event_sample(struct vps_event *event);

/* Tells the client the state that was seen, unless the host has changed it since. Memory that was written before the
 * event was set must be sent between the two. */
void vps_event_send(struct vps_event *event);

#endif
