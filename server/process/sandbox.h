/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SANDBOX_H
#define VP_SERVER_PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "server/process/options.h"

/* At the start of the server, before other processes get its options: where the kernel cannot keep apart what workers
 * of several users write, there is no cache unless one is asked for. Which is logged. */
void vps_sandbox_settle_cache(struct vps_options *options);

/* Makes the process nobody, before it loads a GPU driver: a client may know a hole in that. It becomes the user that
 * the options name, has a folder for what drivers compile, and, unless --sandbox=off, no capabilities, few files and
 * few system calls. `cache`: the name of that folder (server/process/shader_cache.h); NULL, or empty: it has none,
 * since it works for nobody. `announce`: at this start of the server it says what is active, and what is weak. False:
 * something that was asked for is not possible, which is logged; the process is to end. For a process with one thread
 * that is the program's own (server/process/spawn.h), or ends soon. */
bool vps_sandbox_enter(const struct vps_options *options, const char *cache, bool announce);

/* The same for the gate (server/process/gate.h), which opens no file from then on, and for the processes that it forks,
 * which have their connections and nothing else. */
bool vps_sandbox_enter_gate(const struct vps_options *options);
bool vps_sandbox_enter_relay(const struct vps_options *options);

#endif
