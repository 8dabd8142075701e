/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CORE_BANDWIDTH_H
#define VP_SERVER_CORE_BANDWIDTH_H

#include <stddef.h>

/* Bytes in a second that the process reads from its client and writes to it (VPS_QUOTA_BANDWIDTH): what is used fills a
 * bucket that leaks. Any thread may call these. */

void vps_bandwidth_use(size_t bytes);

/* Before something large is read or written: waits until what was used before fits, or the connection `fd` is over. */
void vps_bandwidth_wait(int fd);

#endif
