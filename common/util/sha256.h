/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_SHA256_H
#define VP_UTIL_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* A hash from which nobody finds what it is of (FIPS 180-4), for where there is no OpenSSL. */
#define VP_SHA256_SIZE 32

void vp_sha256(const void *data, size_t size, uint8_t out[VP_SHA256_SIZE]);

#endif
