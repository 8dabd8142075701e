/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_SERVERS_H
#define VP_CLIENT_LINK_SERVERS_H

#include "client/link/connection.h"
#include "client/process/config.h"

/* Sessions with servers, in the order of the list that names these. */
struct vp_servers {
   struct vp_connection *list[VP_MAX_SERVERS];
   unsigned count;
};

/* Begins sessions with those servers of the configuration that its policy says, all beside each other, within the time
 * that it gives. What cannot be had is said in the log. */
void vp_servers_connect(struct vp_servers *servers, const struct vp_config *config, const char *application);

#endif
