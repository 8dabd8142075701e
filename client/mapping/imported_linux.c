/* SPDX-License-Identifier: MIT */
#include "client/mapping/imported.h"

#include "client/mapping/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* Newer than the headers of the systems that we are built on. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* --- what it is --- */

/* A line of /proc/self/maps: a mapping's place, permissions, offset, device, and the file's number. Mappings come in
 * order. Whether there is more to know, *from being where; false with *from before the end: it is not all private. */
static bool read_line(const char *line, uintptr_t *from, uintptr_t end)
{
   unsigned long start, limit, inode;
   char permissions[5];
   if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu", &start, &limit, permissions, &inode) != 4)
      return false;
   if (limit <= *from)
      return true;
   if (start > *from || permissions[3] != 'p' || inode != 0)
      return false;
   *from = limit;
   return limit < end;
}

bool vp_imported_is_private(const void *memory, size_t size)
{
   uintptr_t from = (uintptr_t)memory;
   const uintptr_t end = from + size;
   char line[512]; /* of a longer one, the rest is a path, which is no line */
   FILE *maps = fopen("/proc/self/maps", "re");
   if (!maps)
      return false;
   bool whole = true;
   while (fgets(line, sizeof(line), maps)) {
      const bool is_line = whole;
      whole = strchr(line, '\n') != NULL;
      if (is_line && !read_line(line, &from, end))
         break;
   }
   fclose(maps);
   return from >= end;
}

/* --- reading --- */

size_t vp_imported_read(const void *memory, void *copy, size_t size)
{
   const struct iovec from = {.iov_base = (void *)(uintptr_t)memory, .iov_len = size},
                      to = {.iov_base = copy, .iov_len = size};
   const ssize_t count = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
   if (count >= 0)
      return (size_t)count;
   if (errno != EPERM && errno != ENOSYS)
      return 0;
   memcpy(copy, memory, size); /* a sandbox leaves no other way */
   return size;
}

/* --- writing --- */

/* As a debugger does. */
static bool force(const void *memory, const void *bytes, size_t size)
{
   const int fd = open("/proc/self/mem", O_WRONLY | O_CLOEXEC);
   if (fd < 0)
      return false;
   const ssize_t count = pwrite(fd, bytes, size, (off_t)(uintptr_t)memory);
   close(fd);
   return count == (ssize_t)size;
}

bool vp_imported_write(struct vp_imported_writer *writer, void *memory, const void *bytes, size_t size)
{
   const uintptr_t start = (uintptr_t)memory & ~(VP_PAGE_SIZE - 1),
                   end = ((uintptr_t)memory + size + VP_PAGE_SIZE - 1) & ~(VP_PAGE_SIZE - 1);
   if (start < writer->first || end > writer->end) {
      writer->first = start;
      writer->end = end;
      writer->plain = madvise((void *)start, end - start, MADV_POPULATE_WRITE) == 0;
   }
   if (!writer->plain)
      return force(memory, bytes, size);
   memcpy(memory, bytes, size);
   return true;
}
