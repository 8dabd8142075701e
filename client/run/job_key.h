/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_JOB_KEY_H
#define VP_RUN_JOB_KEY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Whose key it is, for server and driver. */
#define VP_JOB_IDENTITY "job"

/* "job:", the key in hexadecimal, and the end of the line. */
#define VP_JOB_KEY_BYTES 32
#define VP_JOB_KEY_LINE_SIZE (sizeof(VP_JOB_IDENTITY ":\n") + (size_t)2 * VP_JOB_KEY_BYTES)

/* Makes a key, as a line of a key file, and such a file with it, that only this user can read and that the driver is to
 * use. False with errno. */
bool vp_job_key_make(char line[VP_JOB_KEY_LINE_SIZE], char path[PATH_MAX]);

#endif
