/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_ACTIVATION_H
#define VP_SERVER_PROCESS_ACTIVATION_H

#include <stdbool.h>

/* A socket that listens already when the server starts. */
struct vps_passed_socket {
   int fd;
   bool is_unix;
   char path[109]; /* of a Unix socket; empty: it has no file */
};

/* Takes the sockets that the service manager passes (LISTEN_FDS, LISTEN_PID), at most `most`. Returns how many; -1,
 * which is logged, if they are not what the server can listen on. Once in a process. */
int vps_activation_take(struct vps_passed_socket *sockets, int most);

#endif
