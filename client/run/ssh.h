/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_SSH_H
#define VP_RUN_SSH_H

/* The address (exec:...) of a server that ssh starts: `words` are options of ssh and the host, `server` the command
 * that the shell there is to run. For the caller to free; NULL: out of memory. */
char *vp_ssh_address(char *const *words, unsigned count, const char *server);

#endif
