/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_HELLO_H
#define VP_NET_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first frame of each side. Both sides send the same structure; the client
 * speaks first. */
#define VP_HELLO_MAGIC UINT64_C(0x534c5053554e4556) /* "VENUSPLS", little-endian */
#define VP_PROTOCOL_VERSION 2
#define VP_HELLO_NAME_SIZE 256
#define VP_HELLO_EXTENSION_WORDS 32

struct vp_hello {
   uint32_t protocol_version;                         /* ours; must be equal */
   uint32_t wire_format_version;                      /* Venus; must be equal */
   uint32_t vk_xml_version;                           /* registry the codec was generated from */
   uint32_t serialization_spec;                       /* VK_EXT_command_serialization */
   uint32_t venus_spec;                               /* VK_MESA_venus_protocol */
   uint32_t codec_hash;                               /* of the policy and number tables; informative */
   uint32_t extension_mask[VP_HELLO_EXTENSION_WORDS]; /* bit N: extension number N is known; bit 0: mask is valid */
   char name[VP_HELLO_NAME_SIZE]; /* application, or server host and version; NUL-terminated, UTF-8 */
   uint8_t auth[64];              /* reserved for authentication, zero */
};

#define VP_HELLO_WIRE_SIZE (8 + 6 * 4 + VP_HELLO_EXTENSION_WORDS * 4 + VP_HELLO_NAME_SIZE + 64)

void vp_hello_store(uint8_t out[VP_HELLO_WIRE_SIZE], const struct vp_hello *hello);

/* Checks magic and size and loads. False with a sentence in `error` when this
 * is not a hello of ours. A hello of another protocol version may have another
 * size: then only the two versions are loaded, for vp_hello_compatible to name. */
bool vp_hello_load(struct vp_hello *hello, const uint8_t *data, size_t size, char *error, size_t error_size);

/* Whether the two can talk. False with a sentence that names both versions. */
bool vp_hello_compatible(const struct vp_hello *own, const struct vp_hello *peer, char *error, size_t error_size);

#endif
