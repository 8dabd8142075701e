/* SPDX-License-Identifier: MIT */
#ifndef VP_TLS_TLS_H
#define VP_TLS_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What both sides of a TLS connection do in the same way. Linked into venus-server and venus-tls alone: OpenSSL has no
 * place in the process of an application, which may have another one. */

/* The most that a peer may send before it is known. */
#define VP_TLS_MAX_HANDSHAKE_BYTES ((uint64_t)64 * 1024)

/* A context for `method`: TLS 1.3 and nothing older, no resumption, tickets or early data, memory of a connection that
 * is idle given back. Reads no configuration of OpenSSL's. NULL without memory. */
SSL_CTX *vp_tls_context_create(const SSL_METHOD *method);

/* A connection over a socket, of which no more than VP_TLS_MAX_HANDSHAKE_BYTES are read until vp_tls_allow_all. The
 * socket stays the caller's. NULL without memory. */
SSL *vp_tls_create(SSL_CTX *context, int fd);

/* The handshake is over: no limit any more, and large buffers. What is written collects in *outgoing (common/tls/
 * outgoing.h), which stays the connection's; NULL: in no buffer, since the kernel encrypts. False without memory. */
bool vp_tls_allow_all(SSL *ssl, BIO **outgoing);

/* A shared key as OpenSSL wants to have it, for connections with that cipher. NULL without memory. */
SSL_SESSION *vp_tls_session_of_key(const SSL_CIPHER *cipher, const uint8_t *key, size_t size);

/* The certificate and its chain, and its private key (a file that vp_secret_read takes), are the connection's, or are
 * kept for it. NULL, NULL: none. */
struct vp_tls_certificate {
   X509 *certificate;
   STACK_OF(X509) * chain;
   EVP_PKEY *key;
};

/* From files in PEM. False with a sentence in `error`; vp_tls_certificate_finish is needed in both cases. */
bool vp_tls_certificate_load(struct vp_tls_certificate *certificate, const char *certificate_path, const char *key_path,
                             char *error, size_t error_size);
bool vp_tls_certificate_use(const struct vp_tls_certificate *certificate, SSL *ssl);
void vp_tls_certificate_finish(struct vp_tls_certificate *certificate);

/* Who may have signed the certificates of the other side, from a file in PEM, whose revocation lists count. False with
 * a sentence in `error`. */
bool vp_tls_trust(SSL_CTX *context, const char *path, char *error, size_t error_size);

/* Whether an error of OpenSSL's is this one of TLS: SSL_R_... */
bool vp_tls_error_is(unsigned long code, int reason);

/* What the last call on this connection failed with, for people, and forgets it. `left`: for when the other side has
 * just gone. */
void vp_tls_describe(const SSL *ssl, const char *left, char *out, size_t size);

#endif
