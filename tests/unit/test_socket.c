/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/frame.h"
#include "common/net/socket.h"
#include "common/util/clock.h"
#include "tests/unit/check.h"

static void test_parse(void)
{
   static const struct {
      const char *text, *host;
      unsigned port;
   } good[] = {
      {"host", "host", VP_DEFAULT_PORT},           {"host:1", "host", 1},
      {"10.0.0.1:65535", "10.0.0.1", 65535},       {"[::1]", "::1", VP_DEFAULT_PORT},
      {"[fe80::1%eth0]:99", "fe80::1%eth0", 99},   {"::1", "::1", VP_DEFAULT_PORT},
      {"fe80::1:2", "fe80::1:2", VP_DEFAULT_PORT},
   };
   static const char *const bad[] = {
      "",        ":1",    "host:",    "host:0", "host:65536", "host:99999", "host:123456", "host:1x",
      "host:-1", "[::1",  "[::1]5",   "[]",     "[]:5",       "[::1]:",     "[::1]:0",     "a b",
      "host ",   " host", "host: 55", "a/b",    "[[::1]]",    "a,b",        "host:+5",
   };
   char host[64];
   uint16_t port;

   for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
      port = 0;
      if (!CHECK(vp_socket_parse_address(good[i].text, host, sizeof(host), &port)) ||
          !CHECK(strcmp(host, good[i].host) == 0) || !CHECK(port == good[i].port))
         fprintf(stderr, "  for \"%s\"\n", good[i].text);
   }
   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      if (!CHECK(!vp_socket_parse_address(bad[i], host, sizeof(host), &port)))
         fprintf(stderr, "  for \"%s\"\n", bad[i]);
   }
   CHECK(vp_socket_parse_address("abc", host, 4, &port));
   CHECK(!vp_socket_parse_address("abcd", host, 4, &port));
}

static int get_option(int fd, int level, int name)
{
   int value = -1;
   socklen_t size = sizeof(value);

   return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

static void check_configured(int fd)
{
   CHECK(get_option(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
   CHECK(get_option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
   CHECK(get_option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 5);
   CHECK(get_option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 3);
   CHECK(get_option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 3);
   CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
   CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

static void test_connection(const char *host, bool required)
{
   char error[VP_SOCKET_ERROR_SIZE] = "", peer[64] = "";
   uint16_t port = 0;

   const int listener = vp_socket_listen(host, 0, &port, error);
   if (listener < 0 && !required) {
      fprintf(stderr, "not tested with %s: %s\n", host, error);
      return;
   }
   if (!CHECK(listener >= 0) || !CHECK(port != 0))
      return;
   CHECK(vp_socket_reach(listener) == VP_REACH_LOOPBACK);
   CHECK(vp_socket_accept(listener, peer, sizeof(peer)) == -1 && (errno == EAGAIN || errno == EWOULDBLOCK));

   const int client = vp_socket_connect(host, port, 2000, error);
   struct pollfd pollfd = {.fd = listener, .events = POLLIN};
   CHECK(poll(&pollfd, 1, 2000) == 1);
   const int server = vp_socket_accept(listener, peer, sizeof(peer));
   if (!CHECK(client >= 0) || !CHECK(server >= 0))
      return;
   check_configured(client);
   check_configured(server);
   CHECK(!vp_socket_peer_lost(client));
   CHECK(strchr(host, ':') ? strncmp(peer, "[::1]:", 6) == 0 : strncmp(peer, "127.0.0.1:", 10) == 0);

   struct vp_frame frame = {0};
   CHECK(vp_frame_write(&VP_CHANNEL(client), VP_FRAME_COMMANDS, 3, "hi", 2, NULL, 0));
   CHECK(vp_frame_read(&VP_CHANNEL(server), &frame, 2000) == VP_FRAME_OK && frame.header.tag == 3);
   close(client);
   CHECK(vp_frame_read(&VP_CHANNEL(server), &frame, 2000) == VP_FRAME_CLOSED);
   vp_frame_finish(&frame);
   close(server);

   /* The port is taken while we listen, and refuses when we do not. */
   CHECK(vp_socket_listen(host, port, &port, error) == -1);
   CHECK(strstr(error, "is taken"));
   close(listener);
   CHECK(vp_socket_connect(host, port, 2000, error) == -1);
   CHECK(strstr(error, "connection refused; is venus-server running there?"));
}

static void test_dual_stack(void)
{
   char error[VP_SOCKET_ERROR_SIZE], peer[64] = "";
   uint16_t port;

   const int listener = vp_socket_listen("::", 0, &port, error);
   if (listener < 0) {
      fprintf(stderr, "not tested without IPv6: %s\n", error);
      return;
   }
   CHECK(vp_socket_reach(listener) == VP_REACH_ALL);
   const int client = vp_socket_connect("127.0.0.1", port, 2000, error);
   struct pollfd pollfd = {.fd = listener, .events = POLLIN};
   CHECK(poll(&pollfd, 1, 2000) == 1);
   const int server = vp_socket_accept(listener, peer, sizeof(peer));
   CHECK(client >= 0 && server >= 0);
   CHECK(strncmp(peer, "127.0.0.1:", 10) == 0);
   close(client);
   close(server);
   close(listener);
}

static void test_reach(void)
{
   static const struct {
      const char *host;
      enum vp_reach reach;
   } hosts[] = {
      {"0", VP_REACH_ALL},
      {"0.0.0.0", VP_REACH_ALL},
      {"::ffff:0.0.0.0", VP_REACH_ALL},
      {"127.9.9.9", VP_REACH_LOOPBACK},
      {"::ffff:127.0.0.1", VP_REACH_LOOPBACK},
   };
   char error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;

   for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
      const int fd = vp_socket_bind(hosts[i].host, 0, &port, error);
      if (fd < 0)
         fprintf(stderr, "not tested with %s: %s\n", hosts[i].host, error);
      else
         CHECK(vp_socket_reach(fd) == hosts[i].reach);
      close(fd);
   }
}

/* What is bound refuses until it is opened. */
static void test_two_steps(void)
{
   char error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;

   const int listener = vp_socket_bind("127.0.0.1", 0, &port, error);
   CHECK(vp_socket_connect("127.0.0.1", port, 2000, error) == -1);
   CHECK(vp_socket_open(listener, "127.0.0.1", port, error));
   const int client = vp_socket_connect("127.0.0.1", port, 2000, error);
   CHECK(client >= 0);
   close(client);
   close(listener);
}

static void test_errors(void)
{
   char error[VP_SOCKET_ERROR_SIZE], host[300];
   uint16_t port;

   CHECK(vp_socket_listen("203.0.113.1", 0, &port, error) == -1);
   CHECK(strstr(error, "does not have the address 203.0.113.1"));

   /* ".invalid" never resolves (RFC 6761); how long that takes is bounded. */
   const int64_t start = vp_clock_ms();
   CHECK(vp_socket_connect("nothing.invalid", 1, 1500, error) == -1);
   CHECK(strstr(error, "\"nothing.invalid\""));
   CHECK(vp_clock_ms() - start < 2500);

   memset(host, 'h', sizeof(host) - 1);
   host[sizeof(host) - 1] = '\0';
   CHECK(vp_socket_connect(host, 1, 500, error) == -1);
   CHECK(strlen(error) < VP_SOCKET_ERROR_SIZE && strstr(error, "check the name"));
}

/* A listener whose queue is full swallows further connections: the way to an
 * address that does not answer, without leaving the machine. */
static void test_connect_timeout(void)
{
   enum { MAX_CLIENTS = 8 };
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
   socklen_t size = sizeof(address);
   char error[VP_SOCKET_ERROR_SIZE] = "";
   int clients[MAX_CLIENTS], count = 0, fd = 0;

   const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
   CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 0) == 0);
   CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);

   int64_t took = 0;
   while (count < MAX_CLIENTS && fd >= 0) {
      const int64_t start = vp_clock_ms();
      fd = vp_socket_connect("127.0.0.1", ntohs(address.sin_port), 300, error);
      took = vp_clock_ms() - start;
      if (fd >= 0)
         clients[count++] = fd;
   }
   CHECK(fd == -1);
   CHECK(took >= 299 && took < 2000);
   CHECK(strstr(error, "no answer within 300 ms"));
   while (count > 0)
      close(clients[--count]);
   close(listener);
}

int main(void)
{
   test_parse();
   test_connection("127.0.0.1", true);
   test_connection("localhost", false);
   test_connection("::1", false);
   test_dual_stack();
   test_reach();
   test_two_steps();
   test_errors();
   test_connect_timeout();
   return check_finish();
}
