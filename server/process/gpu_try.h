/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GPU_TRY_H
#define VP_SERVER_PROCESS_GPU_TRY_H

#include <stdbool.h>
#include <stddef.h>

#include "server/process/options.h"

/* Gives each GPU that the options select something to do, and waits for it for some seconds. False with a sentence in
 * `error` when one does not do it. Loads the Vulkan drivers into this process, which may hang in them. */
bool vps_gpu_try(const struct vps_options *options, char *error, size_t error_size);

#endif
