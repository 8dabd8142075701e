/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_CONFINE_H
#define VP_SERVER_PROCESS_CONFINE_H

#include <stdbool.h>

/* Parts of server/process/sandbox.h: each takes something from the process for good. It must have no_new_privs. */

/* All files but those that drivers need, with Landlock. `cache` is a folder to write in, or empty. Returns the version
 * of the kernel's interface; 0: the kernel does not have it, or does not let us use it; negative: errno. */
int vps_confine_files(const char *cache);

/* All system calls but those that drivers need, with seccomp. They fail with EPERM; `tell`: and that is logged, once
 * for each. False with errno. */
bool vps_confine_calls(bool tell);

#endif
