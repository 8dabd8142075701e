/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_OWN_PATH_H
#define VP_RUN_OWN_PATH_H

/* The path of something that is installed with this program, from its path in relation to the program's folder ("." is
 * that itself); an absolute one is as it is. For the caller to free; NULL with errno. */
char *vp_own_path(const char *path);

#endif
