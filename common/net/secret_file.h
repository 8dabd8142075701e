/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_SECRET_FILE_H
#define VP_NET_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No file of keys is larger. */
#define VP_SECRET_MAX_SIZE ((size_t)256 * 1024)

struct vp_secret {
   uint8_t *data;
   size_t size;
};

/* Reads a file that is a secret: a regular one, of the process's user or root, for which group and others have no
 * rights. It is what open() finds that counts, also at the end of links. False with a sentence in `error` that names
 * the path, and the mode if that is wrong; nothing is to be finished then. Thread-safe. */
bool vp_secret_read(struct vp_secret *secret, const char *path, char *error, size_t error_size);

/* Wipes and frees it. All zero has nothing. */
void vp_secret_finish(struct vp_secret *secret);

#endif
