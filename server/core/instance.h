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

/* Whether a queue of one of its devices has something to do; for the executing thread. */
bool vps_instance_is_busy(const struct vps_instance *instance);

/* After a device was lost that its driver does not take for lost: waits until the GPU does nothing for it any more,
 * since the client may destroy what it uses now. False when that takes too long. For the executing thread. */
bool vps_instance_comes_to_rest(const struct vps_instance *instance);

#endif
