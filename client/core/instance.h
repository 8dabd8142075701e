/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_CORE_INSTANCE_H
#define VP_CLIENT_CORE_INSTANCE_H

#include <pthread.h>

#include "client/core/extensions.h"
#include "client/link/object.h"
#include "client/process/config.h"

/* One server of an instance. */
struct vp_server_session {
   struct vp_connection *conn;
   struct vp_object *instance; /* the VkInstance there */
   bool created;               /* it exists on the server */
};

struct vp_instance {
   uintptr_t loader_data;
   unsigned fork_generation;               /* of the process that it belongs to */
   const VkAllocationCallbacks *allocator; /* NULL: the system's */
   VkAllocationCallbacks callbacks;
   struct vp_config config;
   uint32_t api_version;
   struct vp_extension_set extensions;
   struct vp_server_session sessions[VP_MAX_SERVERS];
   unsigned session_count;
   struct vp_physical_device **physical_devices; /* of all servers, one server after another */
   uint32_t physical_device_count;
   uint32_t offered_count; /* of them, the first: those that the application sees */

   pthread_mutex_t messenger_lock;
   struct vp_messenger *messengers;
};

#endif
