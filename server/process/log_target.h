/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_LOG_TARGET_H
#define VP_SERVER_PROCESS_LOG_TARGET_H

#include "server/process/options.h"

/* The log of this process as the options say. */
void vps_log_begin(const char *program, const struct vps_options *options);

#endif
