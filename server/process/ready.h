/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_READY_H
#define VP_SERVER_PROCESS_READY_H

#include <stdbool.h>

#include "server/process/options.h"

struct vps_client;

/* Waits for the client of this worker (server/process/handover.h), gives the connection, and who it is; -1 when the
 * listener has ended or does not need this worker. If the client is not there yet, a thread uses the time to load the
 * Vulkan driver and to warm it up: that is most of what a client's vkCreateInstance would take. The client need not
 * wait for that thread before it is greeted. Until then SIGTERM ends the process. Once in a process. */
int vps_ready_wait(const struct vps_options *options, struct vps_client *client);

/* Whether no thread is in the driver because of us, so that the process may end with its handlers. */
bool vps_ready_is_over(void);

#endif
