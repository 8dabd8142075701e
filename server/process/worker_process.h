/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_WORKER_PROCESS_H
#define VP_SERVER_PROCESS_WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/process/options.h"

#define VPS_PEER_SIZE 64

/* A worker process as the listener sees it. */
struct vps_worker_process {
   pid_t pid;
   int handover_fd;          /* takes its client, and what it says (server/process/handover.h); -1: none */
   char peer[VPS_PEER_SIZE]; /* its client's address; empty: has none */
   int64_t since_ms;         /* when it was started, or got its client */
   bool loaded;              /* the driver, before its client came */
};

/* Starts a worker that has no client yet. False with errno. */
bool vps_worker_process_start(struct vps_worker_process *worker, const struct vps_options *options);

/* Gives it the client at the other end of `fd`, which stays the caller's to close. False with errno: it can't have it,
 * and gets no other. */
bool vps_worker_process_serve(struct vps_worker_process *worker, int fd, const char *peer);

/* A worker without a client ends. */
void vps_worker_process_dismiss(struct vps_worker_process *worker);

/* Logs that the worker has ended, and how. `asked`: because we told it to. */
void vps_worker_process_log_end(const struct vps_worker_process *worker, int wait_status, bool asked);

#endif
