/* SPDX-License-Identifier: MIT */

/* How OpenSSL is used: one version of the protocol, nothing that is remembered between connections, and a limit to what
 * is read of somebody who is not known yet. */

#include "common/tls/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <string.h>

#include "common/tls/outgoing.h"

/* So much is read from the network at once, as it is written (outgoing.c). */
#define BUFFER_SIZE (64L * 1024)

/* Of certificates; ours have 2 KiB. */
#define MAX_CERTIFICATES (32L * 1024)

/* With shared keys whose hash is SHA-256, as they all are if nobody says otherwise, only the first two are possible. */
#define CIPHERS "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"

/* From then on OpenSSL leaves the reading to the kernel, too, which cannot follow when the other side changes keys. */
#define RECEIVES_IN_KERNEL 0x30200000UL

SSL_CTX *vp_tls_context_create(const SSL_METHOD *method)
{
   uint64_t options = SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

   OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
   if (OpenSSL_version_num() < RECEIVES_IN_KERNEL)
      options |= SSL_OP_ENABLE_KTLS;
   SSL_CTX *context = SSL_CTX_new(method);
   if (!context)
      return NULL;
   SSL_CTX_set_options(context, options);
   SSL_CTX_set_security_level(context, 2);
   SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
   SSL_CTX_set_max_cert_list(context, MAX_CERTIFICATES);
   SSL_CTX_set_mode(context,
                    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
   if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) && SSL_CTX_set_ciphersuites(context, CIPHERS) &&
       SSL_CTX_set_num_tickets(context, 0) && SSL_CTX_set_max_early_data(context, 0) &&
       SSL_CTX_set_recv_max_early_data(context, 0))
      return context;
   SSL_CTX_free(context);
   return NULL;
}

/* Before each read. */
static long limit_reading(BIO *bio, int operation, const char *data, size_t size, int argument, long argument_long,
                          int result, size_t *processed)
{
   (void)data;
   (void)size;
   (void)argument;
   (void)argument_long;
   (void)processed;
   if (operation == BIO_CB_READ && BIO_number_read(bio) >= VP_TLS_MAX_HANDSHAKE_BYTES)
      return -1;
   return result;
}

SSL *vp_tls_create(SSL_CTX *context, int fd)
{
   SSL *ssl = SSL_new(context);

   if (ssl && SSL_set_fd(ssl, fd)) {
      BIO_set_callback_ex(SSL_get_rbio(ssl), limit_reading);
      return ssl;
   }
   SSL_free(ssl);
   return NULL;
}

static BIO *create_reader(void)
{
   BIO *buffer = BIO_new(BIO_f_buffer());

   if (buffer && BIO_set_read_buffer_size(buffer, BUFFER_SIZE) == 1)
      return buffer;
   BIO_free(buffer);
   return NULL;
}

/* `buffer` may be NULL, and is freed on failure. */
static BIO *put_in_front(BIO *buffer, BIO *socket)
{
   if (buffer && BIO_up_ref(socket) == 1)
      return BIO_push(buffer, socket);
   BIO_free(buffer);
   return NULL;
}

/* OpenSSL can read ahead by itself, but then it moves all that it has not used yet for each record. */
bool vp_tls_allow_all(SSL *ssl, BIO **outgoing)
{
   BIO *socket = SSL_get_rbio(ssl), *reader = put_in_front(create_reader(), socket);
   /* The kernel makes records of what it is given, and must know of each what it is. */
   const bool writes_itself = BIO_get_ktls_send(socket);

   BIO_set_callback_ex(socket, NULL);
   SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
   *outgoing = reader && !writes_itself ? put_in_front(vp_outgoing_create(), socket) : NULL;
   if (!*outgoing && !writes_itself) {
      BIO_free_all(reader);
      return false;
   }
   if (*outgoing)
      SSL_set0_wbio(ssl, *outgoing);
   if (reader)
      SSL_set0_rbio(ssl, reader);
   return reader != NULL;
}

SSL_SESSION *vp_tls_session_of_key(const SSL_CIPHER *cipher, const uint8_t *key, size_t size)
{
   SSL_SESSION *session = SSL_SESSION_new();

   if (session && cipher && SSL_SESSION_set1_master_key(session, key, size) &&
       SSL_SESSION_set_cipher(session, cipher) && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
      return session;
   SSL_SESSION_free(session);
   return NULL;
}

bool vp_tls_error_is(unsigned long code, int reason)
{
   return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reason;
}

/* Why the other side's certificate was not taken. */
static bool describe_verification(const SSL *ssl, unsigned long code, char *out, size_t size)
{
   const long result = SSL_get_verify_result(ssl);

   if (!vp_tls_error_is(code, SSL_R_CERTIFICATE_VERIFY_FAILED) || result == X509_V_OK)
      return false;
   snprintf(out, size, "%s", X509_verify_cert_error_string(result));
   return true;
}

/* "tlsv1 alert unknown ca": what the other side has said last. The version in it is that of when the word was new. */
static void describe_reason(const char *reason, char *out, size_t size)
{
   static const char alert[] = " alert ";
   const char *said = reason ? strstr(reason, alert) : NULL;

   if (said)
      snprintf(out, size, "the other side says: %s", said + strlen(alert));
   else
      snprintf(out, size, "%s", reason ? reason : "an error without a name");
}

void vp_tls_describe(const SSL *ssl, const char *left, char *out, size_t size)
{
   const unsigned long code = ERR_peek_error();

   if (BIO_number_read(SSL_get_rbio(ssl)) >= VP_TLS_MAX_HANDSHAKE_BYTES && !SSL_is_init_finished(ssl))
      snprintf(out, size, "it has said too much");
   else if (!code || vp_tls_error_is(code, SSL_R_UNEXPECTED_EOF_WHILE_READING))
      snprintf(out, size, "%s", left);
   else if (!describe_verification(ssl, code, out, size))
      describe_reason(ERR_reason_error_string(code), out, size);
   ERR_clear_error();
}
