/* SPDX-License-Identifier: MIT */
#include "client/process/server_address.h"

#include <stdio.h>
#include <string.h>

#include "common/net/socket.h"

#define UNIX_PREFIX "unix:"

static bool begins_with(const char *text, const char *prefix)
{
   return strncmp(text, prefix, strlen(prefix)) == 0;
}

size_t vp_server_address_length(const char *list)
{
   return strcspn(list, VP_SERVER_ADDRESS_SEPARATORS);
}

bool vp_server_address_parse(struct vp_server_address *address, const char *text, size_t length)
{
   char copy[VP_PLACE_SIZE + sizeof(UNIX_PREFIX)];

   if (length >= sizeof(address->place))
      return false;
   memcpy(copy, text, length);
   copy[length] = '\0';
   *address = (struct vp_server_address){.way = VP_WAY_TCP};
   /* A host may be called so, and have a port. */
   if (begins_with(copy, UNIX_PREFIX "/")) {
      address->way = VP_WAY_UNIX;
      memcpy(address->place, copy + strlen(UNIX_PREFIX), length + 1 - strlen(UNIX_PREFIX));
      return true;
   }
   return vp_socket_parse_address(copy, address->place, sizeof(address->place), &address->port);
}

void vp_server_address_format(const struct vp_server_address *address, char *out, size_t size)
{
   if (address->way == VP_WAY_UNIX)
      snprintf(out, size, UNIX_PREFIX "%s", address->place);
   else
      snprintf(out, size, "%s:%u", address->place, (unsigned)address->port);
}
