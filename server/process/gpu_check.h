/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GPU_CHECK_H
#define VP_SERVER_PROCESS_GPU_CHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/process/options.h"

/* Whether there is a driver and the GPUs that are asked for; if not, the log says so. In a process of its own, because
 * this one must stay free of drivers. */
bool vps_gpu_check(const struct vps_options *options);

/* Starts to see whether the GPUs still do something, in a process that ends by itself. -1, which is logged. */
pid_t vps_gpu_check_start_trial(const struct vps_options *options);

/* Logs how that process has ended. Whether they do. */
bool vps_gpu_check_report_trial(int wait_status);

#endif
