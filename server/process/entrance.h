/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_ENTRANCE_H
#define VP_SERVER_PROCESS_ENTRANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/process/options.h"

/* Where clients come in: the sockets that the server listens on, and who may connect to them. */
struct vps_entrance {
   int tcp_fd; /* -1: none */
   uint16_t port;
};

/* False when it is not possible or not allowed, which is logged. vps_entrance_close is needed in both cases. */
bool vps_entrance_open(struct vps_entrance *entrance, const struct vps_options *options);

/* Says on standard output where it is, one line each; and in the log what is dangerous about it. */
void vps_entrance_announce(const struct vps_entrance *entrance, const struct vps_options *options);

/* Nobody can connect any more. May be called again. */
void vps_entrance_close(struct vps_entrance *entrance);

#endif
