/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_UNIX_CONNECT_H
#define VP_NET_UNIX_CONNECT_H

#include "common/net/socket.h"

/* Connects within timeout_ms to a socket that is a file. The connection is blocking and close-on-exec. Returns -1 and a
 * sentence in `error` on failure. */
int vp_unix_connect(const char *path, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE]);

#endif
