/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_11_MATRIX_H
#define VP_TEST_APP_PHASE_11_MATRIX_H

/* Phase 11: the shader of one product of cooperative matrices. */

#include "test-app/phase_11_modern.h"

#define MATRIX_TILES 2 /* products of tiles in each direction */
#define MATRIX_MAX_WORDS 700

#ifdef VK_KHR_cooperative_matrix

struct matrix_shader {
   uint32_t words[MATRIX_MAX_WORDS];
   uint32_t count;
};

/* Writes the shader for sizes and types that a GPU lists: each workgroup of `lanes` invocations makes a tile of
 * R = A * B + C, where all four are MATRIX_TILES tiles high and wide. They are the buffers 0 to 3, row by row. C has
 * the type of R. False where it does not fit. */
bool matrix_shader_write(struct matrix_shader *shader, const VkCooperativeMatrixPropertiesKHR *properties,
                         uint32_t lanes);

/* Bits of a number of this type; 0 for types that are not known here. */
uint32_t matrix_bits(VkComponentTypeKHR type);
bool matrix_is_signed(VkComponentTypeKHR type);
bool matrix_is_float(VkComponentTypeKHR type);

#endif

#endif
