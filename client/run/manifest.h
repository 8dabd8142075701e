/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_MANIFEST_H
#define VP_RUN_MANIFEST_H

#include <stddef.h>

/* The driver's manifests (one for programs of 64 bits, one for those of 32), with colons between, as VK_DRIVER_FILES
 * wants them; for the caller to free. NULL: a sentence in `error`. */
char *vp_manifest_find(char *error, size_t error_size);

#endif
