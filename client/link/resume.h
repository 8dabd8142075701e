/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_RESUME_H
#define VP_CLIENT_LINK_RESUME_H

#include <stdbool.h>

/* The `mend` of a connection's channel (common/net/channel.h): connects to the server again and goes on with the
 * session there. Tries as long as the server keeps it. False: it is over, and the connection lost. `context` is the
 * struct vp_connection. For the thread that reads. */
bool vp_resume_mend(void *context);

#endif
