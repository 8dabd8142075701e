/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_HANDOVER_H
#define VP_SERVER_PROCESS_HANDOVER_H

#include <stdbool.h>

/* The way on which the listener gives a worker the connection to its client, which may come long after the worker has
 * started, and on which the worker tells the listener some things. Each end is for close(), and close-on-exec. */

/* False with errno. */
bool vps_handover_open(int *listener_end, int *worker_end);

/* Gives away a connection, without waiting for the worker; `client` stays the caller's to close. False with errno,
 * EPIPE when the worker is gone. */
bool vps_handover_send(int listener_end, int client);

/* Whether vps_handover_receive would return at once. */
bool vps_handover_is_due(int worker_end);

/* Waits for the connection. -1 when the listener has closed its end, or with errno. */
int vps_handover_receive(int worker_end);

enum vps_handover_word {
   VPS_HANDOVER_LOADED = 'l',   /* it waits for its client with a loaded driver (server/process/ready.h) */
   VPS_HANDOVER_COMPILED = 'c', /* it ends, and its driver has compiled much (server/process/compiled.h) */
};

/* The worker says it. It waits for nobody, and may have no listener (-1). */
void vps_handover_tell(int worker_end, enum vps_handover_word word);

/* Takes all that a worker has said up to now: whether that word was among it. */
bool vps_handover_hear(int listener_end, enum vps_handover_word word);

#endif
