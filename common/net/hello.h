/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_HELLO_H
#define VP_NET_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/side.h"
#include "common/wire/encoder.h"

/* The greeting: the first frame of each side, the client's before the server's. Its first 16 bytes stay where they are
 * in all versions of the protocol; named fields follow (common/net/fields.h). */
#define VP_HELLO_FIXED_SIZE 16
#define VP_HELLO_MAGIC UINT64_C(0x534c5053554e4556) /* "VENUSPLS", little-endian */
#define VP_PROTOCOL_VERSION 2
#define VP_WIRE_FORMAT_VERSION 1

#define VP_HELLO_NAME_SIZE 256
#define VP_HELLO_RELEASE_SIZE 32
#define VP_HELLO_NONCE_SIZE 32
#define VP_SESSION_ID_SIZE 16
#define VP_MACHINE_SIZE 16
#define VP_HELLO_HOST_SIZE 65

/* What is 0 or empty was not said. */
struct vp_hello {
   uint32_t protocol_version;    /* ours; must be equal */
   uint32_t wire_format_version; /* Venus; must be equal */

   /* What the side was built from, in which two builds of one protocol version may differ. */
   struct vp_wire_peer codec;           /* the registry, which must be said, and the extensions that are known */
   uint32_t venus[2];                   /* spec versions of VK_EXT_command_serialization, VK_MESA_venus_protocol */
   uint32_t commands;                   /* a hash of all commands and chain nodes */
   uint32_t own_commands;               /* a hash of our own commands; must be equal if both say it */
   char release[VP_HELLO_RELEASE_SIZE]; /* of Venus Plus */

   /* Of a client: for how many seconds it tries to go on when the connection breaks; of a server: for how many it keeps
    * a session without one, which it says only to such a client. */
   uint32_t resume;

   char name[VP_HELLO_NAME_SIZE]; /* application, or server host and version; NUL-terminated, UTF-8 */

   /* What only a server says: the name of its host, for people, and by what that is told from others, which is the same
    * at each start. */
   char host[VP_HELLO_HOST_SIZE];
   uint8_t machine[VP_MACHINE_SIZE];

   uint32_t probe; /* the most bytes that one VP_FRAME_PROBE may have each way; only a server says it */

   uint32_t share; /* 1: the server knows tokens for what sessions share; only a server says it */

   /* Random bytes, of which `session` names the session, and is the client's alone. */
   uint8_t nonce[VP_HELLO_NONCE_SIZE];
   uint8_t session[VP_SESSION_ID_SIZE];

   uint8_t join[VP_SESSION_ID_SIZE]; /* only a client says it: this connection is to be one more of that session */
};

/* No greeting of ours is longer. */
#define VP_HELLO_WIRE_MAX 1024

/* The greeting of this build, under this name. */
void vp_hello_init(struct vp_hello *hello, const char *name);

/* A side's greeting in bytes. Returns how many. */
size_t vp_hello_store(uint8_t out[VP_HELLO_WIRE_MAX], const struct vp_hello *hello, enum vp_side from);

/* The greeting of a side. False with a sentence in `error` when it is none, or has a field that must be known and is
 * not. Of another protocol version only the two versions are loaded, for vp_hello_compatible() to name. */
bool vp_hello_load(struct vp_hello *hello, enum vp_side from, const uint8_t *data, size_t size, char *error,
                   size_t error_size);

/* Whether the two can talk. False with a sentence that says what differs. */
bool vp_hello_compatible(const struct vp_hello *client, const struct vp_hello *server, char *error, size_t error_size);

/* Adds to a sentence about an error what differs between the two builds, from which it may come: "; the server was
 * built from Vulkan registry 1.3.239, the client from 1.4.309", and more of the kind. */
void vp_hello_explain(const struct vp_hello *client, const struct vp_hello *server, char *text, size_t size);

/* Whether that connection is to be one more of a session that there is. */
bool vp_hello_joins(const struct vp_hello *client);

#endif
