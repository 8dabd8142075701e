/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_KEY_FILE_H
#define VP_NET_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys that two sides share, each under the name of who has it: lines "identity:hexkey", as psktool writes them. Empty
 * lines and those that begin with '#' are left out. An identity has 1 to 64 bytes, printable ASCII without ':' and ','
 * and not beginning with '#'. */
#define VP_KEY_IDENTITY_SIZE 65 /* NUL included */
#define VP_KEY_MIN_BYTES 16u
#define VP_KEY_MAX_BYTES 64u

struct vp_key {
   char identity[VP_KEY_IDENTITY_SIZE]; /* zeros to its end */
   uint8_t size;
   uint8_t bytes[VP_KEY_MAX_BYTES];
};

/* All zero: no keys. */
struct vp_key_file {
   struct vp_key *keys;
   size_t count;
};

/* The file must be one that vp_secret_read takes. False with a sentence in `error` that names the path, and the line;
 * nothing is to be finished then. Thread-safe. */
bool vp_key_file_load(struct vp_key_file *file, const char *path, char *error, size_t error_size);

/* The same of its bytes. The error has no path. */
bool vp_key_file_parse(struct vp_key_file *file, const uint8_t *data, size_t size, char *error, size_t error_size);

/* The key of that identity, or NULL. Takes as long for one that is not there. */
const struct vp_key *vp_key_file_find(const struct vp_key_file *file, const char *identity);

/* Wipes and frees the keys. */
void vp_key_file_finish(struct vp_key_file *file);

/* Whether an identity can be of this text. */
bool vp_key_is_identity(const char *text, size_t length);

#endif
