/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_WORKER_PROCESS_H
#define VP_SERVER_WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/options.h"

#define VP_PEER_SIZE 64

/* A worker process as the listener sees it. */
struct vp_worker_process {
   pid_t pid;
   char peer[VP_PEER_SIZE]; /* its client's address */
   int64_t started_ms;
};

/* Starts a worker that serves the client at the other end of `fd`, which stays
 * the caller's to close. False with errno. */
bool vp_worker_process_start(struct vp_worker_process *worker, const struct vp_server_options *options, int fd,
                             const char *peer);

/* Logs that the worker has ended, and how. `asked`: because we told it to. */
void vp_worker_process_log_end(const struct vp_worker_process *worker, int wait_status, bool asked);

#endif
