/* SPDX-License-Identifier: MIT */

/* A page for each worker in a file that it shares with the listener. */

#include <string.h>
#include <sys/mman.h>

#include "server/process/session_page.h"
#include "server/process/shared_file.h"

int vps_session_page_create(struct vps_session_page **page)
{
   void *memory;
   const int fd = vps_shared_file_create("venus-session", sizeof(**page), &memory);

   *page = fd >= 0 ? memory : NULL;
   return fd;
}

struct vps_session_page *vps_session_page_open(int fd)
{
   size_t size;

   return vps_shared_file_open(fd, sizeof(struct vps_session_page), &size);
}

void vps_session_page_close(struct vps_session_page *page)
{
   if (page)
      munmap(page, sizeof(*page));
}

void vps_session_page_read(char *out, const char *text, unsigned size)
{
   memcpy(out, text, size);
   out[size - 1] = '\0';
}
