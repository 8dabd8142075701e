/* SPDX-License-Identifier: MIT */

/* The sockets that a service manager has opened for the server: systemd's protocol of LISTEN_FDS. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/log.h"
#include "server/process/activation.h"

#define FIRST_FD 3

/* 0: none. */
static int count_passed(void)
{
   const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
   const long passed = pid && count && strtol(pid, NULL, 10) == getpid() ? strtol(count, NULL, 10) : 0;

   unsetenv("LISTEN_PID");
   unsetenv("LISTEN_FDS");
   unsetenv("LISTEN_FDNAMES");
   return passed > 0 && passed < 1024 ? (int)passed : 0;
}

static int socket_option(int fd, int option)
{
   int value = -1;
   socklen_t size = sizeof(value);

   return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

static bool take_passed(struct vps_passed_socket *sock, int fd)
{
   const int domain = socket_option(fd, SO_DOMAIN), flags = fcntl(fd, F_GETFL);
   struct sockaddr_un address = {0};
   socklen_t size = sizeof(address);

   *sock = (struct vps_passed_socket){.fd = fd, .is_unix = domain == AF_UNIX};
   if ((domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX) || socket_option(fd, SO_TYPE) != SOCK_STREAM ||
       socket_option(fd, SO_ACCEPTCONN) != 1)
      return false;
   if (sock->is_unix && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
      memcpy(sock->path, address.sun_path, sizeof(address.sun_path));
   return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int vps_activation_take(struct vps_passed_socket *sockets, int most)
{
   const int count = count_passed();

   if (count > most) {
      vp_log(VP_LOG_ERROR, "the service manager passes %d sockets, and the server can listen on %d", count, most);
      return -1;
   }
   for (int i = 0; i < count; i++) {
      if (!take_passed(&sockets[i], FIRST_FD + i)) {
         vp_log(
            VP_LOG_ERROR,
            "what the service manager passes as descriptor %d is no TCP or Unix socket that listens; the unit needs "
            "ListenStream= and Accept=no",
            FIRST_FD + i);
         return -1;
      }
   }
   return count;
}
