/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_JOB_GPUS_H
#define VP_SERVER_PROCESS_JOB_GPUS_H

#include <stdbool.h>

#include "server/process/options.h"

/* Where the kernel module of NVIDIA says which GPU has which device file. */
#define VPS_JOB_GPUS_FOLDER "/proc/driver/nvidia/gpus"

/* Where Slurm has given GPUs to this job (SLURM_STEP_GPUS, SLURM_JOB_GPUS), makes --gpu name just these. Its numbers
 * are those of device files, /dev/nvidia0 is 0, and `folder` says at which PCI address that is. Where that cannot be
 * told, as of another maker's GPUs, all stays as it is: the server offers what the driver shows, which is less than all
 * where Slurm keeps jobs from the device files of others (ConstrainDevices). False: the log says why. */
bool vps_job_gpus_choose(struct vps_options *options, const char *folder);

#endif
