/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_SYNC_EVENT_H
#define VP_CLIENT_SYNC_EVENT_H

#include <stdbool.h>

#include "client/link/object.h"

struct vp_connection;

/* The server tells what the GPU does to an event; what the host does is known
 * here at once. */
struct vp_event {
   struct vp_object base;
   _Atomic uint64_t host_operations; /* vkSetEvent and vkResetEvent so far */
   _Atomic uint32_t set;
};

/* An EVENT frame. False when it makes no sense. */
bool vp_event_receive(struct vp_connection *conn, struct vp_event *event, const uint8_t *data, size_t size);

#endif
