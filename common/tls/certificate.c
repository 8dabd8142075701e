/* SPDX-License-Identifier: MIT */

/* Certificates from files: a side's own with its key, and those of whoever signs the other side's. */

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "common/net/secret_file.h"
#include "common/tls/tls.h"

#define PATH_FORMAT "%.200s"

/* Nobody is asked for one. */
static int no_password(char *buffer, int size, int writing, void *data)
{
   (void)buffer;
   (void)size;
   (void)writing;
   (void)data;
   return -1;
}

static void say_openssl(const char *path, const char *what, char *error, size_t error_size)
{
   const char *reason = ERR_reason_error_string(ERR_peek_last_error());

   snprintf(error, error_size, PATH_FORMAT ": %s%s%s", path, what, reason ? ": " : "", reason ? reason : "");
   ERR_clear_error();
}

/* The first certificate is the side's own, the others lead to whoever is trusted. */
static bool load_certificates(struct vp_tls_certificate *certificate, const char *path, char *error, size_t error_size)
{
   BIO *file = BIO_new_file(path, "r");
   X509 *next;

   if (!file) {
      say_openssl(path, "cannot be read", error, error_size);
      return false;
   }
   certificate->certificate = PEM_read_bio_X509(file, NULL, no_password, NULL);
   certificate->chain = sk_X509_new_null();
   bool ok = certificate->certificate && certificate->chain;
   while (ok && (next = PEM_read_bio_X509(file, NULL, no_password, NULL))) {
      ok = sk_X509_push(certificate->chain, next) > 0;
      if (!ok)
         X509_free(next);
   }
   if (!ok)
      say_openssl(path, "is no certificate in PEM", error, error_size);
   ERR_clear_error(); /* the file's end is one */
   BIO_free(file);
   return ok;
}

static bool load_key(struct vp_tls_certificate *certificate, const char *path, char *error, size_t error_size)
{
   struct vp_secret secret;

   if (!vp_secret_read(&secret, path, error, error_size))
      return false;
   BIO *memory = BIO_new_mem_buf(secret.data, (int)secret.size);
   certificate->key = memory ? PEM_read_bio_PrivateKey(memory, NULL, no_password, NULL) : NULL;
   BIO_free(memory);
   vp_secret_finish(&secret);
   if (certificate->key)
      return true;
   say_openssl(path, "is no private key in PEM without a password", error, error_size);
   return false;
}

bool vp_tls_certificate_load(struct vp_tls_certificate *certificate, const char *certificate_path, const char *key_path,
                             char *error, size_t error_size)
{
   *certificate = (struct vp_tls_certificate){0};
   if (!load_certificates(certificate, certificate_path, error, error_size) ||
       !load_key(certificate, key_path, error, error_size))
      return false;
   if (X509_check_private_key(certificate->certificate, certificate->key) == 1)
      return true;
   ERR_clear_error();
   snprintf(error, error_size, "%.150s is not the key of the certificate in %.150s", key_path, certificate_path);
   return false;
}

bool vp_tls_certificate_use(const struct vp_tls_certificate *certificate, SSL *ssl)
{
   return SSL_use_cert_and_key(ssl, certificate->certificate, certificate->key, certificate->chain, 1) == 1;
}

void vp_tls_certificate_finish(struct vp_tls_certificate *certificate)
{
   X509_free(certificate->certificate);
   sk_X509_pop_free(certificate->chain, X509_free);
   EVP_PKEY_free(certificate->key);
   *certificate = (struct vp_tls_certificate){0};
}

static bool has_revocation_list(X509_STORE *store)
{
   const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

   for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
      if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL)
         return true;
   }
   return false;
}

bool vp_tls_trust(SSL_CTX *context, const char *path, char *error, size_t error_size)
{
   X509_STORE *store = SSL_CTX_get_cert_store(context);

   ERR_clear_error();
   if (X509_STORE_load_file(store, path) != 1) {
      say_openssl(path, "has no certificates in PEM", error, error_size);
      return false;
   }
   if (has_revocation_list(store))
      X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
   return true;
}
