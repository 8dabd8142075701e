/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_RESUMPTION_H
#define VP_SERVER_SESSION_RESUMPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/channel.h"
#include "server/process/client.h"

/* What becomes of a session whose connection breaks. All is for the watch thread, once the client has been greeted. */
struct vps_resumption {
   struct vp_channel *channel;
   const struct vps_client *client;
   int worker_fd;            /* where other connections come through (server/process/handover.h); -1: none do */
   int64_t lost_ms;          /* since when the client is not there, of vp_clock_ms(); 0: it is */
   bool said;                /* that, in the log */
   uint8_t *history;         /* for the channel, until the greeting is over */
   atomic_uint keep_seconds; /* how long the session is kept; 0: not at all */
};

/* Before the greeting: how long this session can be kept whose client would like to resume it for `wanted` seconds, and
 * the server keeps sessions for `allowed`. 0: not at all. */
unsigned vps_resumption_prepare(struct vps_resumption *resumption, unsigned wanted, unsigned allowed);

/* After the greeting: from here on bytes are counted. */
void vps_resumption_begin(struct vps_resumption *resumption);

/* The connection has ended, or broken. It may be the client's wish, which the executing thread will read. */
void vps_resumption_note_lost(struct vps_resumption *resumption);

/* Takes a connection that the listener has for this session, if there is one; true: it has taken the place of the one
 * before. *listens becomes false when the listener is gone. */
bool vps_resumption_receive(struct vps_resumption *resumption, bool *listens);

/* Says in the log that the session is kept, once, when it is. */
void vps_resumption_report(struct vps_resumption *resumption);

#endif
