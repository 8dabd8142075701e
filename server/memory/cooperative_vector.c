/* SPDX-License-Identifier: MIT */

/* VK_NV_cooperative_vector: the driver brings a matrix of the wire into another layout, and is trusted with no size. */

#include <stdint.h>

#include "common/memory/matrix.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/vp_dispatch.h"

#ifdef VK_NV_cooperative_vector

/* A question for the size of a matrix in one layout, when there is no memory for its data. */
static VkConvertCooperativeVectorMatrixInfoNV conversion(const struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a,
                                                         const VkCooperativeVectorMatrixVP *dst, size_t *size)
{
   return (VkConvertCooperativeVectorMatrixInfoNV){
      .sType = VK_STRUCTURE_TYPE_CONVERT_COOPERATIVE_VECTOR_MATRIX_INFO_NV,
      .srcSize = a->srcSize,
      .pDstSize = size,
      .srcComponentType = (VkComponentTypeKHR)a->pSrc->componentType,
      .dstComponentType = (VkComponentTypeKHR)dst->componentType,
      .numRows = a->numRows,
      .numColumns = a->numColumns,
      .srcLayout = (VkCooperativeVectorMatrixLayoutNV)a->pSrc->layout,
      .srcStride = a->pSrc->stride,
      .dstLayout = (VkCooperativeVectorMatrixLayoutNV)dst->layout,
      .dstStride = dst->stride,
   };
}

/* Of what it does not know, a driver may say anything. */
static bool is_known(const VkCooperativeVectorMatrixVP *matrix)
{
   return vp_matrix_component_size(matrix->componentType) &&
          matrix->layout >= VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV &&
          matrix->layout <= VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_TRAINING_OPTIMAL_NV;
}

/* How many bytes a matrix has in a layout; of those that only the driver knows it says so. SIZE_MAX: it does not. */
static size_t size_of(struct vps_context *ctx, const struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a,
                      const VkCooperativeVectorMatrixVP *matrix)
{
   size_t size = 0;
   if (vp_matrix_size(a->numRows, a->numColumns, matrix, &size))
      return size;
   const VkConvertCooperativeVectorMatrixInfoNV question = conversion(a, matrix, &size);
   const VkResult result = ctx->used[0]->device->functions.ConvertCooperativeVectorMatrixNV(a->device, &question);

   return result == VK_SUCCESS ? size : SIZE_MAX;
}

void vps_handle_vkConvertCooperativeVectorMatrixVP(struct vps_context *ctx,
                                                   struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a)
{
   const struct vps_device_functions *functions = &ctx->used[0]->device->functions;
   const size_t room = *a->pDstSize;

   if (!functions->ConvertCooperativeVectorMatrixNV) {
      vps_missing_function(ctx);
      return;
   }
   if (!is_known(a->pSrc) || !is_known(a->pDst)) {
      vps_fail(ctx, "a matrix has no known layout or type");
      return;
   }
   VkConvertCooperativeVectorMatrixInfoNV info = conversion(a, a->pDst, a->pDstSize);
   if (a->pDstData) {
      if (!a->pSrcData || size_of(ctx, a, a->pSrc) > a->srcSize) {
         vps_fail(ctx, "%zu bytes are too few for the matrix", a->srcSize);
         return;
      }
      if (size_of(ctx, a, a->pDst) > room) {
         a->ret = VK_INCOMPLETE;
         *a->pDstSize = 0;
         return;
      }
      info.srcData.hostAddress = a->pSrcData;
      info.dstData.hostAddress = a->pDstData;
   }
   a->ret = functions->ConvertCooperativeVectorMatrixNV(a->device, &info);
   if (a->pDstData && *a->pDstSize > room)
      *a->pDstSize = room;
}

#else

/* Built with a registry that does not have the extension, so it was never offered. */

void vps_handle_vkConvertCooperativeVectorMatrixVP(struct vps_context *ctx,
                                                   struct vp_cmd_vkConvertCooperativeVectorMatrixVP *a)
{
   (void)a;
   vps_missing_function(ctx);
}

#endif
