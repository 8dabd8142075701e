/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_ENTRANCE_H
#define VP_SERVER_PROCESS_ENTRANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/process/activation.h"
#include "server/process/options.h"
#include "server/process/unix_socket.h"

/* How many TCP sockets there can be: one of our own, or those that a service manager passes. */
#define VPS_ENTRANCE_TCP 4u

/* Where clients come in: the sockets that the server listens on, and who may connect to them. */
struct vps_entrance {
   struct {
      int fd;
      char address[300]; /* with the port */
   } tcp[VPS_ENTRANCE_TCP];
   unsigned tcp_count;
   struct vps_unix_socket unix_socket;
   struct vps_passed_socket passed[VPS_ENTRANCE_TCP + 1]; /* by a service manager (server/process/activation.h) */
};

/* Of one that is not open. */
#define VPS_ENTRANCE_CLOSED      \
   {                             \
      .unix_socket = {.fd = -1 } \
   }

/* Sockets that a service manager passes take the place of those that the options name. False when it is not possible or
 * not allowed, which is logged. vps_entrance_close is needed in both cases. */
bool vps_entrance_open(struct vps_entrance *entrance, const struct vps_options *options);

/* Says on standard output where it is, one line each; and in the log what is dangerous about it. */
void vps_entrance_announce(const struct vps_entrance *entrance, const struct vps_options *options);

/* Accepts on one of them, and says who it is, still without an account. *refusal: NULL, or why it is not to be
 * served. -1 with errno. */
int vps_entrance_accept(const struct vps_entrance *entrance, int listen_fd, struct vps_client *client,
                        const char **refusal);

/* Nobody can connect any more. May be called again. */
void vps_entrance_close(struct vps_entrance *entrance);

#endif
