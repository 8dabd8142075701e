/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_RECEIVER_H
#define VP_CLIENT_LINK_RECEIVER_H

#include <stdbool.h>

struct vp_connection;

/* Starts the threads that take in everything the server sends, until the
 * connection is lost. */
bool vp_receiver_start(struct vp_connection *conn);

#endif
