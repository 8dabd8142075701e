/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_CONFINE_H
#define VP_SERVER_PROCESS_CONFINE_H

#include <stdbool.h>

/* Parts of server/process/sandbox.h: each takes something from the process for good. It must have no_new_privs. */

/* The version of the kernel's interface; 0: it does not have it, or does not let us use it. */
int vps_confine_files_version(void);

/* All files but those that drivers need, with Landlock. `cache` is a folder to write in, or empty; NULL: all files
 * whatever. Returns that version, or 0; negative: errno. */
int vps_confine_files(const char *cache);

enum vps_confined {
   VPS_CONFINED_WORKER, /* has a driver */
   VPS_CONFINED_GATE,   /* connections without a client, and forks */
   VPS_CONFINED_RELAY,  /* two connections */
};

/* All system calls but those that it needs, with seccomp. They fail with EPERM; `tell`: and that is logged, once
 * for each. False with errno. */
bool vps_confine_calls(enum vps_confined who, bool tell);

#endif
