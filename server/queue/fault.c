/* SPDX-License-Identifier: MIT */

/* What the driver knows of the end of a device: its fault, and the checkpoints that a queue came to. */

#include "server/core/context.h"
#include "server/core/device.h"
#include "server/queue/queue.h"
#include "server/vp_dispatch.h"

void vps_handle_vkGetDeviceFaultInfoVP(struct vps_context *ctx, struct vp_cmd_vkGetDeviceFaultInfoVP *a)
{
   const struct vps_device_functions *functions = &ctx->used[0]->device->functions;
   const VkDeviceFaultCountsEXT room = *a->pFaultCounts;
   VkDeviceFaultCountsEXT *counts = a->pFaultCounts;

   if (!functions->GetDeviceFaultInfoEXT) {
      vps_missing_function(ctx);
      return;
   }
   /* Without it drivers say how much there is, not how much they have written. */
   if (!a->pFaultInfo && (a->pAddressInfos || a->pVendorInfos || a->pVendorBinaryData)) {
      vps_fail(ctx, "there is room for parts of a fault that is not asked for");
      return;
   }
   if (a->pFaultInfo) {
      a->pFaultInfo->pAddressInfos = a->pAddressInfos;
      a->pFaultInfo->pVendorInfos = a->pVendorInfos;
      a->pFaultInfo->pVendorBinaryData = a->pVendorBinaryData;
   }
   a->ret = functions->GetDeviceFaultInfoEXT(a->device, counts, a->pFaultInfo);
   if (!a->pFaultInfo)
      return;
   counts->addressInfoCount =
      counts->addressInfoCount < room.addressInfoCount ? counts->addressInfoCount : room.addressInfoCount;
   counts->vendorInfoCount =
      counts->vendorInfoCount < room.vendorInfoCount ? counts->vendorInfoCount : room.vendorInfoCount;
   counts->vendorBinarySize =
      counts->vendorBinarySize < room.vendorBinarySize ? counts->vendorBinarySize : room.vendorBinarySize;
}

void vps_handle_vkGetQueueCheckpointDataNV(struct vps_context *ctx, struct vp_cmd_vkGetQueueCheckpointDataNV *a)
{
   pthread_mutex_t *lock = vps_queue_lock(ctx->used[0]->state);

   pthread_mutex_lock(lock);
   ctx->used[0]->device->functions.GetQueueCheckpointDataNV(a->queue, a->pCheckpointDataCount, a->pCheckpointData);
   pthread_mutex_unlock(lock);
}

void vps_handle_vkGetQueueCheckpointData2NV(struct vps_context *ctx, struct vp_cmd_vkGetQueueCheckpointData2NV *a)
{
   pthread_mutex_t *lock = vps_queue_lock(ctx->used[0]->state);

   pthread_mutex_lock(lock);
   ctx->used[0]->device->functions.GetQueueCheckpointData2NV(a->queue, a->pCheckpointDataCount, a->pCheckpointData);
   pthread_mutex_unlock(lock);
}
