/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_SHARED_FILE_H
#define VP_SERVER_PROCESS_SHARED_FILE_H

#include <stddef.h>

/* Memory that processes of the server share: a file without a name, whose size nobody can change. It begins zeroed, and
 * is unmapped with munmap(). */

/* Makes one. Returns its descriptor, or -1 with errno. */
int vps_shared_file_create(const char *name, size_t size, void **memory);

/* The memory of such a file of another process, which has at least so many bytes; *size: how many. NULL with errno. */
void *vps_shared_file_open(int fd, size_t least, size_t *size);

#endif
