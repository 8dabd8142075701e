/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_TLS_PAIR_H
#define TOOLS_TLS_PAIR_H

/* Both ends of a TLS connection over loopback, with a shared key that is no secret: for measuring and testing what
 * copies between TLS and sockets. */

#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/tls/tls.h"

static const uint8_t tls_pair_key[32] = {1, 2, 3};

static inline SSL_SESSION *tls_pair_session(SSL *ssl)
{
   static const unsigned char cipher[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */

   return vp_tls_session_of_key(SSL_CIPHER_find(ssl, cipher), tls_pair_key, sizeof(tls_pair_key));
}

static inline int tls_pair_offer(SSL *ssl, const EVP_MD *digest, const unsigned char **identity, size_t *length,
                                 SSL_SESSION **session)
{
   (void)digest;
   *identity = (const unsigned char *)"key";
   *length = strlen("key");
   *session = tls_pair_session(ssl);
   return *session != NULL;
}

static inline int tls_pair_find(SSL *ssl, const unsigned char *identity, size_t length, SSL_SESSION **session)
{
   (void)identity;
   (void)length;
   *session = tls_pair_session(ssl);
   return *session != NULL;
}

/* Of one end. NULL without memory. */
static inline SSL_CTX *tls_pair_context(bool is_server)
{
   SSL_CTX *context = vp_tls_context_create(is_server ? TLS_server_method() : TLS_client_method());

   if (context && is_server)
      SSL_CTX_set_psk_find_session_callback(context, tls_pair_find);
   else if (context)
      SSL_CTX_set_psk_use_session_callback(context, tls_pair_offer);
   return context;
}

static inline bool tls_pair_shake_hands(SSL *ssl, bool is_server)
{
   return (is_server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1;
}

/* A TCP connection: the client's end and the server's. */
static inline bool tls_pair_open(int ends[2])
{
   char error[VP_SOCKET_ERROR_SIZE], peer[64];
   uint16_t port;
   const int listener = vp_socket_listen("127.0.0.1", 0, &port, error);

   ends[0] = listener < 0 ? -1 : vp_socket_connect("127.0.0.1", port, 1000, error);
   ends[1] = ends[0] < 0 ? -1 : vp_socket_accept(listener, peer, sizeof(peer));
   if (listener >= 0)
      close(listener);
   return ends[1] >= 0;
}

#endif
