/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_GREETING_H
#define VP_CLIENT_PROCESS_GREETING_H

#include <stdbool.h>
#include <stdint.h>

#include "client/process/server_address.h"
#include "common/net/channel.h"
#include "common/net/hello.h"

#define VP_GREETING_ERROR_SIZE 1024

/* Says the client's greeting over a connection and hears the server's, which is stored. False with a sentence in
 * `error` and errno, which is ECONNRESET if a server, or a tunnel, has closed the connection without a word. */
bool vp_greet(struct vp_channel *channel, const struct vp_server_address *address, const struct vp_hello *own,
              struct vp_hello *server, int64_t deadline_ms, char error[VP_GREETING_ERROR_SIZE]);

#endif
