/* SPDX-License-Identifier: MIT */
#ifndef VP_TLS_OUTGOING_H
#define VP_TLS_OUTGOING_H

#include <openssl/bio.h>
#include <stdbool.h>

/* A BIO in front of a socket's: collects what OpenSSL writes until vp_outgoing_send. To OpenSSL that is written, so it
 * is never in the middle of a record when something else is to be said, such as a new key. */

/* NULL without memory. */
BIO *vp_outgoing_create(void);

/* For a record of the largest size. */
bool vp_outgoing_has_room(BIO *bio);

/* What was collected. False: the next BIO takes no more, for now (BIO_should_retry of ours) or for ever. */
bool vp_outgoing_send(BIO *bio);

/* Likewise, but it goes nowhere. */
void vp_outgoing_forget(BIO *bio);

#endif
