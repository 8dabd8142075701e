/* SPDX-License-Identifier: MIT */

/* Goes through /proc/self/maps until the range ends or something in it is shared, a file's or not there. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/memory/private.h"
#include "common/util/descriptor.h"

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

bool vp_memory_is_private(const void *memory, size_t size)
{
   uintptr_t from = (uintptr_t)memory;
   const uintptr_t end = from + size;
   char line[512]; /* of a longer one, the rest is a path, which is no line */
   FILE *maps = vp_descriptor_read_file("/proc/self/maps");
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
