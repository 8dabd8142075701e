/* SPDX-License-Identifier: MIT */

/* The token lies in the socket as a packet that is never taken out. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/link/token.h"
#include "common/util/bytes.h"
#include "common/util/descriptor.h"

/* What it is, u32 of which kind, u32 zero, the server, the secret. */
static const uint8_t token_magic[8] = {'V', 'E', 'N', 'U', 'S', 'F', 'D', 1};
#define AT_KIND 8
#define AT_SERVER 16
#define AT_SECRET 32
#define TOKEN_SIZE 48

bool vp_token_open(enum vp_token_kind kind, const VkTokenVP *token, int ends[2])
{
   uint8_t packet[TOKEN_SIZE] = {0};
   memcpy(packet, token_magic, sizeof(token_magic));
   vp_bytes_store_u32(packet + AT_KIND, kind);
   memcpy(packet + AT_SERVER, token->server, sizeof(token->server));
   memcpy(packet + AT_SECRET, token->secret, sizeof(token->secret));
   if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
      return false;
   ends[0] = vp_descriptor_keep(ends[0]);
   ends[1] = vp_descriptor_keep(ends[1]);
   if (ends[0] >= 0 && ends[1] >= 0 &&
       send(ends[1], packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(packet))
      return true;
   for (unsigned i = 0; i < 2; i++) {
      if (ends[i] >= 0)
         close(ends[i]);
   }
   return false;
}

bool vp_token_read(int fd, enum vp_token_kind kind, VkTokenVP *token)
{
   uint8_t packet[TOKEN_SIZE + 1];
   int type = 0;
   socklen_t size = sizeof(type);
   if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
      return false;
   if (recv(fd, packet, sizeof(packet), MSG_PEEK | MSG_DONTWAIT) != TOKEN_SIZE ||
       memcmp(packet, token_magic, sizeof(token_magic)) != 0 || vp_bytes_load_u32(packet + AT_KIND) != (uint32_t)kind)
      return false;
   memcpy(token->server, packet + AT_SERVER, sizeof(token->server));
   memcpy(token->secret, packet + AT_SECRET, sizeof(token->secret));
   return true;
}
