/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SANDBOX_H
#define VP_SERVER_PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "server/process/options.h"

/* Makes the process nobody, before it loads a GPU driver: a client may know a hole in that. It becomes the user that
 * the options name, has a folder of its own for what drivers compile, and, unless --sandbox=off, no capabilities, few
 * files and few system calls. `announce`: at this start of the server it says what is active, and what is weak. False:
 * something that was asked for is not possible, which is logged; the process is to end. For a process with one thread
 * that is the program's own (server/process/spawn.h), or ends soon. */
bool vps_sandbox_enter(const struct vps_options *options, bool announce);

#endif
