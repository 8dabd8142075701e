/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_DIAL_H
#define VP_CLIENT_PROCESS_DIAL_H

#include "client/process/server_address.h"
#include "common/net/socket.h"

/* A connection to a server, which is no service, by whatever way, without a greeting. It is blocking and close-on-exec.
 * -1, with errno, and a sentence. */
int vp_dial(const struct vp_server_address *address, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE]);

#endif
