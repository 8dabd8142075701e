/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_LISTENER_H
#define VP_SERVER_PROCESS_LISTENER_H

#include "server/process/options.h"

/* The normal mode of venus-server: checks the GPUs, listens, says so in one line
 * on standard output, and has a worker process for every client until SIGTERM
 * or SIGINT. SIGHUP: the configuration is read again (server/process/config_file.h) and
 * workers that have no client yet start anew. Keeps no Vulkan state and loads no driver into this
 * process. Returns the exit status. For a program with one thread. */
int vps_listener_run(struct vps_options *options);

#endif
