#!/bin/bash
# SPDX-License-Identifier: MIT
# OpenSSL 3.0.22 (Debian 12), TLS 1.3, a non-blocking socket: while SSL_write() waits for the network (WANT_WRITE), the
# peer may ask for a new key (SSL_key_update() with SSL_KEY_UPDATE_REQUESTED), and OpenSSL answers when the write is
# complete. But when another update follows before that, of either kind, SSL_read() fails with "bad length", and the
# session is over: the write cannot be continued. RFC 8446, 4.6.3, has several updates while one side is silent, and
# one answer to all of them. A peer that asks whenever it changes its key gets there when it says much and takes little.
# OpenSSL 3.5.9 (Debian 13) does the same. What helps is a BIO in front of the socket that takes whole records: then
# nothing is pending for OpenSSL.
#
# Seen: with a write pending, updates that ask for nothing and one that asks do no harm, a second one after that does;
# with nothing pending it does not. Fails when that changes.
set -euo pipefail

packages=(libssl-dev=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
cat >request.c <<'END'
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUCH 100000
#define TRIES 1000

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

static SSL *make_side(int fd, int is_server)
{
   const int room = 8192;
   SSL_CTX *context = SSL_CTX_new(TLS_method());

   SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
   SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
   SSL_CTX_set_num_tickets(context, 0);
   SSL *ssl = SSL_new(context);
   SSL_CTX_free(context);
   setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
   fcntl(fd, F_SETFL, O_NONBLOCK);
   SSL_set_fd(ssl, fd);
   if (is_server) {
      SSL_set_psk_find_session_callback(ssl, find);
      SSL_set_accept_state(ssl);
   } else {
      SSL_set_psk_use_session_callback(ssl, use);
      SSL_set_connect_state(ssl);
   }
   return ssl;
}

static const char *name(SSL *ssl, int result)
{
   switch (SSL_get_error(ssl, result)) {
   case SSL_ERROR_NONE:
      return "done";
   case SSL_ERROR_WANT_READ:
      return "WANT_READ";
   case SSL_ERROR_WANT_WRITE:
      return "WANT_WRITE";
   case SSL_ERROR_SSL:
      return ERR_reason_error_string(ERR_peek_error());
   default:
      return "another error";
   }
}

/* The kinds of the peer's updates, one letter each: r for one that requests another in return, n for one that does not.
 */
static void try_it(const char *what, int is_pending, const char *kinds)
{
   static char data[MUCH], read[MUCH];
   int fds[2], got = 0, result, written = 0;

   socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
   SSL *peer = make_side(fds[0], 0), *ours = make_side(fds[1], 1);
   for (int i = 0; i < 4; i++) {
      SSL_do_handshake(peer);
      SSL_do_handshake(ours);
   }
   if (!SSL_is_init_finished(peer) || !SSL_is_init_finished(ours))
      puts("the handshake is not over");
   printf("%s:", what);
   ERR_clear_error();
   if (is_pending)
      printf(" write %s,", name(ours, SSL_write(ours, data, MUCH)));
   for (; *kinds; kinds++) {
      SSL_key_update(peer, *kinds == 'r' ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
      if (SSL_do_handshake(peer) != 1)
         puts("the update does not leave");
   }
   ERR_clear_error();
   printf(" read %s,", name(ours, SSL_read(ours, read, 1)));
   /* Now the peer takes all, and the same is written again until it is done. */
   for (int i = 0; i < TRIES && got < MUCH; i++) {
      ERR_clear_error();
      if (written <= 0)
         written = SSL_write(ours, data, MUCH);
      while ((result = SSL_read(peer, read, MUCH)) > 0)
         got += result;
   }
   printf(" %s\n", got == MUCH ? "all arrives" : "the rest never arrives");
   SSL_free(peer);
   SSL_free(ours);
   close(fds[0]);
   close(fds[1]);
}

int main(void)
{
   fprintf(stderr, "%s\n", OpenSSL_version(OPENSSL_VERSION));
   try_it("pending, no update", 1, "");
   try_it("pending, 3 updates", 1, "nnn");
   try_it("pending, request", 1, "r");
   try_it("pending, 3 updates and a request", 1, "nnnr");
   try_it("pending, request, request", 1, "rr");
   try_it("pending, request, update", 1, "rn");
   try_it("not pending, 3 requests", 0, "rrr");
   return 0;
}
END
libraries=$folder/root/usr/lib/x86_64-linux-gnu
gcc -Iroot/usr/include -Iroot/usr/include/x86_64-linux-gnu request.c -o request -L"$libraries" -l:libssl.so.3 \
   -l:libcrypto.so.3

LD_LIBRARY_PATH=$libraries OPENSSL_CONF=/dev/null ./request | tee seen
diff seen - <<'END'
pending, no update: write WANT_WRITE, read WANT_READ, all arrives
pending, 3 updates: write WANT_WRITE, read WANT_READ, all arrives
pending, request: write WANT_WRITE, read WANT_READ, all arrives
pending, 3 updates and a request: write WANT_WRITE, read WANT_READ, all arrives
pending, request, request: write WANT_WRITE, read bad length, the rest never arrives
pending, request, update: write WANT_WRITE, read bad length, the rest never arrives
not pending, 3 requests: read WANT_READ, all arrives
END
