/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_FAREWELL_H
#define VP_CLIENT_LINK_FAREWELL_H

struct vp_connection;

/* A server keeps a session whose connection has gone without a word. So who ends one says so: here, when it is
 * destroyed, and when the process exits without that. Nobody else writes to the connection any more, and its end is no
 * surprise: it counts as lost. */
void vp_farewell_say(struct vp_connection *conn);

#endif
