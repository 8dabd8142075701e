/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_INSTANCE_H
#define VP_SERVER_CORE_INSTANCE_H

#include <stdbool.h>

#include "server/vp_dispatch.h"

struct vps_object;

/* The state of the session's VkInstance. */
struct vps_instance {
   struct vps_context *ctx;
   struct vps_object *object;
   VkInstance handle;
   struct vps_instance_functions functions;
   VkDebugUtilsMessengerEXT messenger; /* of the validation layer's messages; or null */
};

#endif
