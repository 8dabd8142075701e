/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_PROGRAM_H
#define VP_CLIENT_PROCESS_PROGRAM_H

#include "common/net/socket.h"

/* Starts a command with /bin/sh whose standard input and output are the other end of the connection that is returned,
 * which is blocking and close-on-exec. The application does not notice: no wait() returns the command and no SIGCHLD
 * comes, it inherits nothing else but standard error, the environment and the like, and signals are as in a new
 * program. Closing the connection is how it is told to end. What cannot be executed says so in an error frame. Returns
 * -1 and a sentence in `error` on failure. */
int vp_program_start(const char *command, char error[VP_SOCKET_ERROR_SIZE]);

/* The same for an executable file and its arguments, of which the first is its name and the last NULL. */
int vp_program_execute(const char *path, char *const arguments[], char error[VP_SOCKET_ERROR_SIZE]);

#endif
