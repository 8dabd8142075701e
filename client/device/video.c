/* SPDX-License-Identifier: MIT */

/* Video sessions and their parameters: a program decodes by itself where the GPU cannot, so it waits whether it can.
 * There is one for each stream, and nothing of it is in the way of frames. */

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

VkResult vp_say_vkCreateVideoSessionParametersKHR(struct vp_device *device, void *object,
                                                  struct vp_cmd_vkCreateVideoSessionParametersKHR *a)
{
   (void)object;
   return vp_try_vkCreateVideoSessionParametersKHR(device, true, a);
}

#endif
