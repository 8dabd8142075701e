/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_LOBBY_H
#define VP_SERVER_PROCESS_LOBBY_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/process/source_table.h"
#include "server/process/worker_process.h"

/* A greeting is there in this time. */
#define VPS_LOBBY_MS 5000

/* From the first number on, a new one is closed with a probability that rises to 1 at the second. One source alone,
 * which may have as many as the first, costs the others nothing. */
#define VPS_LOBBY_FEW VPS_SOURCE_SHARE
#define VPS_LOBBY_ROOM 100u

struct vps_guest {
   int fd;
   char peer[VPS_PEER_SIZE];
   struct vps_source source;
   int64_t deadline_ms;
   int64_t rest_ms; /* it is not looked at before, unless it hangs up */
   int present;     /* bytes of its greeting that were there when it was looked at last */
   bool stirs;      /* is to be looked at */
   bool hung_up;    /* sends nothing more */
};

/* TCP connections that have not said their greeting: they wait here, where each costs a descriptor and no process,
 * until all of it is in the socket, from which nothing is taken. */
struct vps_lobby {
   struct vps_guest guests[VPS_LOBBY_ROOM];
   unsigned count;
   struct vps_source_table sources;
};

enum vps_lobby_verdict {
   VPS_LOBBY_KEPT,    /* waits, or has been closed */
   VPS_LOBBY_GREETED, /* its greeting is there: the caller has the connection now */
   VPS_LOBBY_STRANGE, /* it speaks something else: likewise */
};

/* A connection that has just been accepted. */
enum vps_lobby_verdict vps_lobby_enter(struct vps_lobby *lobby, int fd, const char *peer);

/* What poll() is to wait for: returns how many. */
unsigned vps_lobby_prepare(const struct vps_lobby *lobby, struct pollfd pollfds[VPS_LOBBY_ROOM]);

/* When there is something to do without an event; INT64_MAX: never. */
int64_t vps_lobby_due(const struct vps_lobby *lobby);

/* After poll(), before anything else is done with the lobby. */
void vps_lobby_hear(struct vps_lobby *lobby, const struct pollfd pollfds[VPS_LOBBY_ROOM]);

/* Then: takes one that waits no longer, which is the caller's now. VPS_LOBBY_KEPT: no more of them. */
enum vps_lobby_verdict vps_lobby_take(struct vps_lobby *lobby, struct vps_guest *guest);

/* Closes them, and logs what is to be reported. */
void vps_lobby_close(struct vps_lobby *lobby);

#endif
