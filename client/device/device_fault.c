/* SPDX-License-Identifier: MIT */

/* VK_EXT_device_fault: what the server's driver knows of the end of a device. */

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

VKAPI_ATTR VkResult VKAPI_CALL vp_vkGetDeviceFaultInfoEXT(VkDevice handle, VkDeviceFaultCountsEXT *pFaultCounts,
                                                          VkDeviceFaultInfoEXT *pFaultInfo)
{
   struct vp_cmd_vkGetDeviceFaultInfoVP a = {.device = handle, .pFaultCounts = pFaultCounts, .pFaultInfo = pFaultInfo};
   if (pFaultInfo) {
      a.pAddressInfos = pFaultInfo->pAddressInfos;
      a.pVendorInfos = pFaultInfo->pVendorInfos;
      a.pVendorBinaryData = pFaultInfo->pVendorBinaryData;
   }
   const VkResult result = vp_call_vkGetDeviceFaultInfoVP(vp_device_from_handle(handle)->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}
