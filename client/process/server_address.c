/* SPDX-License-Identifier: MIT */

/* Tells the forms of VENUS_SERVER apart, and says which there are. */

#include "client/process/server_address.h"

#include <stdio.h>
#include <string.h>

#include "common/net/socket.h"

#define UNIX_PREFIX "unix:"
#define EXEC_PREFIX "exec:"

static bool begins_with(const char *text, const char *prefix)
{
   return strncmp(text, prefix, strlen(prefix)) == 0;
}

size_t vp_server_address_length(const char *list)
{
   if (begins_with(list, EXEC_PREFIX))
      return strlen(list);
   return strcspn(list, VP_SERVER_ADDRESS_SEPARATORS);
}

/* False: it has not that prefix, or nothing after it. */
static bool take_rest(struct vp_server_address *address, enum vp_way way, const char *text, const char *prefix)
{
   const size_t length = strlen(prefix);

   if (!begins_with(text, prefix) || !text[length])
      return false;
   address->way = way;
   memcpy(address->place, text + length, strlen(text + length) + 1);
   return true;
}

bool vp_server_address_parse(struct vp_server_address *address, const char *text, size_t length)
{
   char copy[VP_PLACE_SIZE];

   if (length >= sizeof(copy))
      return false;
   memcpy(copy, text, length);
   copy[length] = '\0';
   *address = (struct vp_server_address){.way = VP_WAY_TCP};
   if (take_rest(address, VP_WAY_EXEC, copy, EXEC_PREFIX))
      return true;
   /* What is no path is the port of a host that is called so. */
   if (begins_with(copy, UNIX_PREFIX "/"))
      return take_rest(address, VP_WAY_UNIX, copy, UNIX_PREFIX);
   return vp_socket_parse_address(copy, address->place, sizeof(address->place), &address->port);
}

void vp_server_address_format(const struct vp_server_address *address, char *out, size_t size)
{
   switch (address->way) {
   case VP_WAY_TCP:
      snprintf(out, size, "%s:%u", address->place, (unsigned)address->port);
      break;
   case VP_WAY_UNIX:
      snprintf(out, size, UNIX_PREFIX "%s", address->place);
      break;
   case VP_WAY_EXEC:
      snprintf(out, size, EXEC_PREFIX "%s", address->place);
      break;
   }
}
