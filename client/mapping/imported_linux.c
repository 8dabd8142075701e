/* SPDX-License-Identifier: MIT */

/* System calls in place of loads and stores, since they fail where those would be a fault: process_vm_readv(), preadv()
 * from a buffer's file, and /proc/self/mem for pages that are protected. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/mapping/imported.h"
#include "client/mapping/pages.h"
#include "common/util/descriptor.h"

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
   const int fd = vp_descriptor_open("/proc/self/mem", O_WRONLY);
   if (fd < 0)
      return false;
   const ssize_t count = pwrite(fd, bytes, size, (off_t)(uintptr_t)memory);
   close(fd);
   return count == (ssize_t)size;
}

static void take(const struct vp_imported_writer *writer, const uint8_t *where, const uint8_t *bytes, size_t size)
{
   memcpy(writer->twin + (where - writer->memory), bytes, size);
}

/* The first piece's first page refuses. Returns what of the piece is done with, successfully or not. */
static size_t insist(const struct vp_imported_writer *writer, const struct iovec *piece, const uint8_t *bytes)
{
   uint8_t *where = piece->iov_base;
   const size_t left = VP_PAGE_SIZE - (uintptr_t)where % VP_PAGE_SIZE,
                size = piece->iov_len < left ? piece->iov_len : left;
   if (force(where, bytes, size))
      take(writer, where, bytes, size);
   return size;
}

/* Removes bytes from the front of a piece; true when nothing is left. */
static bool advance_vector(struct iovec *piece, size_t size)
{
   piece->iov_base = (uint8_t *)piece->iov_base + size;
   piece->iov_len -= size;
   return piece->iov_len == 0;
}

void vp_imported_flush(struct vp_imported_writer *writer)
{
   const uint8_t *bytes = writer->buffer->alias;
   size_t position = 0, i = 0;
   while (i < writer->count) {
      size_t written = vp_pages_scatter(writer->buffer, position, &writer->pieces[i], writer->count - i);
      if (!written) {
         const size_t size = insist(writer, &writer->pieces[i], bytes + position);
         position += size;
         i += advance_vector(&writer->pieces[i], size);
      }
      while (written) {
         struct iovec *piece = &writer->pieces[i];
         const size_t size = piece->iov_len < written ? piece->iov_len : written;
         take(writer, piece->iov_base, bytes + position, size);
         position += size;
         written -= size;
         i += advance_vector(piece, size);
      }
   }
   writer->used = writer->count = 0;
}

static void add(struct vp_imported_writer *writer, uint8_t *where, const uint8_t *bytes, size_t size)
{
   struct iovec *last = &writer->pieces[writer->count];
   memcpy(writer->buffer->alias + writer->used, bytes, size);
   writer->used += size;
   if (writer->count && (uint8_t *)last[-1].iov_base + last[-1].iov_len == where) {
      last[-1].iov_len += size;
      return;
   }
   *last = (struct iovec){.iov_base = where, .iov_len = size};
   writer->count++;
}

void vp_imported_put(struct vp_imported_writer *writer, size_t offset, const uint8_t *bytes, size_t length)
{
   while (length) {
      const size_t room = VP_IMPORTED_BUFFER - writer->used, size = length < room ? length : room;
      if (!room || writer->count == sizeof(writer->pieces) / sizeof(writer->pieces[0])) {
         vp_imported_flush(writer);
         continue;
      }
      add(writer, writer->memory + offset, bytes, size);
      offset += size;
      bytes += size;
      length -= size;
   }
}
