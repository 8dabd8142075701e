/* SPDX-License-Identifier: MIT */

/* A memfd, sealed so that no process can make it smaller under the others. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/descriptor.h"
#include "server/process/shared_file.h"

static void *map_file(int fd, size_t size)
{
   void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

   return memory == MAP_FAILED ? NULL : memory;
}

int vps_shared_file_create(const char *name, size_t size, void **memory)
{
   const int fd = vp_descriptor_keep(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));

   if (fd < 0)
      return -1;
   if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
       (*memory = map_file(fd, size)))
      return fd;
   const int error = errno;
   close(fd);
   errno = error;
   return -1;
}

void *vps_shared_file_open(int fd, size_t least, size_t *size)
{
   struct stat file;

   if (fstat(fd, &file) != 0)
      return NULL;
   if (file.st_size < (off_t)least) {
      errno = EINVAL;
      return NULL;
   }
   *size = (size_t)file.st_size;
   return map_file(fd, *size);
}
