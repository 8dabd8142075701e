/* SPDX-License-Identifier: MIT */
/* Reads whose bytes come late: those that are seen, and what becomes of mapped memory that a slow device writes to
 * while it is watched. The device does not ask.
 *
 * test: no-tsan */

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/mapping/in_flight.h"
#include "client/mapping/mapping.h"
#include "client/mapping/pages.h"
#include "client/mapping/tracker.h"
#include "common/memory/delta.h"
#include "common/util/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/slow_file.h"

#define SIZE ((size_t)1 << 20)
#define PLACE ((size_t)16 << 10)
#define LENGTH ((size_t)32 << 10) /* of a read */

/* --- kinds of reads --- */

struct reader {
   int fd;
   uint8_t *to;
   pthread_t thread;
   aio_context_t aio;
   int ring;
   void *queue, *entries;
   size_t queue_size, entries_size;
};

struct kind {
   const char *name;
   bool (*begin)(struct reader *reader);
   void (*end)(struct reader *reader); /* waits for it */
};

static void *read_all(void *data)
{
   const struct reader *reader = data;
   CHECK(read(reader->fd, reader->to, LENGTH) == (ssize_t)LENGTH);
   return NULL;
}

static void *read_vector(void *data)
{
   const struct reader *reader = data;
   const struct iovec parts[] = {{.iov_base = reader->to, .iov_len = LENGTH / 2},
                                 {.iov_base = reader->to + LENGTH / 2, .iov_len = LENGTH / 2}};
   CHECK(readv(reader->fd, parts, 2) == (ssize_t)LENGTH);
   return NULL;
}

static bool begin_thread(struct reader *reader)
{
   return !pthread_create(&reader->thread, NULL, read_all, reader);
}

static bool begin_vector(struct reader *reader)
{
   return !pthread_create(&reader->thread, NULL, read_vector, reader);
}

static void end_thread(struct reader *reader)
{
   pthread_join(reader->thread, NULL);
}

static bool begin_aio(struct reader *reader)
{
   struct iocb read = {.aio_lio_opcode = IOCB_CMD_PREAD,
                       .aio_fildes = (uint32_t)reader->fd,
                       .aio_buf = (uintptr_t)reader->to,
                       .aio_nbytes = LENGTH},
               *list = &read;
   if (syscall(SYS_io_setup, 4, &reader->aio) != 0)
      return false;
   if (syscall(SYS_io_submit, reader->aio, 1, &list) == 1)
      return true;
   syscall(SYS_io_destroy, reader->aio);
   return false;
}

static void end_aio(struct reader *reader)
{
   struct io_event event;
   CHECK(syscall(SYS_io_getevents, reader->aio, 1, 1, &event, NULL) == 1 && event.res == (int64_t)LENGTH);
   syscall(SYS_io_destroy, reader->aio);
}

static void close_ring(struct reader *reader)
{
   if (reader->queue != MAP_FAILED)
      munmap(reader->queue, reader->queue_size);
   if (reader->entries != MAP_FAILED)
      munmap(reader->entries, reader->entries_size);
   close(reader->ring);
}

static bool begin_ring(struct reader *reader)
{
   struct io_uring_params params = {0};
   reader->ring = (int)syscall(SYS_io_uring_setup, 4, &params);
   if (reader->ring < 0)
      return false;
   reader->queue_size = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
   reader->entries_size = params.sq_entries * sizeof(struct io_uring_sqe);
   reader->queue = mmap(NULL, reader->queue_size, PROT_READ | PROT_WRITE, MAP_SHARED, reader->ring, IORING_OFF_SQ_RING);
   reader->entries =
      mmap(NULL, reader->entries_size, PROT_READ | PROT_WRITE, MAP_SHARED, reader->ring, IORING_OFF_SQES);
   if (reader->queue != MAP_FAILED && reader->entries != MAP_FAILED) {
      uint8_t *queue = reader->queue;
      *(struct io_uring_sqe *)reader->entries = (struct io_uring_sqe){
         .opcode = IORING_OP_READ, .fd = reader->fd, .addr = (uintptr_t)reader->to, .len = LENGTH};
      *(uint32_t *)(queue + params.sq_off.array) = 0;
      __atomic_store_n((uint32_t *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
      if (syscall(SYS_io_uring_enter, reader->ring, 1, 0, 0, NULL, 0) == 1)
         return true;
   }
   close_ring(reader);
   return false;
}

static void end_ring(struct reader *reader)
{
   CHECK(syscall(SYS_io_uring_enter, reader->ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) >= 0);
   close_ring(reader);
}

static const struct kind kinds[] = {{"a read", begin_thread, end_thread},
                                    {"a read to several places", begin_vector, end_thread},
                                    {"io_uring", begin_ring, end_ring},
                                    {"aio", begin_aio, end_aio}};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define WITH_PIPES 3   /* the first ones, that do not wait for a pipe before they return */
#define THREADS_ONLY 2 /* the first ones; they say where to */

/* --- what is seen --- */

/* Looks until it is known. */
static bool is_over(const uint8_t *memory, size_t length, bool expected)
{
   const int64_t since = vp_clock_ns();
   for (unsigned i = 0; i < 2000; i++) {
      if (vp_in_flight_is_over(memory, length, since) == expected)
         return true;
      usleep(1000);
   }
   return false;
}

static void test_seen(const struct kind *kind, uint8_t *memory)
{
   static const uint8_t data[LENGTH];
   int ends[2];
   CHECK(pipe(ends) == 0);
   struct reader reader = {.fd = ends[0], .to = memory + PLACE};
   CHECK(is_over(memory, SIZE, true));
   if (!kind->begin(&reader)) {
      printf("%s is not possible here\n", kind->name);
   } else {
      usleep(50000); /* a thread that has not begun is not seen */
      CHECK(is_over(memory + PLACE + LENGTH - 1, 1, false));
      if (kind < kinds + THREADS_ONLY)
         CHECK(is_over(memory, PLACE, true) && is_over(memory + PLACE + LENGTH, 1, true));
      CHECK(write(ends[1], data, LENGTH) == (ssize_t)LENGTH);
      kind->end(&reader);
      CHECK(is_over(memory, SIZE, true));
   }
   close(ends[0]);
   close(ends[1]);
}

static void test_seen_aio(const uint8_t *memory)
{
   aio_context_t context = 0;
   if (syscall(SYS_io_setup, 4, &context) != 0) {
      printf("aio is not possible here\n");
      return;
   }
   CHECK(is_over(memory, SIZE, false));
   syscall(SYS_io_destroy, context);
   CHECK(is_over(memory, SIZE, true));
}

/* --- a slow device --- */

static void flush(struct vp_mapping *mapping, uint8_t *mirror, uint8_t *twin)
{
   struct vp_encoder enc;
   CHECK(vp_encoder_init(&enc));
   bool more = vp_mapping_look(mapping);
   while (more) {
      size_t changed;
      vp_encoder_reset(&enc);
      more = vp_mapping_collect(mapping, &enc, (size_t)64 << 10, &changed);
      CHECK(vp_delta_apply(enc.start, vp_encoder_size(&enc), mirror, twin, SIZE));
   }
   vp_encoder_finish(&enc);
}

/* Long enough for pages to be forgotten. */
static void flush_for_a_while(struct vp_mapping *mapping, uint8_t *mirror, uint8_t *twin)
{
   for (unsigned i = 0; i < 60; i++) {
      flush(mapping, mirror, twin);
      usleep(1000);
   }
}

static void test_slow(const struct kind *kind, struct slow_file *file, struct vp_mapping *mapping, uint8_t *mirror,
                      uint8_t *twin)
{
   uint8_t *memory = vp_mapping_pointer(mapping);
   struct reader reader = {.fd = file->fd, .to = memory + PLACE};
   const unsigned asked = file->shared->asked;
   memset(memory, 1, SIZE);
   flush_for_a_while(mapping, mirror, twin);
   CHECK(lseek(file->fd, 0, SEEK_SET) == 0);
   slow_file_answer(file, false);
   if (!kind->begin(&reader)) {
      printf("%s is not possible here\n", kind->name);
      return;
   }
   slow_file_wait_until_asked(file, asked + 1);
   flush_for_a_while(mapping, mirror, twin);
   slow_file_answer(file, true);
   kind->end(&reader);
   CHECK(memory[PLACE] == SLOW_FILE_BYTE && memory[PLACE + LENGTH - 1] == SLOW_FILE_BYTE);
   flush(mapping, mirror, twin);
   if (!CHECK(memcmp(memory, mirror, SIZE) == 0))
      fprintf(stderr, "lost: what came late by %s\n", kind->name);
}

int main(void)
{
   struct slow_file file;
   const bool slow = slow_file_prepare() && slow_file_open(&file);
   struct vp_mapping *mapping = vp_mapping_create(1, SIZE);
   uint8_t *mirror = vp_private_pages_create(SIZE), *twin = vp_private_pages_create(SIZE);
   if (!CHECK(mapping && mirror && twin))
      return check_finish();
   for (size_t i = 0; i < WITH_PIPES; i++)
      test_seen(&kinds[i], vp_mapping_pointer(mapping));
   test_seen_aio(vp_mapping_pointer(mapping));
   vp_mapping_set_writable(mapping, true);
   for (size_t i = 0; slow && i < KINDS; i++)
      test_slow(&kinds[i], &file, mapping, mirror, twin);
   if (slow)
      slow_file_close(&file);
   else
      printf("there can be no slow file here\n");
   printf("tracked by %s\n", vp_tracker_get()->name);
   vp_mapping_unref(mapping);
   vp_private_pages_destroy(mirror, SIZE);
   vp_private_pages_destroy(twin, SIZE);
   return check_finish();
}
