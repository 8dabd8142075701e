/* SPDX-License-Identifier: MIT */

/* Tells the forms of VENUS_SERVER apart, and says which there are. */

#include "client/process/server_address.h"

#include <stdio.h>
#include <string.h>

#include "common/net/socket.h"

#define UNIX_PREFIX "unix:"
#define EXEC_PREFIX "exec:"
#define TLS_PREFIX "tls://"
#define SERVICE_PREFIX "srv:"

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

/* False: the DNS has no such names. */
static bool parse_service(struct vp_server_address *address, const char *name)
{
   static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
   const size_t length = strlen(name);

   if (!length || length >= VP_SERVICE_NAME_SIZE || name[0] == '.' || strspn(name, characters) < length)
      return false;
   address->is_service = true;
   memcpy(address->place, name, length + 1);
   return true;
}

/* A host, or a service. Digits are the port of a host that is called so. */
static bool parse_host(struct vp_server_address *address, const char *text)
{
   const char *name = begins_with(text, SERVICE_PREFIX) ? text + strlen(SERVICE_PREFIX) : NULL;

   if (name && name[strspn(name, "0123456789")])
      return parse_service(address, name);
   return vp_socket_parse_address(text, address->place, sizeof(address->place), &address->port);
}

/* An identity may have an '@' in it, a host may not. */
static bool parse_tls(struct vp_server_address *address, const char *text)
{
   const char *at = strrchr(text, '@');
   const size_t length = at ? (size_t)(at - text) : 0;

   address->way = VP_WAY_TLS;
   if (at && !vp_key_is_identity(text, length))
      return false;
   memcpy(address->identity, text, length);
   return parse_host(address, at ? at + 1 : text);
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
   if (begins_with(copy, TLS_PREFIX))
      return parse_tls(address, copy + strlen(TLS_PREFIX));
   /* What is no path is the port of a host that is called so. */
   if (begins_with(copy, UNIX_PREFIX "/"))
      return take_rest(address, VP_WAY_UNIX, copy, UNIX_PREFIX);
   return parse_host(address, copy);
}

void vp_server_address_of(struct vp_server_address *address, const struct vp_server_address *service,
                          const struct vp_service_server *server)
{
   *address = *service;
   address->is_service = false;
   address->port = server->port;
   snprintf(address->place, sizeof(address->place), "%s", server->host);
   snprintf(address->service, sizeof(address->service), "%.*s", VP_SERVICE_NAME_SIZE - 1, service->place);
   const size_t length = strlen(address->service);
   if (length > 0 && address->service[length - 1] == '.') /* of the DNS alone */
      address->service[length - 1] = '\0';
}

/* What stands behind tls://, or alone. */
static void format_host(const struct vp_server_address *address, char *out, size_t size)
{
   if (address->is_service)
      snprintf(out, size, SERVICE_PREFIX "%s", address->place);
   else
      vp_socket_format_address(address->place, address->port, out, size);
}

void vp_server_address_format(const struct vp_server_address *address, char *out, size_t size)
{
   char place[VP_PLACE_SIZE + 16];

   switch (address->way) {
   case VP_WAY_TLS:
      format_host(address, place, sizeof(place));
      snprintf(out, size, TLS_PREFIX "%s%s%s", address->identity, address->identity[0] ? "@" : "", place);
      break;
   case VP_WAY_TCP:
      format_host(address, out, size);
      break;
   case VP_WAY_UNIX:
      snprintf(out, size, UNIX_PREFIX "%s", address->place);
      break;
   case VP_WAY_EXEC:
      snprintf(out, size, EXEC_PREFIX "%s", address->place);
      break;
   }
}
