/* SPDX-License-Identifier: MIT */

/* VK_NVX_binary_import: launches, with the bytes of the parameters. */

#include <string.h>

#include "common/wire/cu_extras.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/vp_dispatch.h"

/* The driver may read as much as the kernel has, whatever the client says: this is more than a kernel can have. */
#define MAX_PARAMETERS ((size_t)32 << 10)

void vps_handle_vkCmdCuLaunchKernelVP(struct vps_context *ctx, struct vp_cmd_vkCmdCuLaunchKernelVP *a)
{
   const struct vps_device_functions *functions = &ctx->target->device->functions;
   size_t size = a->parameterSize;
   uint8_t *parameters = vps_alloc(ctx, 1, MAX_PARAMETERS);

   if (!parameters)
      return;
   if (!functions->CmdCuLaunchKernelNVX) {
      vps_missing_function(ctx);
      return;
   }
   if (size > MAX_PARAMETERS) {
      vps_fail(ctx, "no kernel has parameters of %zu bytes", size);
      return;
   }
   if (size)
      memcpy(parameters, a->pParameters, size);
   const void *extras[] = {VP_CU_EXTRA_BUFFER, parameters, VP_CU_EXTRA_SIZE, &size, VP_CU_EXTRA_END};
   const VkCuLaunchInfoNVX info = {
      .sType = VK_STRUCTURE_TYPE_CU_LAUNCH_INFO_NVX,
      .function = a->function,
      .gridDimX = a->gridDimX,
      .gridDimY = a->gridDimY,
      .gridDimZ = a->gridDimZ,
      .blockDimX = a->blockDimX,
      .blockDimY = a->blockDimY,
      .blockDimZ = a->blockDimZ,
      .sharedMemBytes = a->sharedMemBytes,
      .extraCount = 1,
      .pExtras = extras,
   };
   functions->CmdCuLaunchKernelNVX(a->commandBuffer, &info);
}
