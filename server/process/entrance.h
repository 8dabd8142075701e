/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_ENTRANCE_H
#define VP_SERVER_PROCESS_ENTRANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/process/options.h"
#include "server/process/unix_socket.h"

/* Where clients come in: the sockets that the server listens on, and who may connect to them. */
struct vps_entrance {
   int tcp_fd; /* -1: none */
   uint16_t port;
   struct vps_unix_socket unix_socket;
};

/* Of one that is not open. */
#define VPS_ENTRANCE_CLOSED              \
   {                                     \
      .tcp_fd = -1, .unix_socket.fd = -1 \
   }

/* False when it is not possible or not allowed, which is logged. vps_entrance_close is needed in both cases. */
bool vps_entrance_open(struct vps_entrance *entrance, const struct vps_options *options);

/* Says on standard output where it is, one line each; and in the log what is dangerous about it. */
void vps_entrance_announce(const struct vps_entrance *entrance, const struct vps_options *options);

/* Accepts on one of the two. `peer` becomes what the client is called. *refusal: NULL, or why it is not to be served.
 * -1 with errno. */
int vps_entrance_accept(const struct vps_entrance *entrance, int listen_fd, char *peer, size_t peer_size,
                        const char **refusal);

/* Nobody can connect any more. May be called again. */
void vps_entrance_close(struct vps_entrance *entrance);

#endif
