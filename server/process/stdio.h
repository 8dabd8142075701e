/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_STDIO_H
#define VP_SERVER_PROCESS_STDIO_H

#include "server/process/options.h"

/* --stdio: serves one client, whose connection standard input and output are, of whatever kind, and ends with it.
 * Returns the exit status. For a program with one thread. */
int vps_stdio_run(const struct vps_options *options);

#endif
