/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GATES_H
#define VP_SERVER_PROCESS_GATES_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/control/report.h"
#include "server/process/farewell.h"
#include "server/process/lobby.h"
#include "server/process/options.h"

/* The listener's side of the gate (server/process/gate.h). There is one that serves; beside it there may be one that
 * is to take its place and reads its files, and one before it, which ends with its last handshake. */
#define VPS_GATES 3u

enum vps_gate_state {
   VPS_GATE_NONE,
   VPS_GATE_STARTING,
   VPS_GATE_SERVING,
   VPS_GATE_RETIRING,
};

struct vps_gates {
   const struct vps_options *options;
   struct vps_lobby *lobby;
   struct vps_farewells *farewells;
   struct {
      enum vps_gate_state state;
      pid_t pid;
      int fd;
      int64_t since_ms;
   } gates[VPS_GATES];
   int64_t start_after_ms; /* when one is to be started since there is none; INT64_MAX: there is, or none is wanted */
   int64_t pause_ms;       /* how long that was put off the last time; 0: not yet */
   bool has_old_files;     /* the last one that was to read them anew could not */
};

/* Starts a gate, if the options have keys for one, and waits until it has read them. It takes guests of `lobby`; the
 * connections of those that are refused end in `farewells`. False when that fails, which is logged. */
bool vps_gates_open(struct vps_gates *gates, const struct vps_options *options, struct vps_lobby *lobby,
                    struct vps_farewells *farewells);

/* A new gate reads the files anew, and takes the place of the old one if it can. */
void vps_gates_reload(struct vps_gates *gates);

/* Whether that is over, and went well. */
enum vps_reload vps_gates_reloaded(const struct vps_gates *gates);

/* What poll() is to wait for: returns how many. */
unsigned vps_gates_prepare(const struct vps_gates *gates, struct pollfd pollfds[VPS_GATES]);

/* When there is something to do without an event; INT64_MAX: never. */
int64_t vps_gates_due(const struct vps_gates *gates);

/* After poll(): guests of the lobby go to the gate, and come back or are refused; a gate that is missing is started. */
void vps_gates_tend(struct vps_gates *gates, const struct pollfd *pollfds, unsigned count);

/* A process has ended: whether it was a gate. Which is logged if it was not to. */
bool vps_gates_note_end(struct vps_gates *gates, pid_t pid, int wait_status);

/* They end. May be called again. */
void vps_gates_close(struct vps_gates *gates);

#endif
