#!/bin/bash
# SPDX-License-Identifier: MIT
# OpenSSL 3.0.22 (Debian 12), TLS 1.3: SSL_shutdown() fails with "shutdown while in init" on connections whose handshake
# was over long ago. One way there is SSL_key_update() when nothing is written after it: the update is sent with the
# next write, and until then the connection counts as being in a handshake. The other is that the peer has closed
# without close_notify: SSL_read() takes that for a fatal error, and no close_notify can be sent any more, although the
# other direction may still be open. SSL_OP_IGNORE_UNEXPECTED_EOF avoids the second.
#
# Seen: both, and that one written byte between update and shutdown makes it succeed. Fails when that changes.
set -euo pipefail

packages=(libssl-dev=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
cat >goodbye.c <<'END'
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

static SSL_SESSION *make_session(SSL *ssl)
{
   static const unsigned char key[32] = {1}, aes_128_gcm[] = {0x13, 0x01};
   SSL_SESSION *session = SSL_SESSION_new();

   SSL_SESSION_set1_master_key(session, key, sizeof(key));
   SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, aes_128_gcm));
   SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
   return session;
}

static int use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *size, SSL_SESSION **session)
{
   (void)md;
   *id = (const unsigned char *)"me";
   *size = 2;
   *session = make_session(ssl);
   return 1;
}

static int find(SSL *ssl, const unsigned char *id, size_t size, SSL_SESSION **session)
{
   (void)id, (void)size;
   *session = make_session(ssl);
   return 1;
}

static SSL *make_side(BIO *in, BIO *out, int is_server)
{
   SSL_CTX *context = SSL_CTX_new(TLS_method());

   SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
   SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
   SSL_CTX_set_num_tickets(context, 0);
   SSL *ssl = SSL_new(context);
   BIO_up_ref(in);
   BIO_up_ref(out);
   SSL_set_bio(ssl, in, out);
   if (is_server) {
      SSL_set_psk_find_session_callback(ssl, find);
      SSL_set_accept_state(ssl);
   } else {
      SSL_set_psk_use_session_callback(ssl, use);
      SSL_set_connect_state(ssl);
   }
   return ssl;
}

static void try_it(const char *what, int updates, int writes, int is_closed)
{
   BIO *down = BIO_new(BIO_s_mem()), *up = BIO_new(BIO_s_mem());
   SSL *client = make_side(down, up, 0), *server = make_side(up, down, 1);
   char byte;

   for (int i = 0; i < 4; i++) {
      SSL_do_handshake(client);
      SSL_do_handshake(server);
   }
   if (!SSL_is_init_finished(client) || !SSL_is_init_finished(server))
      puts("the handshake is not over");
   if (updates)
      SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED);
   if (writes)
      SSL_write(client, "x", 1);
   if (is_closed) {
      BIO_set_mem_eof_return(down, 0);
      SSL_read(client, &byte, 1);
   }
   ERR_clear_error();
   const int result = SSL_shutdown(client);
   printf("%s: %s\n", what, result < 0 ? ERR_reason_error_string(ERR_peek_error()) : "close_notify is sent");
}

int main(void)
{
   fprintf(stderr, "%s\n", OpenSSL_version(OPENSSL_VERSION));
   try_it("nothing before", 0, 0, 0);
   try_it("key update", 1, 0, 0);
   try_it("key update, a byte", 1, 1, 0);
   try_it("the peer has closed", 0, 0, 1);
   return 0;
}
END
libraries=$folder/root/usr/lib/x86_64-linux-gnu
gcc -Iroot/usr/include -Iroot/usr/include/x86_64-linux-gnu goodbye.c -o goodbye -L"$libraries" -l:libssl.so.3 -l:libcrypto.so.3

LD_LIBRARY_PATH=$libraries OPENSSL_CONF=/dev/null ./goodbye | tee seen
diff seen - <<'END'
nothing before: close_notify is sent
key update: shutdown while in init
key update, a byte: close_notify is sent
the peer has closed: shutdown while in init
END
