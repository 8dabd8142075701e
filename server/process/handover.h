/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_HANDOVER_H
#define VP_SERVER_PROCESS_HANDOVER_H

#include <stdbool.h>

#include "common/net/error_frame.h"
#include "server/process/client.h"
#include "server/process/shader_cache.h"

/* The way on which the listener gives a worker the connection to its client, which may come long after the worker has
 * started, and others that are to take its place (server/session/resumption.h), and on which the worker tells the
 * listener some things. Each end is for close(), and close-on-exec. */

/* False with errno. */
bool vps_handover_open(int *listener_end, int *worker_end);

/* The first message: the name of the folder that the worker's drivers get (server/process/shader_cache.h), since it has
 * to know before it knows its client. Not in its arguments, which everybody can read. False with errno, or when the
 * other end is closed. */
bool vps_handover_send_cache(int listener_end, const char name[VPS_SHADER_CACHE_NAME_SIZE]);
bool vps_handover_receive_cache(int worker_end, char name[VPS_SHADER_CACHE_NAME_SIZE]);

/* Gives away the connection to a client and what comes with it, without waiting for the worker; all stay the caller's
 * to close. False with errno, EPIPE when the worker is gone. */
bool vps_handover_send(int listener_end, int fd, const struct vps_client *client);

/* Whether vps_handover_receive would return at once. */
bool vps_handover_is_due(int worker_end);

/* Waits for the connection, and who is at its other end; its descriptors are for close(). -1 when the listener has
 * closed its end, or with errno. */
int vps_handover_receive(int worker_end, struct vps_client *client);

enum vps_handover_word {
   VPS_HANDOVER_LOADED = 'l', /* it waits for its client with a loaded driver (server/process/ready.h), and then of
                                 what: see vps_handover_tell_loaded */
   VPS_HANDOVER_LOST = 'g',   /* its client's connection has gone; VPS_HANDOVER_RESUMED: there is another one */
   VPS_HANDOVER_RESUMED = 'r',
   VPS_HANDOVER_COMPILED = 'c', /* it ends, and its driver has compiled much (server/process/compiled.h) */
   VPS_HANDOVER_HUNG = 'h',     /* it ends, and the GPU was busy with something that takes too long */
   VPS_HANDOVER_SILENT = 's',   /* its client has closed the connection without a word */
   VPS_HANDOVER_ENDED = 'e',    /* the session ends, and then why: see vps_handover_tell_end */
};

/* The worker says it, but for those that say more, below. It waits for nobody, and may have no listener (-1). */
void vps_handover_tell(int worker_end, enum vps_handover_word word);

/* The worker says why the session ends, in a sentence; without a listener it is logged here. The first one counts. */
void vps_handover_tell_end(int worker_end, const char *text);

/* The worker says that it has loaded the driver, and how many GPUs there are for clients, with how much memory. */
void vps_handover_tell_loaded(int worker_end, uint32_t gpus, uint64_t memory);

/* What a worker has said. Starts zeroed. */
struct vps_handover_news {
   bool loaded, compiled, hung, silent;
   uint32_t gpus;                /* loaded: so many, ... */
   uint64_t memory;              /* ... with so many bytes */
   int64_t lost_ms;              /* the client's connection has gone, then; 0: it has one, or none yet */
   char end[VP_ERROR_TEXT_SIZE]; /* of the client's making, in part: for the log alone; empty: nothing */
};

/* Adds all that it has said up to now. */
void vps_handover_hear(int listener_end, struct vps_handover_news *news);

#endif
