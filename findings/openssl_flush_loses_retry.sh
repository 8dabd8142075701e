#!/bin/bash
# SPDX-License-Identifier: MIT
# OpenSSL 3.0.22 (Debian 12): a buffer (BIO_f_buffer) that has passed on all that it held asks the next BIO to flush,
# and does not take over that this one wants to be called again. With a second buffer below it, on a non-blocking socket
# that takes nothing now, BIO_flush() fails and BIO_should_retry() is false. OpenSSL puts a buffer of its own in front
# of a connection's BIO for each handshake, so who buffers what a connection writes gets SSL_ERROR_SYSCALL (EAGAIN)
# where SSL_ERROR_WANT_WRITE is right, and gives up a connection with which nothing is wrong; with TLS 1.3 also long
# after the handshake, when the peer has asked for a new key. In OpenSSL 3.5.9 (Debian 13) it is right.
#
# Seen: with one buffer the wish is there, with two it is not; the first step of a handshake likewise, without and with
# a buffer below OpenSSL's. Fails when that changes.
set -euo pipefail

packages=(libssl-dev=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
cat >flush.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>

/* A socket that takes nothing, with so many buffers in front of it. */
static BIO *make_bio(int buffers)
{
   char byte = 0;
   int fds[2];

   socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
   fcntl(fds[0], F_SETFL, O_NONBLOCK);
   while (send(fds[0], &byte, 1, 0) == 1)
      ;
   BIO *bio = BIO_new_socket(fds[0], BIO_CLOSE);
   while (buffers--)
      bio = BIO_push(BIO_new(BIO_f_buffer()), bio);
   return bio;
}

static void try_flush(const char *what, int buffers)
{
   BIO *bio = make_bio(buffers);

   BIO_write(bio, "x", 1);
   const int result = BIO_flush(bio);
   printf("%s: BIO_flush %d, BIO_should_retry %d\n", what, result, BIO_should_retry(bio) != 0);
}

static void try_handshake(const char *what, int buffers)
{
   SSL *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
   BIO *bio = make_bio(buffers);

   SSL_set_bio(ssl, bio, bio);
   const int result = SSL_connect(ssl);
   const int saved_errno = errno, error = SSL_get_error(ssl, result);
   if (error == SSL_ERROR_WANT_WRITE)
      printf("%s: WANT_WRITE\n", what);
   else
      printf("%s: %s, %s\n", what, error == SSL_ERROR_SYSCALL ? "SYSCALL" : "another error",
             saved_errno == EAGAIN ? "EAGAIN" : "another errno");
}

int main(void)
{
   fprintf(stderr, "%s\n", OpenSSL_version(OPENSSL_VERSION));
   try_flush("one buffer", 1);
   try_flush("two buffers", 2);
   try_handshake("handshake", 0);
   try_handshake("handshake, a buffer", 1);
   return 0;
}
END
libraries=$folder/root/usr/lib/x86_64-linux-gnu
gcc -Iroot/usr/include -Iroot/usr/include/x86_64-linux-gnu flush.c -o flush -L"$libraries" -l:libssl.so.3 \
   -l:libcrypto.so.3

LD_LIBRARY_PATH=$libraries OPENSSL_CONF=/dev/null ./flush | tee seen
diff seen - <<'END'
one buffer: BIO_flush -1, BIO_should_retry 1
two buffers: BIO_flush -1, BIO_should_retry 0
handshake: WANT_WRITE
handshake, a buffer: SYSCALL, EAGAIN
END
