/* SPDX-License-Identifier: MIT */

/* The client's half of a handshake: by a shared key, or by certificates, of which the server's is checked in one of two
 * ways before anything is said to it. */

#include "client/tls/handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/net/socket.h"
#include "common/util/clock.h"

#define PIN_PREFIX "sha256:"

/* A shared key is for SHA-256 if nobody says otherwise, and so are these. */
#define CIPHERS_OF_KEYS "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

/* --- shared keys --- */

static int offer_key(SSL *ssl, const EVP_MD *digest, const unsigned char **identity, size_t *length,
                     SSL_SESSION **session)
{
   static const unsigned char cipher[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
   const struct vp_handshake *handshake = SSL_get_app_data(ssl);

   *session = NULL;
   if (digest && !EVP_MD_is_a(digest, "SHA256"))
      return 1; /* none that fits */
   *session = vp_tls_session_of_key(SSL_CIPHER_find(ssl, cipher), handshake->key->bytes, handshake->key->size);
   *identity = (const unsigned char *)handshake->identity;
   *length = strlen(handshake->identity);
   return *session != NULL;
}

static bool prepare_key(struct vp_handshake *handshake, char *error, size_t error_size)
{
   if (!handshake->keys) {
      snprintf(error, error_size, "tls:// with an identity needs its key: name the file in VENUS_KEY_FILE");
      return false;
   }
   if (!vp_key_file_load(&handshake->key_list, handshake->keys, error, error_size))
      return false;
   handshake->key = vp_key_file_find(&handshake->key_list, handshake->identity);
   if (!handshake->key) {
      snprintf(error, error_size, "%.200s has no key for \"%s\"", handshake->keys, handshake->identity);
      return false;
   }
   SSL_CTX_set_psk_use_session_callback(handshake->context, offer_key);
   return SSL_CTX_set_ciphersuites(handshake->context, CIPHERS_OF_KEYS) == 1;
}

/* --- certificates --- */

static bool parse_pin(const char *text, uint8_t pin[VP_PIN_SIZE])
{
   long length = 0;

   if (strncmp(text, PIN_PREFIX, strlen(PIN_PREFIX)) != 0 || strchr(text + strlen(PIN_PREFIX), ':'))
      return false;
   unsigned char *bytes = OPENSSL_hexstr2buf(text + strlen(PIN_PREFIX), &length);
   const bool ok = bytes && length == VP_PIN_SIZE;
   if (ok)
      memcpy(pin, bytes, VP_PIN_SIZE);
   OPENSSL_free(bytes);
   ERR_clear_error();
   return ok;
}

static bool hash_public_key(X509 *certificate, uint8_t hash[VP_PIN_SIZE])
{
   unsigned char *bytes = NULL;
   const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
   const bool ok = size > 0 && EVP_Digest(bytes, (size_t)size, hash, NULL, EVP_sha256(), NULL) == 1;

   OPENSSL_free(bytes);
   return ok;
}

static bool is_wrong_pin(const struct vp_handshake *handshake)
{
   return handshake->pin && handshake->has_seen && CRYPTO_memcmp(handshake->pinned, handshake->seen, VP_PIN_SIZE) != 0;
}

/* Before the client says anything of itself. A server that has no key has a certificate that nobody asked for. */
static int check_server(X509_STORE_CTX *store, void *data)
{
   struct vp_handshake *handshake = data;

   handshake->has_seen = hash_public_key(X509_STORE_CTX_get0_cert(store), handshake->seen);
   if (handshake->identity || !handshake->has_seen || is_wrong_pin(handshake)) {
      X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
      return 0;
   }
   if (handshake->ca)
      return X509_verify_cert(store) == 1;
   X509_STORE_CTX_set_error(store, X509_V_OK);
   return 1;
}

static bool prepare_certificates(struct vp_handshake *handshake, char *error, size_t error_size)
{
   if (!handshake->ca && !handshake->pin) {
      snprintf(error, error_size,
               "tls:// without an identity (tls://IDENTITY@HOST) needs to know which server is the right one: set "
               "VENUS_TLS_CA or VENUS_TLS_PIN");
      return false;
   }
   if (handshake->pin && !parse_pin(handshake->pin, handshake->pinned)) {
      snprintf(error, error_size, "VENUS_TLS_PIN is not sha256: and 64 hexadecimal digits");
      return false;
   }
   if (!handshake->certificate_file || !handshake->key_file) {
      snprintf(error, error_size,
               "tls:// without an identity (tls://IDENTITY@HOST) needs a certificate: set VENUS_TLS_CERT and "
               "VENUS_TLS_KEY");
      return false;
   }
   return (!handshake->ca || vp_tls_trust(handshake->context, handshake->ca, error, error_size)) &&
          vp_tls_certificate_load(&handshake->certificate, handshake->certificate_file, handshake->key_file, error,
                                  error_size);
}

/* The name that was asked for is the one that the certificate is to have: of a service its own, since anybody may have
 * told the DNS which hosts that is. */
static bool expect_host(SSL *ssl, const char *host)
{
   uint8_t address[sizeof(struct in6_addr)];
   X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);

   if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
      return X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1;
   X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
   return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* --- both --- */

bool vp_handshake_prepare(struct vp_handshake *handshake, char *error, size_t error_size)
{
   snprintf(error, error_size, "OpenSSL cannot be used");
   handshake->context = vp_tls_context_create(TLS_client_method());
   if (!handshake->context)
      return false;
   SSL_CTX_set_verify(handshake->context, SSL_VERIFY_PEER, NULL);
   SSL_CTX_set_cert_verify_callback(handshake->context, check_server, handshake);
   return handshake->identity ? prepare_key(handshake, error, error_size)
                              : prepare_certificates(handshake, error, error_size);
}

static void say_pin(const struct vp_handshake *handshake, char *error, size_t error_size)
{
   char hex[2 * VP_PIN_SIZE + 1];

   for (unsigned i = 0; i < VP_PIN_SIZE; i++)
      snprintf(hex + (size_t)2 * i, 3, "%02x", handshake->seen[i]);
   snprintf(error, error_size, "its public key is not that of VENUS_TLS_PIN: it is " PIN_PREFIX "%s", hex);
}

static const char *name_of(const struct vp_handshake *handshake)
{
   return handshake->name ? handshake->name : handshake->host;
}

/* What has been refused of ours or of the server's has a name in OpenSSL that says little. */
static const char *explain_reason(const struct vp_handshake *handshake, int reason)
{
   const bool key = handshake->identity != NULL;

   switch (reason) {
   case SSL_R_WRONG_VERSION_NUMBER:
      return "it does not speak TLS; a server does that with --keys or --tls-cert";
   case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
   case SSL_R_UNSUPPORTED_PROTOCOL:
      return "it does not speak TLS 1.3";
   case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
   case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return key ? "it does not know the identity, or has another key for it" : NULL;
   case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
   case SSL_R_TLSV13_ALERT_MISSING_EXTENSION:
      return key ? NULL : "it has no certificate; use tls://IDENTITY@HOST with a shared key";
   case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return key ? "it has no shared keys, but a certificate; use tls:// without an identity" : NULL;
   case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
   case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
   case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
   case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
   case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
   case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
   case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it does not take the certificate of VENUS_TLS_CERT";
   default:
      return NULL;
   }
}

/* Of OpenSSL's last call. */
static bool was_left_in_silence(const struct vp_handshake *handshake)
{
   return !ERR_peek_error() && BIO_number_read(SSL_get_rbio(handshake->ssl)) == 0;
}

void vp_handshake_explain(const struct vp_handshake *handshake, char *error, size_t error_size)
{
   const unsigned long code = ERR_peek_error();
   const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
   const char *known = explain_reason(handshake, reason);
   char plain[128], where[160], why[320];

   vp_tls_describe(handshake->ssl, "it has ended the connection", plain, sizeof(plain));
   if (was_left_in_silence(handshake))
      snprintf(why, sizeof(why),
               "the connection was accepted, and closed without a word: if that is a tunnel or a forwarded port, no "
               "Venus server listens at its far end; is venus-server running there?");
   else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && is_wrong_pin(handshake))
      say_pin(handshake, why, sizeof(why));
   else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && !known && handshake->name)
      snprintf(why, sizeof(why), "its certificate is not one for %.80s, as srv: needs it, by VENUS_TLS_CA: %s",
               handshake->name, plain);
   else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && !known)
      snprintf(why, sizeof(why), "its certificate is not one for this host by VENUS_TLS_CA: %s", plain);
   else if (known)
      snprintf(why, sizeof(why), "%s (%s)", known, plain);
   else
      snprintf(why, sizeof(why), "%s", plain);
   snprintf(plain, sizeof(plain), "%.100s", handshake->host);
   vp_socket_format_address(plain, handshake->port, where, sizeof(where));
   snprintf(error, error_size, "the Venus server at %s: %s", where, why);
}

static bool await(const struct vp_handshake *handshake, int fd, int result, int64_t deadline_ms)
{
   struct pollfd pollfd = {.fd = fd};
   const int64_t left = deadline_ms - vp_clock_ms();

   pollfd.events = SSL_get_error(handshake->ssl, result) == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
   return left > 0 && (poll(&pollfd, 1, (int)left) > 0 || errno == EINTR);
}

bool vp_handshake_run(struct vp_handshake *handshake, int fd, int64_t deadline_ms, char *error, size_t error_size)
{
   int result, kind;

   handshake->ssl = vp_tls_create(handshake->context, fd);
   if (!handshake->ssl ||
       (!handshake->identity && !(expect_host(handshake->ssl, name_of(handshake)) &&
                                  vp_tls_certificate_use(&handshake->certificate, handshake->ssl)))) {
      snprintf(error, error_size, "OpenSSL does not take the host or the certificate");
      errno = EINVAL;
      return false;
   }
   SSL_set_app_data(handshake->ssl, handshake);
   (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
   for (;;) {
      ERR_clear_error();
      result = SSL_connect(handshake->ssl);
      kind = result == 1 ? SSL_ERROR_NONE : SSL_get_error(handshake->ssl, result);
      if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
         break;
      if (!await(handshake, fd, result, deadline_ms)) {
         snprintf(error, error_size, "the Venus server at %.100s:%u does not finish its TLS handshake within %d ms",
                  handshake->host, (unsigned)handshake->port, handshake->timeout_ms);
         errno = ETIMEDOUT;
         return false;
      }
   }
   if (result == 1 && (!handshake->identity || SSL_session_reused(handshake->ssl)))
      return true;
   const bool silence = was_left_in_silence(handshake);
   vp_handshake_explain(handshake, error, error_size);
   errno = silence ? ECONNRESET : EPROTO;
   return false;
}

void vp_handshake_forget_keys(struct vp_handshake *handshake)
{
   vp_key_file_finish(&handshake->key_list);
   vp_tls_certificate_finish(&handshake->certificate);
   handshake->key = NULL;
   if (handshake->ssl)
      SSL_certs_clear(handshake->ssl);
}

void vp_handshake_finish(struct vp_handshake *handshake)
{
   vp_handshake_forget_keys(handshake);
   SSL_free(handshake->ssl);
   SSL_CTX_free(handshake->context);
   *handshake = (struct vp_handshake){0};
}
