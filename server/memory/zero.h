/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_ZERO_H
#define VP_SERVER_MEMORY_ZERO_H

#include <stddef.h>

/* Makes memory of the driver's zeros. Private memory that nobody has used takes no pages afterwards either. */
void vps_zero(void *memory, size_t size);

#endif
