/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_SERVICE_H
#define VP_NET_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/socket.h"

/* Of a name in the DNS with dots, NUL included. */
#define VP_SERVICE_NAME_SIZE 256

/* What stands before the name of a service. */
#define VP_SERVICE_LABELS "_venus-plus._tcp."

/* No message of the DNS is longer. */
#define VP_SERVICE_ANSWER_MOST 65535

/* A server of a service, as a SRV record of the DNS names it (RFC 2782). */
struct vp_service_server {
   uint16_t priority; /* lower ones come first */
   uint16_t weight;   /* among those of a priority, how often this one is to come first */
   uint16_t port;
   char host[VP_SERVICE_NAME_SIZE];
};

struct vp_service {
   struct vp_service_server *servers;
   unsigned count;
};

/* Reads the answer to a question for SRV records. False with a sentence in `error`: it is malformed, has none, or says
 * that there is no such service; then there is nothing to finish. */
bool vp_service_parse(struct vp_service *service, const uint8_t *answer, size_t size, char *error, size_t error_size);

void vp_service_finish(struct vp_service *service);

/* Puts them in the order in which they are to be tried: by priority, and by chance within one, with their weights.
 * Only the first `most` of them stay. `random` gives numbers below `limit`. */
void vp_service_order(struct vp_service *service, unsigned most, uint64_t (*random)(uint64_t limit));

/* Such numbers from the system. */
uint64_t vp_service_random(uint64_t limit);

/* Asks the DNS for the servers of this name, as long as the resolver of the system does that. False with a sentence in
 * `error`. */
bool vp_service_find(struct vp_service *service, const char *name, char error[VP_SOCKET_ERROR_SIZE]);

#endif
