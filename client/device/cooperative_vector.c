/* SPDX-License-Identifier: MIT */

/* VK_NV_cooperative_vector: matrices of the application's memory that the server's driver brings into another layout.
 * Programs name more bytes than the matrix has, even such as are not their own, since drivers read only the matrix. */

#include "client/core/device.h"
#include "client/link/connection.h"
#include "client/vp_client_send.h"
#include "client/vp_entry.h"
#include "common/memory/matrix.h"

#ifdef VK_NV_cooperative_vector

static VkResult convert(VkDevice device, struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a)
{
   const VkResult result = vp_call_vkConvertCooperativeVectorMatrixVP(vp_device_from_handle(device)->conn, a);
   return result == VK_SUCCESS ? a->ret : result;
}

/* How many bytes the matrix has. */
static VkResult find_size(VkDevice device, const struct vp_cmd_vkConvertCooperativeVectorMatrixVP *conversion,
                          size_t *size)
{
   struct vp_cmd_vkConvertCooperativeVectorMatrixVP question = *conversion;
   if (vp_matrix_size(conversion->numRows, conversion->numColumns, conversion->pSrc, size))
      return VK_SUCCESS;
   question.pSrcData = NULL;
   question.pDst = conversion->pSrc;
   question.pDstSize = size;
   question.pDstData = NULL;
   return convert(device, &question);
}

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
   if (a.pSrcData) {
      size_t size = 0;
      const VkResult result = find_size(handle, &a, &size);
      if (result != VK_SUCCESS)
         return result;
      if (size < a.srcSize)
         a.srcSize = size;
   }
   return convert(handle, &a);
}

#endif
