/* SPDX-License-Identifier: MIT */

/* The options and statistics of TCP that every system names differently. */

#include "common/net/socket.h"

/* It has newer fields than netinet/tcp.h. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define KEEPALIVE_IDLE_S 5
#define KEEPALIVE_INTERVAL_S 3
#define KEEPALIVE_COUNT 3

/* Bytes that wait in the socket unsent: enough to keep the link busy, and not so many that commands wait behind them or
 * nobody notices how slow the link is. */
#define NOT_SENT_BYTES (128 * 1024)

#define LOST_AFTER_MS 15000
#define LOST_AFTER_TRIES 3

static void set_option(int fd, int level, int name, int value)
{
   /* All of these only improve a connection: one without them works too. */
   (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void vp_socket_configure(int fd)
{
   set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
   set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT_BYTES);
   set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
   set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
   set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
   set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
}

bool vp_socket_peer_lost(int fd)
{
   struct tcp_info info = {0};
   socklen_t size = sizeof(info);

   if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
      return false;

   /* Both counts go back to 0 with every answer. With nothing to send, keep-alive keeps last_ack_recv fresh. */
   const unsigned unanswered = (unsigned)info.tcpi_retransmits + info.tcpi_probes;
   return unanswered >= LOST_AFTER_TRIES && info.tcpi_last_ack_recv >= LOST_AFTER_MS;
}

int vp_socket_unsent(int fd)
{
   int size = -1;

   return ioctl(fd, SIOCOUTQ, &size) == 0 ? size : -1;
}
