/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_OVERSEER_H
#define VP_SERVER_PROCESS_OVERSEER_H

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/control/desk.h"
#include "server/control/report.h"
#include "server/process/lobby.h"
#include "server/process/options.h"
#include "server/process/unix_socket.h"
#include "server/process/workers.h"

#define VPS_OVERSEER_POLLFDS (2 * VPS_DESK_POLLFDS)

/* The listener's side of venus-ctl and of --metrics: where they ask, and what they are told. Starts with
 * VPS_OVERSEER_CLOSED. */
struct vps_overseer {
   const struct vps_options *options;
   struct vps_workers *workers;
   const struct vps_lobby *lobby;
   struct vps_oversight oversight; /* of this, with those of the listener */
   struct vps_desk control, metrics;
   struct vps_unix_socket control_socket, metrics_socket;
   int metrics_fd; /* TCP; -1: none */
   char control_path[128], keys[PATH_MAX];
   int64_t since_ms;
   bool is_accepting;
   const char *unhealthy; /* as in struct vps_report */
   uint64_t sessions, rejects[VPS_REJECTS];
   struct vps_counts ended; /* what sessions have counted that are over */
};
#define VPS_OVERSEER_CLOSED                                                                 \
   {                                                                                        \
      .control = VPS_DESK_CLOSED, .metrics = VPS_DESK_CLOSED, .control_socket = {.fd = -1}, \
      .metrics_socket = {.fd = -1}, .metrics_fd = -1                                        \
   }

/* Listens where the options say. False when it cannot, or must not, which is logged. */
bool vps_overseer_open(struct vps_overseer *overseer, const struct vps_options *options, struct vps_workers *workers,
                       const struct vps_lobby *lobby);

/* Logs where all that is. */
void vps_overseer_announce(const struct vps_overseer *overseer);

/* What poll() is to wait for: returns how many. */
unsigned vps_overseer_prepare(const struct vps_overseer *overseer, struct pollfd pollfds[VPS_OVERSEER_POLLFDS]);

/* When there is something to do without an event; INT64_MAX: never. */
int64_t vps_overseer_due(const struct vps_overseer *overseer);

/* After poll(), and after all else: answers, does what it is asked, and kills what does not end by itself. */
void vps_overseer_tend(struct vps_overseer *overseer, const struct pollfd *pollfds, unsigned count);

/* How busy the server is, for those who choose among several. */
void vps_overseer_tell_load(const struct vps_overseer *overseer, struct vp_load *load);

/* The worker's session is over: what it has counted stays. */
void vps_overseer_note_end(struct vps_overseer *overseer, const struct vps_worker_process *worker);

void vps_overseer_close(struct vps_overseer *overseer);

#endif
