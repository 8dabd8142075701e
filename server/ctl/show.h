/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CTL_SHOW_H
#define VP_SERVER_CTL_SHOW_H

#include <stdbool.h>

/* Each returns the exit status of the program. */
int ctl_show_status(const char *path, bool json);

/* Asks twice, a second apart, to say how much there is in a second. */
int ctl_show_sessions(const char *path, bool json);

#endif
