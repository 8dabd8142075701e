/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SPAWN_H
#define VP_SERVER_PROCESS_SPAWN_H

#include <sys/types.h>

/* Number of the file descriptor that a spawned process gets. */
#define VPS_SPAWN_FD 3

/* Starts this program again with another command line. The new process
 *  - has only standard input, output and error open, output going to error
 *    (drivers print things; our output is for our users), and `fd`, if it is
 *    not -1, as VPS_SPAWN_FD;
 *  - is sent SIGTERM when this process ends for whatever reason;
 *  - is a process group of its own, so that it gets no Ctrl-C of ours, and has no controlling terminal;
 *  - is the first to go when the machine is short of memory.
 * Returns its id, or -1 with errno. The process ends with status 127 when the
 * program cannot be executed. For a program with one thread. */
pid_t vps_spawn_self(char *const argv[], int fd);

/* What the kernel calls this process, as in ps -o comm; at most 15 characters. For the thread that runs main(). */
void vps_process_set_name(const char *name);

#endif
