/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_MATRIX_H
#define VP_MEMORY_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "vp_commands.h"

/* Matrices of VK_NV_cooperative_vector in memory. */

#ifdef VK_NV_cooperative_vector

/* The size of one component; 0: not known. */
size_t vp_matrix_component_size(int32_t type);

/* How many bytes a matrix has whose rows or columns are lines that are a stride apart; SIZE_MAX: more than there can
 * be. False: only the driver knows. */
bool vp_matrix_size(uint32_t rows, uint32_t columns, const VkCooperativeVectorMatrixVP *matrix, size_t *size);

#endif

#endif
