/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_RESOLVE_H
#define VP_NET_RESOLVE_H

#include <netdb.h>
#include <stdint.h>

/* Like getaddrinfo for a TCP host and port, but within timeout_ms. `flags` are
 * AI_... Returns 0 and a list for freeaddrinfo, or an EAI_ code (EAI_AGAIN when
 * the time is over). */
int vp_resolve(const char *host, uint16_t port, int flags, int timeout_ms, struct addrinfo **list);

#endif
