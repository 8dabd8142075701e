/* SPDX-License-Identifier: MIT */

/* A pair of Unix sockets: one way a descriptor travels as SCM_RIGHTS, the other way words of a byte. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "common/util/descriptor.h"
#include "server/process/handover.h"

union control {
   struct cmsghdr header;
   char room[CMSG_SPACE(sizeof(int))];
};

bool vps_handover_open(int *listener_end, int *worker_end)
{
   int ends[2];

   if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
      return false;
   *listener_end = ends[0];
   *worker_end = ends[1];
   return true;
}

bool vps_handover_send(int listener_end, int client)
{
   char byte = 0;
   union control control = {0};
   struct iovec data = {.iov_base = &byte, .iov_len = 1};
   struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
   struct cmsghdr *header = CMSG_FIRSTHDR(&message);

   header->cmsg_level = SOL_SOCKET;
   header->cmsg_type = SCM_RIGHTS;
   header->cmsg_len = CMSG_LEN(sizeof(client));
   memcpy(CMSG_DATA(header), &client, sizeof(client));
   return sendmsg(listener_end, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

bool vps_handover_is_due(int worker_end)
{
   struct pollfd end = {.fd = worker_end, .events = POLLIN};

   return poll(&end, 1, 0) > 0;
}

int vps_handover_receive(int worker_end)
{
   char byte;
   union control control;
   struct iovec data = {.iov_base = &byte, .iov_len = 1};
   struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
   ssize_t n;
   int client;

   do {
      n = recvmsg(worker_end, &message, MSG_CMSG_CLOEXEC);
   } while (n < 0 && errno == EINTR);
   const struct cmsghdr *header = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
   if (!header || header->cmsg_type != SCM_RIGHTS)
      return -1;
   memcpy(&client, CMSG_DATA(header), sizeof(client));
   return vp_descriptor_keep(client);
}

void vps_handover_tell(int worker_end, enum vps_handover_word word)
{
   const char byte = (char)word;

   while (send(worker_end, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
      ;
}

bool vps_handover_hear(int listener_end, enum vps_handover_word word)
{
   bool heard = false;
   char byte;

   while (recv(listener_end, &byte, 1, MSG_DONTWAIT) == 1)
      heard = heard || byte == (char)word;
   return heard;
}
