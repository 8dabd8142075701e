/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GATE_H
#define VP_SERVER_PROCESS_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/key_file.h"
#include "server/process/options.h"

/* The gate: a process of the server that alone has the keys of TLS. The listener passes it connections that speak TLS,
 * each with a number (a u32), as messages of server/process/passing.h; it shakes hands with all of them at once and
 * says how that went. Who is let in gets a process that copies between TLS and a pair of sockets, of which the other
 * end comes with the news: from there on that is the client's connection. When the listener's end has no more to say
 * the gate ends with its last connection. */

enum vps_gate_word {
   VPS_GATE_READY,    /* it has read all its files; nothing else comes before. If it cannot, it ends */
   VPS_GATE_ADMITTED, /* with a descriptor */
   VPS_GATE_REFUSED,  /* all that is to be said over the connection has been */
};

#define VPS_GATE_REASON_SIZE 200

struct vps_gate_news {
   uint32_t word, connection;
   uint32_t by_certificate;           /* 1: that says who it is; 0: a shared key does */
   char user[VP_KEY_IDENTITY_SIZE];   /* who it is, or claims to be: without control characters; empty: unknown */
   char reason[VPS_GATE_REASON_SIZE]; /* of a refusal */
};

/* Is that process, whose end is `fd`. Returns its exit status. For a process with one thread. */
int vps_gate_run(int fd, const struct vps_options *options);

/* The most connections that it shakes hands with at once. */
#define VPS_GATE_ROOM 100u

#endif
