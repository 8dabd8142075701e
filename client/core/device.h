/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_DEVICE_H
#define VP_CLIENT_CORE_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "client/core/buffer_rules.h"
#include "client/core/descriptor_questions.h"
#include "client/core/descriptor_rules.h"
#include "client/core/extensions.h"
#include "client/core/resource_kind.h"
#include "client/link/connection.h"
#include "client/link/object.h"
#include "client/link/reply_cache.h"

struct vp_device {
   struct vp_object base;
   struct vp_physical_device *physical_device;
   struct vp_connection *conn;
   const VkAllocationCallbacks *allocator; /* NULL: the system's */
   VkAllocationCallbacks callbacks;
   struct vp_extension_set extensions;
   uint32_t api_version;
   struct vp_reply_cache cache;
   struct vp_queue **queues;
   uint32_t queue_count;

   pthread_mutex_t memory_lock;  /* of what follows */
   struct vp_mapping **mappings; /* of every memory that was mapped once; references */
   size_t mapping_count, mapping_capacity;
   struct vp_device_memory *imports; /* that can be imported again: see client/memory/import.h */
   uint32_t allocation_count;
   uint64_t memory_said;              /* bytes that were allocated or mapped without waiting for an answer */
   uint64_t memory_answered;          /* of which it is known that the server had them */
   atomic_bool is_short;              /* the server has no reserve of memory, see PROTOCOL.md */
   atomic_bool shares;                /* other sessions may have something of it: no early waits */
   _Atomic uint64_t submission_count; /* of all queues, and what submissions may wait for */

   /* How often mapped memory was said to be stale, and how much of that has been seen to. */
   pthread_mutex_t fetch_lock;
   _Atomic uint64_t stale_news, stale_fetched;

   /* Pipeline layouts that were destroyed while something was recorded, see pipeline_layout.c. */
   atomic_uint recording_count; /* command buffers */
   pthread_mutex_t late_lock;
   struct vp_late_layout *_Atomic late_layouts;

   struct vp_resource_kinds kinds;
   struct vp_buffer_rules buffer_rules;
   struct vp_descriptor_rules descriptor_rules;
   struct vp_descriptor_questions descriptor_questions;
};

/* Whether a command that could be said without waiting for an answer waits for it nevertheless: the server is short of
 * memory, such a command has failed already after the application had been told of success, or many objects are under
 * way. */
static inline bool vp_device_is_careful(const struct vp_device *device, uint32_t command)
{
   return device->is_short || vp_connection_has_failed(device->conn, command) ||
          vp_connection_exceeds_reserve(device->conn);
}

static inline struct vp_device *vp_device_from_handle(VkDevice handle)
{
   return VP_FROM_HANDLE(struct vp_device, handle);
}

#endif
