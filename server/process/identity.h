/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_IDENTITY_H
#define VP_SERVER_PROCESS_IDENTITY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whose rights a worker has. */
struct vps_identity {
   uid_t uid;
   gid_t gid;
   gid_t groups[128];
   int group_count;
   char name[64];
   char home[PATH_MAX]; /* empty: none */
   bool changes;        /* it is not the process's own yet */
};

/* That of the user of this name; NULL: of the process. Its groups are those of the user and those that may use a GPU.
 * False with a sentence in `error`. */
bool vps_identity_find(struct vps_identity *identity, const char *user, char *error, size_t error_size);

/* The process gets it, for good. False with errno. */
bool vps_identity_take(const struct vps_identity *identity);

#endif
