/* SPDX-License-Identifier: MIT */

/* TCP: tries all addresses of a host, each with its share of the time, listens, accepts, and says in a sentence what
 * went wrong. */

#include "common/net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/resolve.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"

#define LISTEN_LOOKUP_MS 10000

/* A host name in a message, cut so that the sentence around it always fits. */
#define HOST_FORMAT "%.100s"

static bool parse_port(const char *text, uint16_t *port)
{
   unsigned value = 0;

   if (!*text || strlen(text) > 5)
      return false;
   for (; *text; text++) {
      if (*text < '0' || *text > '9')
         return false;
      value = value * 10 + (unsigned)(*text - '0');
   }
   if (value < 1 || value > UINT16_MAX)
      return false;
   *port = (uint16_t)value;
   return true;
}

bool vp_socket_parse_address(const char *text, char *host, size_t host_size, uint16_t *port)
{
   const char *start = text, *end, *rest;

   if (*text == '[') {
      start = text + 1;
      end = strchr(start, ']');
      if (!end)
         return false;
      rest = end + 1;
   } else {
      const char *colon = strchr(text, ':');
      end = colon && !strchr(colon + 1, ':') ? colon : text + strlen(text);
      rest = end;
   }

   const size_t length = (size_t)(end - start);
   uint16_t parsed = VP_DEFAULT_PORT;
   if (length == 0 || length >= host_size || strcspn(start, " \t\r\n[],/") < length)
      return false;
   if (*rest && (*rest != ':' || !parse_port(rest + 1, &parsed)))
      return false;

   memcpy(host, start, length);
   host[length] = '\0';
   *port = parsed;
   return true;
}

void vp_socket_format_address(const char *host, uint16_t port, char *out, size_t size)
{
   snprintf(out, size, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

/* Waits for a connection under way. Returns 0 or an errno value. */
static int connect_wait(int fd, int64_t deadline)
{
   for (;;) {
      const int64_t left = deadline - vp_clock_ms();
      struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
      const int n = poll(&pollfd, 1, left > 0 ? (int)left : 0);
      if (n == 0)
         return ETIMEDOUT;
      if (n < 0 && errno == EINTR)
         continue;
      if (n < 0)
         return errno;

      int error = 0;
      socklen_t size = sizeof(error);
      return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
   }
}

static bool set_blocking(int fd)
{
   const int flags = fcntl(fd, F_GETFL);

   return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

static int open_socket(const struct addrinfo *address)
{
   const int type = address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
   return vp_descriptor_keep(socket(address->ai_family, type, address->ai_protocol));
}

/* Returns the socket, or -1 with errno. */
static int connect_address(const struct addrinfo *address, int64_t deadline)
{
   const int fd = open_socket(address);
   if (fd < 0)
      return -1;

   int error = 0;
   if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
      error = errno == EINPROGRESS || errno == EINTR ? connect_wait(fd, deadline) : errno;
   if (error == 0 && !set_blocking(fd))
      error = errno;
   if (error != 0) {
      close(fd);
      errno = error;
      return -1;
   }
   vp_socket_configure(fd);
   return fd;
}

/* Tries the addresses one after another, each with a fair part of the time, so
 * that one that swallows packets does not use up the time of the others.
 * Returns -1 and the errno that tells most. */
static int connect_any(const struct addrinfo *list, int64_t deadline)
{
   int addresses = 0, error = 0;

   for (const struct addrinfo *address = list; address; address = address->ai_next)
      addresses++;

   for (const struct addrinfo *address = list; address; address = address->ai_next, addresses--) {
      const int64_t now = vp_clock_ms();
      const int fd = connect_address(address, now + (deadline - now) / addresses);
      if (fd >= 0)
         return fd;
      if (error == 0 || errno == ECONNREFUSED)
         error = errno;
   }
   errno = error;
   return -1;
}

static void describe_connect_error(const char *host, uint16_t port, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE])
{
   char name[128], where[160];
   snprintf(name, sizeof(name), HOST_FORMAT, host);
   vp_socket_format_address(name, port, where, sizeof(where));

   if (errno == ECONNREFUSED)
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "cannot reach the Venus server at %s: connection refused; is venus-server running there?", where);
   else if (errno == ETIMEDOUT)
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "cannot reach the Venus server at %s: no answer within %d ms; check the address and the firewall", where,
               timeout_ms);
   else
      snprintf(error, VP_SOCKET_ERROR_SIZE, "cannot reach the Venus server at %s: %s; check the network", where,
               strerror(errno));
}

int vp_socket_connect(const char *host, uint16_t port, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE])
{
   const int64_t deadline = vp_clock_ms() + timeout_ms;
   struct addrinfo *list;

   const int rc = vp_resolve(host, port, 0, timeout_ms, &list);
   if (rc != 0) {
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "cannot find the address of the Venus server \"" HOST_FORMAT "\": %s; check the name", host,
               gai_strerror(rc));
      errno = EHOSTUNREACH;
      return -1;
   }

   const int fd = connect_any(list, deadline), saved_errno = errno;
   if (fd < 0)
      describe_connect_error(host, port, timeout_ms, error);
   freeaddrinfo(list);
   errno = saved_errno;
   return fd;
}

/* An address of either family. */
union endpoint {
   struct sockaddr any;
   struct sockaddr_in v4;
   struct sockaddr_in6 v6;
};

static bool local_endpoint(int fd, union endpoint *endpoint)
{
   socklen_t size = sizeof(*endpoint);

   memset(endpoint, 0, sizeof(*endpoint));
   return getsockname(fd, &endpoint->any, &size) == 0;
}

static uint16_t endpoint_port(const union endpoint *endpoint)
{
   return ntohs(endpoint->any.sa_family == AF_INET6 ? endpoint->v6.sin6_port : endpoint->v4.sin_port);
}

/* Stores the four bytes of an IPv4 address, which may be inside an IPv6 one. */
static bool endpoint_get_v4(const union endpoint *endpoint, uint8_t v4[4])
{
   if (endpoint->any.sa_family == AF_INET)
      memcpy(v4, &endpoint->v4.sin_addr, 4);
   else if (IN6_IS_ADDR_V4MAPPED(&endpoint->v6.sin6_addr))
      memcpy(v4, &endpoint->v6.sin6_addr.s6_addr[12], 4);
   else
      return false;
   return true;
}

/* Returns the socket, or -1 with errno. */
static int bind_address(const struct addrinfo *address)
{
   const int fd = open_socket(address);
   if (fd < 0)
      return -1;

   const int on = 1, off = 0;
   (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
   if (address->ai_family == AF_INET6)
      (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));

   if (bind(fd, address->ai_addr, address->ai_addrlen) != 0) {
      const int saved_errno = errno;
      close(fd);
      errno = saved_errno;
      return -1;
   }
   return fd;
}

static void describe_listen_error(const char *host, uint16_t port, char error[VP_SOCKET_ERROR_SIZE])
{
   if (errno == EADDRINUSE)
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "port %u of " HOST_FORMAT " is taken by another program; stop that one or choose another port",
               (unsigned)port, host);
   else if (errno == EADDRNOTAVAIL)
      snprintf(error, VP_SOCKET_ERROR_SIZE, "this machine does not have the address " HOST_FORMAT "; choose one it has",
               host);
   else if (errno == EACCES)
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "no permission to listen on port %u of " HOST_FORMAT "; choose a port above 1023", (unsigned)port, host);
   else
      snprintf(error, VP_SOCKET_ERROR_SIZE, "cannot listen on port %u of " HOST_FORMAT ": %s", (unsigned)port, host,
               strerror(errno));
}

int vp_socket_bind(const char *host, uint16_t port, uint16_t *real_port, char error[VP_SOCKET_ERROR_SIZE])
{
   struct addrinfo *list;
   int fd = -1;

   const int rc = vp_resolve(host, port, AI_PASSIVE, LISTEN_LOOKUP_MS, &list);
   if (rc != 0) {
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "cannot find the address \"" HOST_FORMAT "\" to listen on: %s; check the name", host, gai_strerror(rc));
      return -1;
   }

   for (const struct addrinfo *address = list; address && fd < 0; address = address->ai_next)
      fd = bind_address(address);
   if (fd < 0)
      describe_listen_error(host, port, error);
   freeaddrinfo(list);

   union endpoint endpoint;
   if (fd >= 0)
      *real_port = local_endpoint(fd, &endpoint) ? endpoint_port(&endpoint) : port;
   return fd;
}

bool vp_socket_open(int fd, const char *host, uint16_t port, char error[VP_SOCKET_ERROR_SIZE])
{
   if (listen(fd, SOMAXCONN) == 0)
      return true;
   describe_listen_error(host, port, error);
   return false;
}

int vp_socket_listen(const char *host, uint16_t port, uint16_t *real_port, char error[VP_SOCKET_ERROR_SIZE])
{
   const int fd = vp_socket_bind(host, port, real_port, error);
   if (fd < 0 || vp_socket_open(fd, host, *real_port, error))
      return fd;
   close(fd);
   return -1;
}

static void format_endpoint(const union endpoint *endpoint, char *out, size_t size)
{
   char host[INET6_ADDRSTRLEN] = "";
   uint8_t v4[4];

   if (endpoint_get_v4(endpoint, v4))
      inet_ntop(AF_INET, v4, host, sizeof(host));
   else
      inet_ntop(AF_INET6, &endpoint->v6.sin6_addr, host, sizeof(host));
   vp_socket_format_address(host, endpoint_port(endpoint), out, size);
}

void vp_socket_format_local(int fd, char *out, size_t size)
{
   union endpoint endpoint;

   (void)local_endpoint(fd, &endpoint);
   format_endpoint(&endpoint, out, size);
}

int vp_socket_accept(int listener, char *peer, size_t peer_size)
{
   union endpoint endpoint;
   int fd;

   memset(&endpoint, 0, sizeof(endpoint));
   do {
      socklen_t size = sizeof(endpoint);
      fd = vp_descriptor_keep(accept4(listener, &endpoint.any, &size, SOCK_CLOEXEC));
   } while (fd < 0 && errno == EINTR);
   if (fd < 0)
      return -1;

   format_endpoint(&endpoint, peer, peer_size);
   vp_socket_configure(fd);
   return fd;
}

static enum vp_reach endpoint_reach(const union endpoint *endpoint)
{
   static const uint8_t none[4];
   uint8_t v4[4];

   if (endpoint_get_v4(endpoint, v4))
      return v4[0] == 127 ? VP_REACH_LOOPBACK : memcmp(v4, none, sizeof(v4)) == 0 ? VP_REACH_ALL : VP_REACH_ADDRESS;
   if (IN6_IS_ADDR_UNSPECIFIED(&endpoint->v6.sin6_addr))
      return VP_REACH_ALL;
   return IN6_IS_ADDR_LOOPBACK(&endpoint->v6.sin6_addr) ? VP_REACH_LOOPBACK : VP_REACH_ADDRESS;
}

enum vp_reach vp_socket_reach(int fd)
{
   union endpoint endpoint;

   return local_endpoint(fd, &endpoint) ? endpoint_reach(&endpoint) : VP_REACH_ALL;
}

bool vp_socket_peer_is_here(int fd)
{
   union endpoint endpoint;
   socklen_t size = sizeof(endpoint);

   memset(&endpoint, 0, sizeof(endpoint));
   return getpeername(fd, &endpoint.any, &size) == 0 && endpoint_reach(&endpoint) == VP_REACH_LOOPBACK;
}
