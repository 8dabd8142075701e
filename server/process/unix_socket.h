/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_UNIX_SOCKET_H
#define VP_SERVER_PROCESS_UNIX_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/util/log.h"
#include "server/process/client.h"

/* A socket that is a file, on which the server listens for programs of this machine. */
struct vps_unix_socket {
   int fd; /* -1: none */
   const char *path;
   dev_t device; /* which file it is */
   ino_t inode;
};

/* Whether there is room for a path in an address. */
bool vps_unix_socket_path_fits(const char *path);

/* Makes the file, with mode 0600 before anybody can connect, and listens. One that a server which has ended has left
 * behind is replaced; nothing else is. `path` is kept, not copied. False when it is not possible, which is logged at
 * that level; then fd is -1. */
bool vps_unix_socket_open(struct vps_unix_socket *socket, const char *path, enum vp_log_level level);

/* Removes the file, if it is still the one that was made. */
void vps_unix_socket_close(struct vps_unix_socket *socket);

/* Accepts, and says who it is. *refusal: NULL, or why it is not to be served: it belongs
 * neither to the user of this process nor to root. -1 with errno. */
int vps_unix_socket_accept(int listener, struct vps_client *client, const char **refusal);

#endif
