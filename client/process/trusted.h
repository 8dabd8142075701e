/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_TRUSTED_H
#define VP_CLIENT_PROCESS_TRUSTED_H

/* getenv(), but NULL where the process has rights that whoever started it does not have (setuid, capabilities of the
 * file): for what these must not be lent to. */
const char *vp_trusted_getenv(const char *name);

#endif
