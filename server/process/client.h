/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_CLIENT_H
#define VP_SERVER_PROCESS_CLIENT_H

#include <stdint.h>

#include "common/net/hello.h"
#include "common/net/key_file.h"
#include "common/net/load.h"
#include "server/process/source_table.h"

/* Longest texts, NUL included. */
#define VPS_PEER_SIZE (64 + 4 + VP_KEY_IDENTITY_SIZE)
#define VPS_USER_SIZE 128

/* Who a client is, for the log and for what its user may have. */
struct vps_client {
   char peer[VPS_PEER_SIZE]; /* its address, or its process; with TLS "alice at ADDRESS"; empty: nobody */
   char user[VPS_USER_SIZE]; /* whose it is: "uid:1000" on a Unix socket, "address:192.0.2.1" on TCP, with TLS
                                "key:alice" or "certificate:alice" */
   struct vps_source source; /* where its connection comes from, also through the gate; of size 0: no network */
   uint8_t session[VP_SESSION_ID_SIZE]; /* the id of its session, random: a secret of the client's and ours */
   int account_fd;      /* the file of its user's account (server/process/account.h); -1: there is none */
   int account_slot;    /* its place there */
   struct vp_load load; /* of the server, before it came */
   int page_fd;         /* the file of its session's page (server/process/session_page.h); -1: there is none */
   int share_fd;        /* where it asks for what sessions lend (server/process/share_desk.h); -1: nowhere */
};

#endif
