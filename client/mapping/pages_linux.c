/* SPDX-License-Identifier: MIT */
#include "client/mapping/pages.h"

#include <sys/mman.h>

void *vp_pages_alloc(size_t size)
{
   void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   return pages == MAP_FAILED ? NULL : pages;
}

void vp_pages_free(void *pages, size_t size)
{
   if (pages)
      munmap(pages, size);
}
