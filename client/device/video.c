/* SPDX-License-Identifier: MIT */

/* Video sessions: a program decodes by itself where the GPU cannot, so it waits whether it has one. There is one for
 * each stream, and it is not in the way of frames. Parameters are, and are not waited for. */

#include "client/core/device.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#ifdef VP_HAS_VIDEO

VkResult vp_say_vkCreateVideoSessionKHR(struct vp_device *device, void *object,
                                        struct vp_cmd_vkCreateVideoSessionKHR *a)
{
   (void)object;
   return vp_try_vkCreateVideoSessionKHR(device, true, a);
}

#endif
