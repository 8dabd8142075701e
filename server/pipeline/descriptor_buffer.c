/* SPDX-License-Identifier: MIT */

/* The bytes of descriptors in descriptor buffers (VK_EXT_descriptor_buffer). */

#include <string.h>

#include "server/core/context.h"
#include "server/core/device.h"

/* Drivers write a whole descriptor, whatever size they are told. */
void vps_handle_vkGetDescriptorEXT(struct vps_context *ctx, struct vp_cmd_vkGetDescriptorEXT *a)
{
   const struct vps_device *device = ctx->used[0]->device;
   uint8_t *whole = vps_alloc(ctx, device->limits.largest_descriptor, 1);

   if (!whole)
      return;
   device->functions.GetDescriptorEXT(a->device, a->pDescriptorInfo, a->dataSize, whole);
   memcpy(a->pDescriptor, whole, a->dataSize);
}
