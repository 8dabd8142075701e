/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_COMPILED_H
#define VP_SERVER_PROCESS_COMPILED_H

#include <stdbool.h>
#include <stdint.h>

/* GPU drivers keep on disk what they have compiled. NVIDIA's writes that when the process ends, and reads it only while
 * it is loaded: so a worker that waits for a client with a loaded driver (server/process/ready.h) does not have what
 * was compiled since, and its client would wait for all of that again. A worker whose driver has compiled much tells
 * the listener, which starts anew those who wait once that worker has ended. */

/* So long a driver has compiled something. Thread-safe. */
void vps_compiled_note(int64_t ns);

/* Whether that is worth to load a driver anew. Thread-safe. */
bool vps_compiled_much(void);

#endif
