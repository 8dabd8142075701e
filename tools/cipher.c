/* SPDX-License-Identifier: MIT */

/* venus-cipher: what TLS costs on this machine, without a driver and a server.
 *
 * usage: venus-cipher [MIB]
 *
 * Two processes copy between TLS and a pair of sockets (common/tls/relay.c), one on each side of a connection over
 * loopback, as venus-tls and the server's process for a client do. So many MiB go through them, and small messages
 * there and back; best of several runs. What a process needs is of its CPU time: it is what one core can do, however
 * many others are busy. Beside it what OpenSSL needs for records of the same size. */

#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/tls/relay.h"
#include "tools/tls_pair.h"

#define RUNS 5
#define RECORD ((size_t)16 * 1024)
#define PIECE ((size_t)256 * 1024)
#define TURNS 4000
#define MESSAGE 64

static uint8_t data[PIECE];

/* What the two processes have needed, in nanoseconds; all processes see it. */
static volatile double *needed;

_Noreturn static void die(const char *what)
{
   fprintf(stderr, "venus-cipher: %s: %s\n", what, strerror(errno));
   _exit(1);
}

static double seconds_of(const struct timeval *time)
{
   return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static double cpu_seconds(void)
{
   struct rusage usage;

   getrusage(RUSAGE_SELF, &usage);
   return seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
}

static double now(void)
{
   struct timespec time;

   clock_gettime(CLOCK_MONOTONIC, &time);
   return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- OpenSSL alone --- */

static double cipher_rate(const EVP_CIPHER *cipher)
{
   EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
   const unsigned records = 16384;
   double best = 0;
   uint8_t nonce[12] = {0};
   int size;

   if (!context || !EVP_EncryptInit_ex(context, cipher, NULL, tls_pair_key, nonce))
      die("OpenSSL");
   for (unsigned run = 0; run < RUNS; run++) {
      const double begin = cpu_seconds();
      for (unsigned i = 0; i < records; i++) {
         nonce[0]++;
         EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce);
         EVP_EncryptUpdate(context, data, &size, data, RECORD);
         EVP_EncryptFinal_ex(context, data, &size);
      }
      const double rate = (double)records * RECORD / (cpu_seconds() - begin);
      best = rate > best ? rate : best;
   }
   EVP_CIPHER_CTX_free(context);
   return best;
}

/* --- the two processes --- */

/* A process of its own that ends when its connections do. */
static void start_relay(bool is_server, int tcp, int local, const int others[3])
{
   uint64_t delivered;

   if (fork() != 0)
      return;
   for (unsigned i = 0; i < 3; i++)
      close(others[i]);
   SSL_CTX *context = tls_pair_context(is_server);
   if (!context)
      die("OpenSSL");
   SSL *ssl = vp_tls_create(context, tcp);
   if (!ssl || !tls_pair_shake_hands(ssl, is_server))
      die("the handshake");
   const double begin = cpu_seconds();
   if (vp_tls_relay(ssl, local, 0, &delivered) == VP_TLS_FAILED)
      die("the relay");
   needed[is_server] = cpu_seconds() - begin;
   SSL_free(ssl);
   SSL_CTX_free(context);
   _exit(0);
}

/* --- what goes through --- */

static void send_all(int fd, uint64_t size)
{
   while (size > 0) {
      const ssize_t sent = send(fd, data, size < PIECE ? size : PIECE, MSG_NOSIGNAL);
      if (sent <= 0)
         die("sending");
      size -= (uint64_t)sent;
   }
}

static void receive_all(int fd, uint64_t size)
{
   while (size > 0) {
      const ssize_t got = recv(fd, data, size < PIECE ? size : PIECE, 0);
      if (got <= 0)
         die("receiving");
      size -= (uint64_t)got;
   }
}

/* On `fd`, the other end. */
static void answer(int fd, uint64_t size, unsigned turns)
{
   for (unsigned i = 0; i < turns; i++) {
      receive_all(fd, MESSAGE);
      send_all(fd, MESSAGE);
   }
   receive_all(fd, size);
   send_all(fd, MESSAGE);
}

struct result {
   double turn, all, encrypting, decrypting; /* seconds */
};

static void send_through(int fd, uint64_t size, unsigned turns, struct result *result)
{
   double begin = now();

   for (unsigned i = 0; i < turns; i++) {
      send_all(fd, MESSAGE);
      receive_all(fd, MESSAGE);
   }
   result->turn = (now() - begin) / TURNS; /* if there are any */
   begin = now();
   send_all(fd, size);
   receive_all(fd, MESSAGE);
   result->all = now() - begin;
}

static struct result run_once(uint64_t size, unsigned turns)
{
   struct result result = {0};
   int tcp[2], near[2], far[2];

   if (!tls_pair_open(tcp))
      die("loopback");
   if (socketpair(AF_UNIX, SOCK_STREAM, 0, near) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, far) != 0)
      die("a pair of sockets");
   start_relay(false, tcp[0], near[1], (int[]){tcp[1], near[0], far[0]});
   start_relay(true, tcp[1], far[1], (int[]){tcp[0], near[0], far[0]});
   close(tcp[0]);
   close(tcp[1]);
   close(near[1]);
   close(far[1]);
   if (fork() == 0) {
      close(near[0]);
      answer(far[0], size, turns);
      _exit(0);
   }
   close(far[0]);
   send_through(near[0], size, turns, &result);
   close(near[0]);
   while (wait(NULL) > 0)
      ;
   result.encrypting = needed[0];
   result.decrypting = needed[1];
   return result;
}

static double less(double a, double b)
{
   return a < b ? a : b;
}

static struct result run_all(uint64_t size, unsigned turns)
{
   struct result best = run_once(size, turns);

   for (unsigned i = 1; i < RUNS; i++) {
      const struct result one = run_once(size, turns);
      best.turn = less(best.turn, one.turn);
      best.all = less(best.all, one.all);
      best.encrypting = less(best.encrypting, one.encrypting);
      best.decrypting = less(best.decrypting, one.decrypting);
   }
   return best;
}

int main(int argc, char *argv[])
{
   const uint64_t size = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1024) << 20;

   needed = mmap(NULL, 2 * sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
   if (needed == MAP_FAILED)
      die("memory");
   const struct result best = run_all(size, 0), small = run_all(0, TURNS);
   printf("AES-128-GCM alone        %.2f GB/s\n", cipher_rate(EVP_aes_128_gcm()) / 1e9);
   printf("AES-256-GCM alone        %.2f GB/s\n", cipher_rate(EVP_aes_256_gcm()) / 1e9);
   printf("ChaCha20-Poly1305 alone  %.2f GB/s\n", cipher_rate(EVP_chacha20_poly1305()) / 1e9);
   printf("relay that encrypts      %.2f GB/s of its CPU time\n", (double)size / best.encrypting / 1e9);
   printf("relay that decrypts      %.2f GB/s of its CPU time\n", (double)size / best.decrypting / 1e9);
   printf("through both             %.2f GB/s\n", (double)size / best.all / 1e9);
   printf("a message of 64 bytes, there and back  %.1f us\n", small.turn * 1e6);
   return 0;
}
