/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_LOBBY_H
#define VP_SERVER_PROCESS_LOBBY_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/process/client.h"

/* A greeting is there in this time. */
#define VPS_LOBBY_MS 5000

/* From the first number on, a new one is closed with a probability that rises to 1 at the second. One source alone,
 * which may have as many as the first, costs the others nothing. */
#define VPS_LOBBY_FEW VPS_SOURCE_SHARE
#define VPS_LOBBY_ROOM 100u

struct vps_guest {
   int fd;
   struct vps_client client;
   bool speaks_tls;  /* and is not let in yet */
   bool is_admitted; /* with TLS */
   pid_t gate;       /* speaks_tls: who shakes hands with it; 0: nobody yet */
   uint32_t number;  /* what the gate calls it */
   int64_t deadline_ms;
   int64_t rest_ms; /* it is not looked at before, unless it hangs up */
   int present;     /* bytes of its greeting that were there when it was looked at last */
   bool stirs;      /* is to be looked at */
   bool hung_up;    /* sends nothing more */
   bool has_asked;  /* how busy the server is */
};

/* TCP connections that have not said their greeting: they wait here, where each costs a descriptor and no process,
 * until all of it is in the socket, from which nothing is taken. Those that begin with TLS keep their places and their
 * time while the gate (server/process/gates.h) shakes hands with them, and then until they have said their greeting
 * over the socket that the gate gives in exchange. Who asks before his greeting how busy the server is gets an answer,
 * once. All zero: nobody, no gate, and no answer. */
struct vps_lobby {
   struct vps_guest guests[VPS_LOBBY_ROOM];
   unsigned count;
   uint32_t last_number;
   bool has_gate; /* TLS is spoken: who is not on this machine must */
   bool tls_only; /* and who is, too */
   struct vps_source_table sources;
   void (*tell_load)(void *owner, struct vp_load *load); /* how busy the server is; NULL: nobody is told */
   void *load_owner;
   uint64_t silent, refused_by_tls; /* so many were let go because of that */
};

enum vps_lobby_verdict {
   VPS_LOBBY_KEPT,    /* waits, or has been closed */
   VPS_LOBBY_GREETED, /* its greeting is there: the caller has the connection now */
   VPS_LOBBY_STRANGE, /* it speaks something else: likewise */
   VPS_LOBBY_PLAIN,   /* it greets without TLS, and may not: likewise */
};

/* A connection that has just been accepted. */
enum vps_lobby_verdict vps_lobby_enter(struct vps_lobby *lobby, int fd, const struct vps_client *client);

/* What poll() is to wait for: returns how many. */
unsigned vps_lobby_prepare(const struct vps_lobby *lobby, struct pollfd pollfds[VPS_LOBBY_ROOM]);

/* When there is something to do without an event; INT64_MAX: never. */
int64_t vps_lobby_due(const struct vps_lobby *lobby);

/* After poll(), before anything else is done with the lobby. */
void vps_lobby_hear(struct vps_lobby *lobby, const struct pollfd pollfds[VPS_LOBBY_ROOM]);

/* Then: takes one that waits no longer, which is the caller's now. VPS_LOBBY_KEPT: no more of them. */
enum vps_lobby_verdict vps_lobby_take(struct vps_lobby *lobby, struct vps_guest *guest);

/* One that is to go to a gate, whose process is then noted in it; NULL: no more of them. */
struct vps_guest *vps_lobby_next_for_gate(struct vps_lobby *lobby);

/* That gate has let it in: `fd` is its connection from now on. `by`: "key" or "certificate". Nobody may be there any
 * more under that number. */
void vps_lobby_admit(struct vps_lobby *lobby, pid_t gate, uint32_t number, int fd, const char *user, const char *by);

/* It has not; `user`: who it claims to be. Returns the connection, which is the caller's now, or -1. */
int vps_lobby_refuse(struct vps_lobby *lobby, pid_t gate, uint32_t number, const char *user, const char *reason);

/* That gate has ended, and with it the connections that it had. */
void vps_lobby_lose_gate(struct vps_lobby *lobby, pid_t gate);

/* One of this source that has left it wanted to go on with a session, which there is or is not: only the first is as
 * good as a greeting. */
void vps_lobby_note_resumed(struct vps_lobby *lobby, const struct vps_source *source, bool there_is);

/* Closes them, and logs what is to be reported. */
void vps_lobby_close(struct vps_lobby *lobby);

#endif
