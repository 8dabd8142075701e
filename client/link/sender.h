/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_SENDER_H
#define VP_CLIENT_LINK_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/link/batch.h"

struct vp_connection;

/* The thread that sends what the stream hands over. False, with a line in the log, when there is none. Stopping it
 * sends what is left. */
bool vp_sender_start(struct vp_connection *conn);
void vp_sender_stop(struct vp_connection *conn);

/* Whoever waits for the sender anyway does its work when it has not begun, up to this mark or all of it: to wake it
 * takes longer than most looks. With the stream's lock, which it gives up. */
#define VP_ALL_MARKS UINT64_MAX
void vp_sender_help(struct vp_connection *conn, uint64_t last_mark);

/* Whether commands are packed now, which depends on how fast the network is. */
bool vp_sender_packs(const struct vp_connection *conn);

/* Sends a batch's bytes up to `end` as far as the socket takes them, or all of them; an error loses the connection. For
 * whoever does the sender's work, or has the stream's lock while there is none. */
void vp_sender_send_bytes(struct vp_connection *conn, struct vp_batch *batch, size_t end, bool all);

#endif
