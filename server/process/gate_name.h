/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_GATE_NAME_H
#define VP_SERVER_PROCESS_GATE_NAME_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/net/key_file.h"

/* Whom a certificate is for: the common name of its subject, or if it has none the first name of the kind DNS, e-mail
 * or URI. False: nobody, or one that is longer than 64 bytes or has control characters. */
bool vps_gate_name_of(X509 *certificate, char user[VP_KEY_IDENTITY_SIZE]);

/* An identity that somebody claims, of any bytes, as it can be printed; cut if need be. */
void vps_gate_print_claim(const unsigned char *identity, size_t length, char user[VP_KEY_IDENTITY_SIZE]);

#endif
