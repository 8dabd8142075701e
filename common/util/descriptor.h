/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_DESCRIPTOR_H
#define VP_UTIL_DESCRIPTOR_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

/* Takes a new descriptor (or -1, with errno) and gives one that is none of the three standard ones: a program may have
 * closed these and goes on printing, which would get into our files and connections. Close-on-exec. -1 with errno when
 * there is none; then the one that was given is closed. Every descriptor that is kept goes through this. */
int vp_descriptor_keep(int fd);

/* open() for reading or writing (`flags`) a file that is there, in that way. */
int vp_descriptor_open(const char *path, int flags);

/* fopen() for reading, and opendir(), in that way. NULL when that fails. */
FILE *vp_descriptor_read_file(const char *path);
DIR *vp_descriptor_read_folder(const char *path);

/* A file without a name, in memory, of `size` zeros. -1 with errno when there is none, also where the process may not
 * write files that large (RLIMIT_FSIZE): never raises SIGXFSZ. */
int vp_descriptor_memory_file(const char *name, uint64_t size);

/* The size of the largest file that the process may have. */
uint64_t vp_descriptor_max_file_size(void);

#endif
