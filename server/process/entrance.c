/* SPDX-License-Identifier: MIT */

/* Opens where clients come in, and refuses to where everybody could. */

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
             "clients come through an ssh tunnel, VENUS_SERVER=exec: or, on this machine, --unix, or name the one "
             "address of a network "
             "that you trust and add "
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
   *entrance = (struct vps_entrance)VPS_ENTRANCE_CLOSED;
   return (!options->tcp || open_tcp(entrance, options)) &&
          (!options->unix_path || vps_unix_socket_open(&entrance->unix_socket, options->unix_path));
}

static void announce_tcp(const struct vps_entrance *entrance, const struct vps_options *options)
{
   char address[300];

   vp_socket_format_address(options->host, entrance->port, address, sizeof(address));
   if (vp_socket_reach(entrance->tcp_fd) != VP_REACH_LOOPBACK)
      vp_log(VP_LOG_WARN,
             "--insecure: everyone who can reach %s can use the GPUs of this machine, and read and change what is sent",
             address);
   printf("venus-server: listening on %s\n", address);
}

void vps_entrance_announce(const struct vps_entrance *entrance, const struct vps_options *options)
{
   if (entrance->tcp_fd >= 0)
      announce_tcp(entrance, options);
   if (entrance->unix_socket.fd >= 0)
      printf("venus-server: listening on unix:%s\n", options->unix_path);
   fflush(stdout);
}

int vps_entrance_accept(const struct vps_entrance *entrance, int listen_fd, char *peer, size_t peer_size,
                        const char **refusal)
{
   if (listen_fd == entrance->unix_socket.fd)
      return vps_unix_socket_accept(listen_fd, peer, peer_size, refusal);
   *refusal = NULL;
   return vp_socket_accept(listen_fd, peer, peer_size);
}

void vps_entrance_close(struct vps_entrance *entrance)
{
   if (entrance->tcp_fd >= 0)
      close(entrance->tcp_fd);
   entrance->tcp_fd = -1;
   vps_unix_socket_close(&entrance->unix_socket);
}
