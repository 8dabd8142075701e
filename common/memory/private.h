/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_PRIVATE_H
#define VP_MEMORY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether only stores and system calls through this range can change it: private memory with no file or device behind
 * it. False when that is not known. */
bool vp_memory_is_private(const void *memory, size_t size);

#endif
