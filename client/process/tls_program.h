/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_TLS_PROGRAM_H
#define VP_CLIENT_PROCESS_TLS_PROGRAM_H

#include "client/process/server_address.h"
#include "common/net/socket.h"

/* Starts venus-tls, which connects to a server of VP_WAY_TLS within that time, as vp_program_start does a command: what
 * it cannot do comes as an error frame. It lies in venus-plus/ beside the driver. Returns the connection, or -1 and a
 * sentence in `error`. */
int vp_tls_program_start(const struct vp_server_address *address, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE]);

/* Another folder than that of this library or program, in which it is looked for first; `folder` is kept. */
void vp_tls_program_look_in(const char *folder);

#endif
