/* SPDX-License-Identifier: MIT */
#include "server/process/entrance.h"

#include <stdio.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/util/log.h"

/* Connections are neither authenticated nor encrypted. */
static bool may_listen(int fd, const struct vps_options *options)
{
   const enum vp_reach reach = vp_socket_reach(fd);

   if (reach == VP_REACH_LOOPBACK || (reach == VP_REACH_ADDRESS && options->insecure))
      return true;
   if (options->insecure)
      vp_log(VP_LOG_ERROR,
             "%s means all networks of this machine, and whoever reaches it could use the GPUs: name the one address "
             "of a network that you trust",
             options->host);
   else
      vp_log(VP_LOG_ERROR,
             "%s is not a loopback address, and whoever reaches it could use the GPUs and read what is sent: let "
             "clients come through an ssh tunnel, or name the one address of a network that you trust and add "
             "--insecure",
             options->host);
   return false;
}

static bool open_tcp(struct vps_entrance *entrance, const struct vps_options *options)
{
   char error[VP_SOCKET_ERROR_SIZE];

   entrance->tcp_fd = vp_socket_bind(options->host, options->port, &entrance->port, error);
   if (entrance->tcp_fd >= 0 && !may_listen(entrance->tcp_fd, options))
      return false;
   if (entrance->tcp_fd >= 0 && vp_socket_open(entrance->tcp_fd, options->host, entrance->port, error))
      return true;
   vp_log(VP_LOG_ERROR, "%s", error);
   return false;
}

bool vps_entrance_open(struct vps_entrance *entrance, const struct vps_options *options)
{
   *entrance = (struct vps_entrance){.tcp_fd = -1};
   return open_tcp(entrance, options);
}

void vps_entrance_announce(const struct vps_entrance *entrance, const struct vps_options *options)
{
   char address[300];

   vp_socket_format_address(options->host, entrance->port, address, sizeof(address));
   if (vp_socket_reach(entrance->tcp_fd) != VP_REACH_LOOPBACK)
      vp_log(VP_LOG_WARN,
             "--insecure: everyone who can reach %s can use the GPUs of this machine, and read and change what is sent",
             address);
   printf("venus-server: listening on %s\n", address);
   fflush(stdout);
}

void vps_entrance_close(struct vps_entrance *entrance)
{
   if (entrance->tcp_fd >= 0)
      close(entrance->tcp_fd);
   entrance->tcp_fd = -1;
}
