/* SPDX-License-Identifier: MIT */

/* Opens where clients come in, and refuses to where everybody could. */

#include "server/process/entrance.h"

#include <stdio.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/util/log.h"

/* Without keys, connections are neither authenticated nor encrypted. */
static bool may_listen(int fd, const char *address, const struct vps_options *options)
{
   const enum vp_reach reach = vp_socket_reach(fd);

   if (reach == VP_REACH_LOOPBACK || vps_options_have_credentials(options) ||
       (reach == VP_REACH_ADDRESS && options->insecure))
      return true;
   if (options->insecure)
      vp_log(VP_LOG_ERROR,
             "%s means all networks of this machine, and whoever reaches it could use the GPUs: let clients prove who "
             "they are with --keys, or name the one address of a network that you trust",
             address);
   else
      vp_log(VP_LOG_ERROR,
             "%s is not a loopback address, and whoever reaches it could use the GPUs and read what is sent: let "
             "clients prove who they are with --keys, or come through an ssh tunnel, VENUS_SERVER=exec: or, on this "
             "machine, --unix, or name the one address of a network that you trust and add --insecure",
             address);
   return false;
}

static bool open_tcp(struct vps_entrance *entrance, const struct vps_options *options)
{
   char error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;
   const int fd = vp_socket_bind(options->host, options->port, &port, error);

   if (fd >= 0) {
      entrance->tcp[0].fd = fd;
      entrance->tcp_count = 1;
      vp_socket_format_address(options->host, port, entrance->tcp[0].address, sizeof(entrance->tcp[0].address));
   }
   if (fd >= 0 && !may_listen(fd, options->host, options))
      return false;
   if (fd >= 0 && vp_socket_open(fd, options->host, port, error))
      return true;
   vp_log(VP_LOG_ERROR, "%s", error);
   return false;
}

/* They are all ours from here on, whatever is wrong with one. */
static bool take_sockets(struct vps_entrance *entrance, int count, const struct vps_options *options)
{
   bool ok = true;

   for (int i = 0; i < count; i++) {
      const struct vps_passed_socket *passed = &entrance->passed[i];
      if (passed->is_unix && entrance->unix_socket.fd < 0) {
         entrance->unix_socket = (struct vps_unix_socket){.fd = passed->fd, .path = passed->path};
      } else if (!passed->is_unix && entrance->tcp_count < VPS_ENTRANCE_TCP) {
         char *address = entrance->tcp[entrance->tcp_count].address;
         entrance->tcp[entrance->tcp_count++].fd = passed->fd;
         vp_socket_format_local(passed->fd, address, sizeof(entrance->tcp[0].address));
         ok = ok && may_listen(passed->fd, address, options);
      } else {
         vp_log(VP_LOG_ERROR, "the service manager passes more than %u TCP sockets and one Unix socket",
                VPS_ENTRANCE_TCP);
         close(passed->fd);
         ok = false;
      }
   }
   return ok;
}

bool vps_entrance_open(struct vps_entrance *entrance, const struct vps_options *options)
{
   *entrance = (struct vps_entrance)VPS_ENTRANCE_CLOSED;
   const int passed = vps_activation_take(entrance->passed, VPS_ENTRANCE_TCP + 1);

   if (passed != 0)
      return passed > 0 && take_sockets(entrance, passed, options);
   return (!options->tcp || open_tcp(entrance, options)) &&
          (!options->unix_path || vps_unix_socket_open(&entrance->unix_socket, options->unix_path, VP_LOG_ERROR));
}

static void announce_tcp(const struct vps_entrance *entrance, const struct vps_options *options)
{
   if (vps_options_have_credentials(options))
      vp_log(VP_LOG_INFO, "clients prove who they are with TLS%s",
             options->tls_only ? "" : "; programs of this machine need not");
   for (unsigned i = 0; i < entrance->tcp_count; i++) {
      if (!vps_options_have_credentials(options) && vp_socket_reach(entrance->tcp[i].fd) != VP_REACH_LOOPBACK)
         vp_log(VP_LOG_WARN,
                "--insecure: everyone who can reach %s can use the GPUs of this machine, and read and change what is "
                "sent",
                entrance->tcp[i].address);
      printf("venus-server: listening on %s\n", entrance->tcp[i].address);
   }
}

void vps_entrance_announce(const struct vps_entrance *entrance, const struct vps_options *options)
{
   if (entrance->tcp_count > 0)
      announce_tcp(entrance, options);
   if (entrance->unix_socket.fd >= 0)
      printf("venus-server: listening on unix:%s\n", entrance->unix_socket.path);
   fflush(stdout);
}

/* Of a client that has left already nobody will ask. */
static int accept_tcp(int listen_fd, struct vps_client *client)
{
   char text[VPS_SOURCE_TEXT_SIZE];
   const int fd = vp_socket_accept(listen_fd, client->peer, sizeof(client->peer));

   client->user[0] = '\0';
   if (fd >= 0 && vps_source_of(&client->source, fd)) {
      vps_source_format(&client->source, text);
      snprintf(client->user, sizeof(client->user), "address:%s", text);
   }
   return fd;
}

int vps_entrance_accept(const struct vps_entrance *entrance, int listen_fd, struct vps_client *client,
                        const char **refusal)
{
   client->account_fd = client->page_fd = client->share_fd = -1;
   if (listen_fd == entrance->unix_socket.fd)
      return vps_unix_socket_accept(listen_fd, client, refusal);
   *refusal = NULL;
   return accept_tcp(listen_fd, client);
}

void vps_entrance_close(struct vps_entrance *entrance)
{
   while (entrance->tcp_count > 0)
      close(entrance->tcp[--entrance->tcp_count].fd);
   vps_unix_socket_close(&entrance->unix_socket);
}
