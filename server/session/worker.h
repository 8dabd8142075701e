/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_WORKER_H
#define VP_SERVER_SESSION_WORKER_H

#include "server/process/client.h"
#include "server/process/options.h"

/* Serves this client, at the other end of a connected socket, until it leaves. Returns the exit status of the process:
 * 0 when the client has left or SIGTERM came, 1 after an error, which the log tells. The process must be the client's
 * own: it is ended at once when the client is gone and the driver does not come back. */
int vps_worker_run(int fd, const struct vps_client *who, const struct vps_options *options);

#endif
