/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GPU_CHECK_H
#define VP_SERVER_PROCESS_GPU_CHECK_H

#include <stdbool.h>

#include "server/process/options.h"

/* Whether there is a driver and the GPUs that are asked for; if not, the log says so. In a process of its own, because
 * this one must stay free of drivers. */
bool vps_gpu_check(const struct vps_options *options);

#endif
