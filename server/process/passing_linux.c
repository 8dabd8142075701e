/* SPDX-License-Identifier: MIT */

/* Unix sockets of packets, on which descriptors travel as SCM_RIGHTS. */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "common/util/descriptor.h"
#include "server/process/passing.h"

union control {
   struct cmsghdr header;
   char room[CMSG_SPACE(VPS_PASSING_MOST * sizeof(int))];
};

bool vps_passing_open(int ends[2])
{
   return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

bool vps_passing_send(int end, const void *data, size_t size, const int fds[], unsigned count, int flags)
{
   union control control = {0};
   struct iovec bytes = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
   struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
   ssize_t sent;

   if (count > 0) {
      message.msg_control = control.room;
      message.msg_controllen = CMSG_SPACE(count * sizeof(*fds));
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(count * sizeof(*fds));
      memcpy(CMSG_DATA(header), fds, count * sizeof(*fds));
   }
   do {
      sent = sendmsg(end, &message, MSG_NOSIGNAL | flags);
   } while (sent < 0 && errno == EINTR);
   return sent == (ssize_t)size;
}

ssize_t vps_passing_receive(int end, void *data, size_t size, int fds[VPS_PASSING_MOST], int flags)
{
   union control control;
   struct iovec bytes = {.iov_base = data, .iov_len = size};
   struct msghdr message = {
      .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
   ssize_t n;

   for (unsigned i = 0; i < VPS_PASSING_MOST; i++)
      fds[i] = -1;
   do {
      n = recvmsg(end, &message, MSG_CMSG_CLOEXEC | flags);
   } while (n < 0 && errno == EINTR);
   const struct cmsghdr *header = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL; /* an empty message can have some, too */
   if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      memcpy(fds, CMSG_DATA(header), (count < VPS_PASSING_MOST ? count : VPS_PASSING_MOST) * sizeof(int));
   }
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++)
      fds[i] = fds[i] < 0 ? -1 : vp_descriptor_keep(fds[i]);
   return n;
}
