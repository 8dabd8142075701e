/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_EVENT_H
#define VP_SERVER_EVENT_H

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
};

struct vps_event *vps_event_ref(struct vps_event *event);
void vps_event_unref(struct vps_event *event);

/* Whether the client must be told of its state. */
bool vps_event_changed(struct vps_event *event);

/* Tells the client. */
void vps_event_send(struct vps_event *event);

#endif
