/* SPDX-License-Identifier: MIT */

/* venus-bench tcp: what a link carries when nobody does anything with it. One process listens, another asks it for
 * bytes or sends it some, over one connection. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench.h"

#define SIZE ((size_t)64 << 20) /* as in the rows of memory that are compared with it */
#define SECONDS 0.5

static uint8_t data[SIZE];

/* What the other side is asked to do; it answers with one byte when it has got all. */
struct request {
   uint64_t send, receive; /* bytes */
};

static void no_delay(int fd)
{
   const int on = 1;
   if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
      bench_die("TCP_NODELAY", 0);
}

static void send_all(int fd, size_t size)
{
   const uint8_t *from = data;
   while (size > 0) {
      const ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);
      if (sent <= 0)
         bench_die("sending", (long)size);
      from += sent;
      size -= (size_t)sent;
   }
}

static void receive_all(int fd, void *to, size_t size)
{
   if (size > 0 && recv(fd, to, size, MSG_WAITALL) != (ssize_t)size)
      bench_die("receiving", (long)size);
}

static void serve(int fd)
{
   struct request request;

   no_delay(fd);
   while (recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
      if (request.send > SIZE || request.receive > SIZE)
         bench_die("reading the request", 0);
      receive_all(fd, data, request.receive);
      send_all(fd, request.send);
   }
   close(fd);
}

static void end(int number)
{
   (void)number;
   _exit(0);
}

/* Until somebody ends it. */
void bench_tcp_listen(void)
{
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
   socklen_t size = sizeof(address);
   const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
   int fd;

   signal(SIGTERM, end);
   if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4) ||
       getsockname(listener, (struct sockaddr *)&address, &size))
      bench_die("listening", 0);
   printf("venus-bench: listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
   fflush(stdout);
   while ((fd = accept(listener, NULL, NULL)) >= 0)
      serve(fd);
   bench_die("accepting", 0);
}

static int connect_to(const char *text)
{
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
   const char *port = strrchr(text, ':');
   const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

   address.sin_port = htons((uint16_t)strtoul(port ? port + 1 : text, NULL, 10));
   if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
      bench_die("connecting", 0);
   no_delay(fd);
   return fd;
}

struct exchange {
   int fd;
   struct request request;
};

static void exchange(void *user)
{
   const struct exchange *e = user;

   if (send(e->fd, &e->request, sizeof(e->request), MSG_NOSIGNAL) != sizeof(e->request))
      bench_die("asking", 0);
   send_all(e->fd, e->request.receive);
   receive_all(e->fd, data, e->request.send);
}

static void print_exchange(const char *name, int fd, struct request request)
{
   struct exchange user = {fd, request};
   printf("%s %.0f\n", name, bench_typical(&(struct bench_operation){.measure = exchange, .user = &user}, SECONDS));
}

void bench_tcp(const char *address)
{
   const int fd = connect_to(address);

   memset(data, 0xa5, SIZE);
   print_exchange("up_ns", fd, (struct request){.send = 1, .receive = SIZE});
   print_exchange("down_ns", fd, (struct request){.send = SIZE});
   print_exchange("rtt_ns", fd, (struct request){.send = 1});
   close(fd);
}
