/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_PROCESS_END_H
#define VP_RUN_PROCESS_END_H

#include <sys/types.h>

/* A descriptor that poll() says can be read when the process has ended, also one that is nobody's child. Close-on-exec.
 * -1 with errno. */
int vp_process_end_open(pid_t pid);

#endif
