/* SPDX-License-Identifier: MIT */

/* Reads files that hold secrets, if nobody else can, and leaves no copy of them in memory. */

#include "common/net/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/descriptor.h"

/* Of a path in a message, so that the sentence around it fits. */
#define PATH_FORMAT "%.200s"

static bool may_use(const struct stat *status, const char *path, char *error, size_t error_size)
{
   const unsigned mode = (unsigned)status->st_mode & 07777;

   if (!S_ISREG(status->st_mode))
      snprintf(error, error_size, PATH_FORMAT " is no regular file", path);
   else if (mode & (S_IRWXG | S_IRWXO))
      snprintf(error, error_size,
               PATH_FORMAT " holds secrets, and its mode is %04o, which lets others use it: chmod 600 it", path, mode);
   else if (status->st_uid != geteuid() && status->st_uid != 0)
      snprintf(error, error_size, PATH_FORMAT " holds secrets and belongs to user %u, not to this one (%u) or root",
               path, (unsigned)status->st_uid, (unsigned)geteuid());
   else if ((uintmax_t)status->st_size > VP_SECRET_MAX_SIZE)
      snprintf(error, error_size, PATH_FORMAT " is larger than %zu bytes", path, VP_SECRET_MAX_SIZE);
   else
      return true;
   return false;
}

/* A file that grows meanwhile is read as far as it was. */
static bool read_open_file(struct vp_secret *secret, int fd, size_t size)
{
   *secret = (struct vp_secret){.data = malloc(size + 1)};
   if (!secret->data)
      return false;
   while (secret->size < size) {
      const ssize_t n = read(fd, secret->data + secret->size, size - secret->size);
      if (n < 0 && errno == EINTR)
         continue;
      if (n < 0) {
         const int saved_errno = errno;
         vp_secret_finish(secret);
         errno = saved_errno;
         return false;
      }
      if (n == 0)
         break;
      secret->size += (size_t)n;
   }
   return true;
}

bool vp_secret_read(struct vp_secret *secret, const char *path, char *error, size_t error_size)
{
   struct stat status;
   /* Without waiting, should it be a pipe. */
   const int fd = vp_descriptor_keep(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
   const bool found = fd >= 0 && fstat(fd, &status) == 0;
   const bool usable = found && may_use(&status, path, error, error_size);
   const bool ok = usable && read_open_file(secret, fd, (size_t)status.st_size);

   if (!found || (usable && !ok))
      snprintf(error, error_size, PATH_FORMAT " cannot be read: %s", path, strerror(errno));
   if (fd >= 0)
      close(fd);
   return ok;
}

void vp_secret_finish(struct vp_secret *secret)
{
   if (secret->data)
      explicit_bzero(secret->data, secret->size);
   free(secret->data);
   *secret = (struct vp_secret){0};
}
