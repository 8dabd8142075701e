/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_COMPILED_H
#define VP_SERVER_COMPILED_H

#include <stdbool.h>
#include <stdint.h>

/* GPU drivers keep on disk what they have compiled. Some read that only while they are loaded (NVIDIA's), so a worker
 * that waits for a client with a loaded driver (server/ready.h) does not have what other workers' drivers have compiled
 * since, and its client would wait for all of that again. When a worker's driver has compiled much, the listener is
 * told and starts anew those who wait. */

/* So long a driver has compiled something. Thread-safe. */
void vps_compiled_note(int64_t ns);

/* Whether that was much since this was true the last time. If `more` may follow: and nothing since the last question.
 * One thread at a time. */
bool vps_compiled_is_news(bool more);

#endif
