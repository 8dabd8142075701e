/* SPDX-License-Identifier: MIT */

/* Makes the key that the server of a job and the programs of that job share. */

#include "client/run/job_key.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where files of a session go, else where all that is temporary does; mkstemp() makes nothing that others can read. */
static bool key_choose_path(char path[PATH_MAX])
{
   const char *folder = getenv("XDG_RUNTIME_DIR");

   if (!folder || folder[0] != '/' || access(folder, W_OK | X_OK) != 0)
      folder = getenv("TMPDIR");
   if (!folder || folder[0] != '/')
      folder = "/tmp";
   const int length = snprintf(path, PATH_MAX, "%s/venus-run-job.XXXXXX", folder);
   if (length < 0 || length >= PATH_MAX)
      errno = ENAMETOOLONG;
   return length > 0 && length < PATH_MAX;
}

static bool key_write(const char *line, char path[PATH_MAX])
{
   const ssize_t length = (ssize_t)strlen(line);
   const int fd = key_choose_path(path) ? mkstemp(path) : -1;

   if (fd < 0)
      return false;
   const bool ok = write(fd, line, (size_t)length) == length;
   if (close(fd) == 0 && ok)
      return true;
   const int error = errno;
   unlink(path);
   errno = error;
   return false;
}

bool vp_job_key_make(char line[VP_JOB_KEY_LINE_SIZE], char path[PATH_MAX])
{
   uint8_t key[VP_JOB_KEY_BYTES];

   if (getentropy(key, sizeof(key)) != 0)
      return false;
   size_t length = (size_t)snprintf(line, VP_JOB_KEY_LINE_SIZE, VP_JOB_IDENTITY ":");
   for (unsigned i = 0; i < VP_JOB_KEY_BYTES; i++)
      length += (size_t)snprintf(line + length, VP_JOB_KEY_LINE_SIZE - length, "%02x", key[i]);
   snprintf(line + length, VP_JOB_KEY_LINE_SIZE - length, "\n");
   explicit_bzero(key, sizeof(key));
   return key_write(line, path);
}
