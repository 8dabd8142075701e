/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_SERVER_ADDRESS_H
#define VP_CLIENT_PROCESS_SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/key_file.h"
#include "common/net/service.h"

/* How a server is reached. */
enum vp_way {
   VP_WAY_TCP,
   VP_WAY_TLS,  /* the same, encrypted, and each side knows who the other is */
   VP_WAY_UNIX, /* a socket that is a file */
   VP_WAY_EXEC, /* the standard input and output of a command */
};

#define VP_PLACE_SIZE 1024

struct vp_server_address {
   enum vp_way way;
   bool is_service;                     /* VP_WAY_TCP, VP_WAY_TLS: the DNS knows which servers are meant */
   uint16_t port;                       /* VP_WAY_TCP, VP_WAY_TLS */
   char identity[VP_KEY_IDENTITY_SIZE]; /* VP_WAY_TLS: whose shared key is used; empty: certificates are */
   char place[VP_PLACE_SIZE];           /* host, name of a service, path or command */
   char service[VP_SERVICE_NAME_SIZE];  /* of a host: the service by which it was found; empty: none */
};

/* The forms that are understood, for messages. */
#define VP_SERVER_ADDRESS_FORMS \
   "HOST, HOST:PORT, [IPV6]:PORT or srv:NAME, each also after tls:// or tls://IDENTITY@, unix:/PATH or exec:COMMAND"

/* Between the addresses of a list. */
#define VP_SERVER_ADDRESS_SEPARATORS ", "

/* Bytes at the beginning of a list of addresses that are one of them, or not one at all. A command goes to the end. */
size_t vp_server_address_length(const char *list);

/* False: it is of no form that is known. */
bool vp_server_address_parse(struct vp_server_address *address, const char *text, size_t length);

/* One server of a service. */
void vp_server_address_of(struct vp_server_address *address, const struct vp_server_address *service,
                          const struct vp_service_server *server);

/* As it was written, cut if need be, with the port. */
void vp_server_address_format(const struct vp_server_address *address, char *out, size_t size);

#endif
