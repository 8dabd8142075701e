/* SPDX-License-Identifier: MIT */

/* How large matrices of cooperative vectors are, as far as that does not depend on the driver. */

#include "common/memory/matrix.h"

#include <stdint.h>

#ifdef VK_NV_cooperative_vector

size_t vp_matrix_component_size(int32_t type)
{
   switch (type) {
   case VK_COMPONENT_TYPE_FLOAT64_KHR:
   case VK_COMPONENT_TYPE_SINT64_KHR:
   case VK_COMPONENT_TYPE_UINT64_KHR:
      return 8;
   case VK_COMPONENT_TYPE_FLOAT32_KHR:
   case VK_COMPONENT_TYPE_SINT32_KHR:
   case VK_COMPONENT_TYPE_UINT32_KHR:
   case VK_COMPONENT_TYPE_SINT8_PACKED_NV:
   case VK_COMPONENT_TYPE_UINT8_PACKED_NV:
      return 4;
#ifdef VK_KHR_shader_bfloat16
   case VK_COMPONENT_TYPE_BFLOAT16_KHR:
#endif
   case VK_COMPONENT_TYPE_FLOAT16_KHR:
   case VK_COMPONENT_TYPE_SINT16_KHR:
   case VK_COMPONENT_TYPE_UINT16_KHR:
      return 2;
   case VK_COMPONENT_TYPE_SINT8_KHR:
   case VK_COMPONENT_TYPE_UINT8_KHR:
   case VK_COMPONENT_TYPE_FLOAT_E4M3_NV:
   case VK_COMPONENT_TYPE_FLOAT_E5M2_NV:
      return 1;
   default:
      return 0;
   }
}

static size_t size_of_lines(uint32_t lines, uint32_t length, const VkCooperativeVectorMatrixVP *matrix)
{
   size_t before, size;

   if (lines == 0)
      return 0;
   return __builtin_mul_overflow(matrix->stride, (size_t)lines - 1, &before) ||
                __builtin_add_overflow(before, length * vp_matrix_component_size(matrix->componentType), &size)
             ? SIZE_MAX
             : size;
}

bool vp_matrix_size(uint32_t rows, uint32_t columns, const VkCooperativeVectorMatrixVP *matrix, size_t *size)
{
   if (matrix->layout == VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_ROW_MAJOR_NV)
      *size = size_of_lines(rows, columns, matrix);
   else if (matrix->layout == VK_COOPERATIVE_VECTOR_MATRIX_LAYOUT_COLUMN_MAJOR_NV)
      *size = size_of_lines(columns, rows, matrix);
   else
      return false;
   return true;
}

#endif
