/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SPIRV_H
#define VP_SERVER_SPIRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a shader module may write to memory that others can see: storage buffers, images, physical addresses. False
 * only when it certainly does not; what is malformed or not known may. */
bool vps_spirv_may_write(const uint32_t *words, size_t count);

#endif
