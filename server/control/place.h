/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_PLACE_H
#define VP_SERVER_CONTROL_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Where the control socket is if nobody says otherwise: in a folder that only the server's user can use, which is there
 * for it while the machine runs. False when this user has none. */
bool vps_control_place(char *path, size_t size);

/* Where it is when root, or the system's service manager, has started the server. */
#define VPS_CONTROL_SYSTEM_PLACE "/run/venus-server/control"

#endif
