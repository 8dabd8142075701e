/* SPDX-License-Identifier: MIT */

/* VK_NV_cooperative_vector: matrices of the application's memory that the server's driver brings into another layout.
 */

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"

#ifdef VK_NV_cooperative_vector

VKAPI_ATTR VkResult VKAPI_CALL
vp_vkConvertCooperativeVectorMatrixNV(VkDevice handle, const VkConvertCooperativeVectorMatrixInfoNV *pInfo)
{
   const VkCooperativeVectorMatrixVP src = {
      .componentType = pInfo->srcComponentType, .layout = pInfo->srcLayout, .stride = pInfo->srcStride};
   const VkCooperativeVectorMatrixVP dst = {
      .componentType = pInfo->dstComponentType, .layout = pInfo->dstLayout, .stride = pInfo->dstStride};
   void *room = pInfo->dstData.hostAddress;
   struct vp_cmd_vkConvertCooperativeVectorMatrixVP a = {
      .device = handle,
      .numRows = pInfo->numRows,
      .numColumns = pInfo->numColumns,
      .pSrc = &src,
      .srcSize = pInfo->srcSize,
      .pSrcData = room ? pInfo->srcData.hostAddress : NULL, /* the question for a size needs no data */
      .pDst = &dst,
      .pDstSize = pInfo->pDstSize,
      .pDstData = room,
   };
   const VkResult result = vp_call_vkConvertCooperativeVectorMatrixVP(vp_device_from_handle(handle)->conn, &a);
   return result == VK_SUCCESS ? a.ret : result;
}

#endif
