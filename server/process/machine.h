/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_MACHINE_H
#define VP_SERVER_PROCESS_MACHINE_H

#include <stdint.h>

#include "common/net/hello.h"

/* By what clients tell this machine from others, also after a restart and under another name. It says nothing of the
 * machine: it is a hash of /etc/machine-id, or where there is none, of the host's name. */

/* Finds it out, while the process may open the file: before its sandbox. */
void vps_machine_load(void);

/* Zeros, which say nothing, where it was not loaded. */
void vps_machine_identify(uint8_t out[VP_MACHINE_SIZE]);

#endif
