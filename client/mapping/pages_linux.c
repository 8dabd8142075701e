/* SPDX-License-Identifier: MIT */

/* Maps a place in a memory file twice, as the view for the application and the alias for the driver; SEEK_DATA tells
 * which pages were ever touched. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/mapping/pages.h"
#include "common/util/descriptor.h"

/* One file without a name backs all mapped memory of the process: descriptors are scarce, and memories can be many.
 * Each gets a place of its own in it, which is never used again. The file is as large as it will ever be from the
 * beginning. Where there is none, each memory is shared with nobody else and has no holes. */
static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;
static struct stat file_status;
static uint64_t file_size, file_used;

/* Places begin and end at this, so that no two memories share a huge page. */
#define PLACE_ALIGNMENT ((uint64_t)2 << 20)

/* An application may have closed descriptors that it does not know, and ours may be another file by now. */
static bool file_is_there(void)
{
   struct stat status;
   return file >= 0 && fstat(file, &status) == 0 && status.st_ino == file_status.st_ino &&
          status.st_dev == file_status.st_dev;
}

void vp_pages_begin_anew(void)
{
   if (file_is_there())
      close(file);
   file = -1;
   file_size = file_used = 0;
   pthread_mutex_init(&file_lock, NULL);
}

/* With the lock. */
static void open_file(void)
{
   const uint64_t size = vp_descriptor_max_file_size() & ~(PLACE_ALIGNMENT - 1);
   if (file_size || !size)
      return;
   file = vp_descriptor_memory_file("venus mapped memory", size);
   if (file < 0)
      return;
   file_size = size;
   if (fstat(file, &file_status) != 0)
      file_status = (struct stat){0};
}

void vp_pages_prepare(void)
{
   pthread_mutex_lock(&file_lock);
   open_file();
   pthread_mutex_unlock(&file_lock);
}

/* The next part of the file, or VP_NO_FILE. */
static uint64_t take_place(size_t size)
{
   const uint64_t length = (size + PLACE_ALIGNMENT - 1) & ~(PLACE_ALIGNMENT - 1);
   uint64_t place = VP_NO_FILE;
   pthread_mutex_lock(&file_lock);
   open_file();
   if (length <= file_size - file_used && file_is_there()) {
      place = file_used;
      file_used += length;
   }
   pthread_mutex_unlock(&file_lock);
   return place;
}

/* To the system. Without a file, pages go with their last mapping. */
static void give_back(const struct vp_pages *pages)
{
   const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
   if (pages->place == VP_NO_FILE ||
       (file_is_there() && fallocate(file, mode, (off_t)pages->place, (off_t)pages->size) == 0))
      return;
   if (pages->alias)
      madvise(pages->alias, pages->size, MADV_REMOVE);
}

static void *checked(void *memory)
{
   return memory == MAP_FAILED ? NULL : memory;
}

static void *map_file(const struct vp_pages *pages, void *address, int sharing)
{
   return checked(mmap(address, pages->size, PROT_READ | PROT_WRITE,
                       sharing | MAP_NORESERVE | (address ? MAP_FIXED : 0), file, (off_t)pages->place));
}

static void *map_zeros(size_t size, void *address, int sharing)
{
   return checked(mmap(address, size, PROT_READ | PROT_WRITE,
                       sharing | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED : 0), -1, 0));
}

static uint8_t *map_alias(const struct vp_pages *pages)
{
   if (pages->place == VP_NO_FILE) /* a child copies from it */
      return map_zeros(pages->size, NULL, MAP_SHARED);
   uint8_t *alias = map_file(pages, NULL, MAP_SHARED);
   if (alias)
      madvise(alias, pages->size, MADV_DONTFORK);
   return alias;
}

/* The same pages once more, whatever they are of. */
static void *map_again(const struct vp_pages *pages, void *address)
{
   if (pages->place != VP_NO_FILE)
      return map_file(pages, address, MAP_SHARED);
   return checked(mremap(pages->alias, 0, pages->size, MREMAP_MAYMOVE | (address ? MREMAP_FIXED : 0), address));
}

/* Address space for these pages, aligned to what a page table is about; NULL when there is none. */
static uint8_t *reserve_aligned(size_t size)
{
   const size_t room = size + VP_TABLE_SIZE;
   uint8_t *start = checked(mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
   if (!start)
      return NULL;
   const size_t before = (VP_TABLE_SIZE - (uintptr_t)start % VP_TABLE_SIZE) % VP_TABLE_SIZE;
   if (before)
      munmap(start, before);
   munmap(start + before + size, room - before - size);
   return start + before;
}

/* A child of fork() shall not change our memory; see client/mapping/fork.c. */
static uint8_t *map_view(const struct vp_pages *pages, void *address)
{
   uint8_t *reserved = address || pages->size < VP_TABLE_SIZE ? NULL : reserve_aligned(pages->size);
   uint8_t *view = map_again(pages, reserved ? reserved : address);
   if (!view && reserved)
      munmap(reserved, pages->size);
   if (view) {
      madvise(view, pages->size, MADV_DONTFORK);
      madvise(view, pages->size, MADV_NOHUGEPAGE); /* would be split at the first write */
   }
   return view;
}

static bool map_both(struct vp_pages *pages, uint64_t place)
{
   pages->place = place;
   pages->alias = map_alias(pages);
   if (pages->alias)
      pages->view = map_view(pages, NULL);
   if (pages->view)
      return true;
   if (pages->alias)
      munmap(pages->alias, pages->size);
   pages->alias = NULL;
   return false;
}

bool vp_pages_create(struct vp_pages *pages, size_t size)
{
   *pages = (struct vp_pages){.size = (size + VP_PAGE_SIZE - 1) & ~(VP_PAGE_SIZE - 1)};
   if (!pages->size)
      return false;
   const uint64_t place = take_place(pages->size);
   return map_both(pages, place) || (place != VP_NO_FILE && map_both(pages, VP_NO_FILE));
}

void vp_pages_import(struct vp_pages *pages, void *memory, size_t size)
{
   *pages = (struct vp_pages){.view = memory, .alias = memory, .size = size, .imported = true, .place = VP_NO_FILE};
}

void vp_pages_destroy(struct vp_pages *pages)
{
   if (!pages->imported && pages->view) {
      munmap(pages->view, pages->size);
      give_back(pages);
      munmap(pages->alias, pages->size);
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

/* Without a copy the child has nothing there. */
void vp_pages_give_copy(const struct vp_pages *pages)
{
   if (pages->place != VP_NO_FILE) {
      map_file(pages, pages->view, MAP_PRIVATE);
      return;
   }
   if (map_zeros(pages->size, pages->view, MAP_PRIVATE))
      memcpy(pages->view, pages->alias, pages->size);
   munmap(pages->alias, pages->size);
}

void vp_pages_find_data(const struct vp_pages *pages, size_t position, size_t *start, size_t *end)
{
   *start = position;
   *end = pages->size;
   if (pages->place == VP_NO_FILE || !file_is_there())
      return;
   const off_t place = (off_t)pages->place, limit = place + (off_t)pages->size;
   const off_t data = lseek(file, place + (off_t)position, SEEK_DATA);
   if (data < 0 && errno != ENXIO) /* nothing is known */
      return;
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
   const struct iovec from = {.iov_base = pages->alias + position, .iov_len = pages->size - position};
   ssize_t written = -1;
   if (pages->place != VP_NO_FILE && file_is_there())
      written = preadv(file, to, (int)count, (off_t)(pages->place + position));
   if (written < 0)
      written = process_vm_readv(getpid(), to, count, &from, 1, 0);
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
