/* SPDX-License-Identifier: MIT */
#ifndef VP_TLS_RELAY_H
#define VP_TLS_RELAY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vp_tls_end {
   VP_TLS_ENDED,     /* each side has said that it has no more to say, or the local one is gone */
   VP_TLS_BROKEN,    /* the network, or the other machine, is gone */
   VP_TLS_FAILED,    /* of what came something was wrong: vp_tls_describe */
   VP_TLS_NO_MEMORY, /* nothing was done */
};

/* Copies between a connection whose handshake is over and a stream socket, `local`, until one of these ends; both
 * become non-blocking. The end of either way is handed on. *delivered: bytes that went to `local`. After gone_ms (0:
 * never) in which the local side took nothing from a peer that has closed its connection it is given up, so that
 * whoever is at the local side learns of that. Neither is closed. */
enum vp_tls_end vp_tls_relay(SSL *ssl, int local, int gone_ms, uint64_t *delivered);

/* From now on a key is changed after so many records of 16 KiB at most, instead of 2^24. For tests. */
void vp_tls_relay_renew_after(uint64_t records);

#endif
