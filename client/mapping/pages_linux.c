/* SPDX-License-Identifier: MIT */
#include "client/mapping/pages.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* One file without a name backs all mapped memory of the process: descriptors are scarce, and memories can be many.
 * Each gets a place of its own in it, which is never used again. */
static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;
static uint64_t file_size;

/* Places begin and end at this, so that no two memories share a huge page. */
#define PLACE_ALIGNMENT ((uint64_t)2 << 20)

/* Makes the file longer. The beginning of the new part, or -1. */
static int64_t extend_file(size_t size)
{
   const uint64_t length = (size + PLACE_ALIGNMENT - 1) & ~(PLACE_ALIGNMENT - 1);
   int64_t place = -1;
   pthread_mutex_lock(&file_lock);
   if (file < 0)
      file = memfd_create("venus mapped memory", MFD_CLOEXEC);
   if (file >= 0 && length <= (uint64_t)INT64_MAX - file_size && ftruncate(file, (off_t)(file_size + length)) == 0) {
      place = (int64_t)file_size;
      file_size += length;
   }
   pthread_mutex_unlock(&file_lock);
   return place;
}

static void give_back(const struct vp_pages *pages)
{
   fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)pages->place, (off_t)pages->size);
}

static uint8_t *map(const struct vp_pages *pages, void *address)
{
   void *memory = mmap(address, pages->size, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_NORESERVE | (address ? MAP_FIXED : 0), file, (off_t)pages->place);
   return memory == MAP_FAILED ? NULL : memory;
}

/* A child of fork() shall not change our memory; see client/mapping/fork_linux.c. */
static uint8_t *map_view(const struct vp_pages *pages, void *address)
{
   uint8_t *view = map(pages, address);
   if (view) {
      madvise(view, pages->size, MADV_DONTFORK);
      madvise(view, pages->size, MADV_NOHUGEPAGE); /* would be split at the first write */
   }
   return view;
}

bool vp_pages_create(struct vp_pages *pages, size_t size)
{
   *pages = (struct vp_pages){.size = (size + VP_PAGE_SIZE - 1) & ~(VP_PAGE_SIZE - 1)};
   const int64_t place = pages->size ? extend_file(pages->size) : -1;
   if (place < 0)
      return false;
   pages->place = (uint64_t)place;
   pages->view = map_view(pages, NULL);
   pages->alias = map(pages, NULL);
   if (pages->view && pages->alias)
      return true;
   vp_pages_destroy(pages);
   return false;
}

void vp_pages_import(struct vp_pages *pages, void *memory, size_t size)
{
   *pages = (struct vp_pages){.view = memory, .alias = memory, .size = size, .imported = true};
}

void vp_pages_destroy(struct vp_pages *pages)
{
   if (!pages->imported) {
      if (pages->view)
         munmap(pages->view, pages->size);
      if (pages->alias)
         munmap(pages->alias, pages->size);
      give_back(pages);
   }
   *pages = (struct vp_pages){0};
}

bool vp_pages_move_view(struct vp_pages *pages, void *address, bool reserve)
{
   uint8_t *view = map_view(pages, address);
   if (!view)
      return false;
   if (!reserve || mmap(pages->view, pages->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                        -1, 0) == MAP_FAILED)
      munmap(pages->view, pages->size);
   pages->view = view;
   return true;
}

void vp_pages_give_copy(const struct vp_pages *pages)
{
   void *copy = mmap(pages->view, pages->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file,
                     (off_t)pages->place);
   (void)copy; /* without it the child has nothing there */
}

void vp_pages_find_data(const struct vp_pages *pages, size_t position, size_t *start, size_t *end)
{
   *start = position;
   *end = pages->size;
   if (pages->imported)
      return;
   const off_t place = (off_t)pages->place, limit = place + (off_t)pages->size;
   const off_t data = lseek(file, place + (off_t)position, SEEK_DATA);
   if (data < 0 || data >= limit) {
      *start = pages->size;
      return;
   }
   const off_t hole = lseek(file, data, SEEK_HOLE);
   *start = (size_t)(data - place);
   if (hole >= 0 && hole < limit)
      *end = (size_t)(hole - place);
}

/* The kernel writes as it does for read(2), which fails where a store would be a fault. */
size_t vp_pages_scatter(const struct vp_pages *pages, size_t position, const struct iovec *to, size_t count)
{
   const ssize_t written = preadv(file, to, (int)count, (off_t)(pages->place + position));
   return written > 0 ? (size_t)written : 0;
}

void *vp_private_pages_create(size_t size)
{
   void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   return pages == MAP_FAILED ? NULL : pages;
}

void vp_private_pages_destroy(void *pages, size_t size)
{
   if (pages)
      munmap(pages, size);
}
