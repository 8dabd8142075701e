/* SPDX-License-Identifier: MIT */

/* Opens files, folders and memory files close-on-exec, and moves what got number 0, 1 or 2 further up. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/util/descriptor.h"

int vp_descriptor_keep(int fd)
{
   if (fd < 0 || fd > STDERR_FILENO)
      return fd;
   const int other = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), error = errno;
   close(fd);
   errno = error;
   return other;
}

int vp_descriptor_open(const char *path, int flags)
{
   return vp_descriptor_keep(open(path, flags | O_CLOEXEC));
}

FILE *vp_descriptor_read_file(const char *path)
{
   const int fd = vp_descriptor_open(path, O_RDONLY);
   FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
   if (!file && fd >= 0)
      close(fd);
   return file;
}

DIR *vp_descriptor_read_folder(const char *path)
{
   const int fd = vp_descriptor_open(path, O_RDONLY | O_DIRECTORY);
   DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
   if (!folder && fd >= 0)
      close(fd);
   return folder;
}

uint64_t vp_descriptor_max_file_size(void)
{
   struct rlimit limit;
   if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > INT64_MAX)
      return INT64_MAX;
   return limit.rlim_cur;
}

int vp_descriptor_memory_file(const char *name, uint64_t size)
{
   if (size > vp_descriptor_max_file_size()) {
      errno = EFBIG;
      return -1;
   }
   const int fd = vp_descriptor_keep(memfd_create(name, MFD_CLOEXEC));
   if (fd < 0 || ftruncate(fd, (off_t)size) == 0)
      return fd;
   const int error = errno;
   close(fd);
   errno = error;
   return -1;
}
