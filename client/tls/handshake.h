/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_TLS_HANDSHAKE_H
#define VP_CLIENT_TLS_HANDSHAKE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/key_file.h"
#include "common/tls/tls.h"

#define VP_PIN_SIZE 32 /* SHA-256 */

/* What venus-tls is told, and what it knows of a connection. */
struct vp_handshake {
   /* From the command line; NULL: not said. */
   const char *host, *name, *identity, *keys, *ca, *pin, *certificate_file, *key_file;
   uint16_t port;
   int timeout_ms;

   struct vp_key_file key_list;
   const struct vp_key *key; /* identity: its key */
   struct vp_tls_certificate certificate;
   uint8_t pinned[VP_PIN_SIZE], seen[VP_PIN_SIZE]; /* hashes of the server's public key */
   bool has_seen;
   SSL_CTX *context;
   SSL *ssl;
};

/* Reads the files, and refuses what would not protect anything. False with a sentence in `error`; vp_handshake_finish
 * is needed in both cases. */
bool vp_handshake_prepare(struct vp_handshake *handshake, char *error, size_t error_size);

/* On a connected socket, until deadline_ms of vp_clock_ms(). The server may refuse this client after it has succeeded.
 * False with a sentence in `error` and errno, which is ECONNRESET if the connection was closed without a word. */
bool vp_handshake_run(struct vp_handshake *handshake, int fd, int64_t deadline_ms, char *error, size_t error_size);

/* Why OpenSSL's last call has failed, as seen by a user. */
void vp_handshake_explain(const struct vp_handshake *handshake, char *error, size_t error_size);

/* Wipes the keys. May be called again. */
void vp_handshake_forget_keys(struct vp_handshake *handshake);

void vp_handshake_finish(struct vp_handshake *handshake);

#endif
