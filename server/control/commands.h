/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_COMMANDS_H
#define VP_SERVER_CONTROL_COMMANDS_H

#include "server/control/desk.h"
#include "server/control/report.h"

/* The clerk of the control socket; its owner is a struct vps_oversight. A request is a line: a word, and what it is
 * about. The first line of the answer is "ok", or "error" and a sentence; in those that follow, values are separated by
 * tabs. */
vps_desk_clerk vps_commands_answer;

#endif
