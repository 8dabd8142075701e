/* SPDX-License-Identifier: MIT */

/* Connects to a Unix socket within a time, also when others wait to be accepted. */

#include "common/net/unix_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/descriptor.h"

/* Between two looks whether the server has accepted others that wait. */
#define PAUSE_MS 5

/* 0 or an errno value. */
static int connect_socket(int fd, const struct sockaddr_un *address, int64_t deadline_ms)
{
   while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
      if (errno != EAGAIN && errno != EINTR)
         return errno;
      if (vp_clock_ms() >= deadline_ms)
         return ETIMEDOUT;
      poll(NULL, 0, PAUSE_MS);
   }
   return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0 ? 0 : errno;
}

static void describe_unix_error(const char *path, int error_number, char error[VP_SOCKET_ERROR_SIZE])
{
   const char *reason = strerror(error_number), *hint = "check VENUS_SERVER";

   if (error_number == ENOENT) {
      reason = "there is no such socket";
      hint = "is venus-server --unix running?";
   } else if (error_number == ECONNREFUSED) {
      reason = "nobody listens there any more";
      hint = "is venus-server --unix running?";
   } else if (error_number == EACCES || error_number == EPERM) {
      hint = "it is for the server's own user and root";
   } else if (error_number == ETIMEDOUT) {
      reason = "it does not answer";
      hint = "is it stopped?";
   }
   snprintf(error, VP_SOCKET_ERROR_SIZE, "cannot reach the Venus server at unix:%s: %s; %s", path, reason, hint);
}

int vp_unix_connect(const char *path, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE])
{
   struct sockaddr_un address = {.sun_family = AF_UNIX};

   if (strlen(path) >= sizeof(address.sun_path)) {
      snprintf(error, VP_SOCKET_ERROR_SIZE, "the path of the Venus server at unix:%.100s... is longer than %zu bytes",
               path, sizeof(address.sun_path) - 1);
      return -1;
   }
   memcpy(address.sun_path, path, strlen(path));

   const int fd = vp_descriptor_keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
   const int failure = fd < 0 ? errno : connect_socket(fd, &address, vp_clock_ms() + timeout_ms);
   if (failure == 0)
      return fd;
   describe_unix_error(path, failure, error);
   if (fd >= 0)
      close(fd);
   return -1;
}
