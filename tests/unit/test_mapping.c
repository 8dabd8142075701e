/* SPDX-License-Identifier: MIT */
/* What is sent of mapped memory: all that changed and little else, with each mechanism that finds changes. Applications
 * write while it is compared, so:
 * test: no-tsan */

#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/mapping/mapping.h"
#include "client/mapping/pages.h"
#include "client/mapping/tracker.h"
#include "common/memory/delta.h"
#include "common/util/clock.h"
#include "common/util/pool.h"
#include "tests/unit/check.h"

#define MIB ((size_t)1 << 20)
#define LIMIT ((size_t)64 << 10) /* of one collection */

#define PARTS 5u /* at once */
#define HELPERS 3

/* The server's copy, which collections are applied to. */
struct mirror {
   struct vp_mapping *mapping;
   size_t size;
   uint8_t *memory, *twin;
   struct vp_encoder enc, part_encs[PARTS];
   bool in_parts;  /* that are collected by several threads */
   size_t changed; /* bytes in the last flush */
};

static bool mirror_init(struct mirror *mirror, struct vp_mapping *mapping, size_t size)
{
   *mirror = (struct mirror){.mapping = mapping, .size = size};
   mirror->memory = vp_private_pages_create(size);
   mirror->twin = vp_private_pages_create(size);
   for (unsigned i = 0; i < PARTS; i++)
      CHECK(vp_encoder_init(&mirror->part_encs[i]));
   return CHECK(mapping && mirror->memory && mirror->twin && vp_encoder_init(&mirror->enc));
}

static void mirror_finish(struct mirror *mirror)
{
   vp_private_pages_destroy(mirror->memory, mirror->size);
   vp_private_pages_destroy(mirror->twin, mirror->size);
   for (unsigned i = 0; i < PARTS; i++)
      vp_encoder_finish(&mirror->part_encs[i]);
   vp_encoder_finish(&mirror->enc);
   vp_mapping_unref(mirror->mapping);
}

/* A thread that flushes all the time. */
struct flusher {
   struct mirror *mirror;
   pthread_mutex_t lock;
   atomic_bool stop;
};

static void apply(struct mirror *mirror, const struct vp_encoder *enc, size_t changed)
{
   mirror->changed += changed;
   CHECK(vp_delta_apply(enc->start, vp_encoder_size(enc), mirror->memory, mirror->twin, mirror->size));
}

static bool collect(struct mirror *mirror)
{
   size_t changed;
   vp_encoder_reset(&mirror->enc);
   const bool more = vp_mapping_collect(mirror->mapping, &mirror->enc, LIMIT, &changed);
   apply(mirror, &mirror->enc, changed);
   return more;
}

/* They may be applied in any order. */
static bool collect_parts(struct mirror *mirror)
{
   struct vp_mapping_part parts[PARTS];
   unsigned count = PARTS;
   for (unsigned i = 0; i < PARTS; i++) {
      vp_encoder_reset(&mirror->part_encs[i]);
      parts[i].enc = &mirror->part_encs[i];
   }
   const bool more = vp_mapping_collect_parts(mirror->mapping, parts, &count);
   for (unsigned i = count; i > 0; i--) {
      CHECK(vp_encoder_size(parts[i - 1].enc) <= 3 * VP_MAPPING_PART_SIZE);
      apply(mirror, parts[i - 1].enc, parts[i - 1].changed);
   }
   return more;
}

/* What the sender does. */
static void flush(struct mirror *mirror)
{
   bool more = vp_mapping_look(mirror->mapping);
   mirror->changed = 0;
   while (more)
      more = mirror->in_parts ? collect_parts(mirror) : collect(mirror);
}

/* Lets pages become quiet, so that they are watched and no longer compared. */
static void settle(struct mirror *mirror)
{
   for (unsigned i = 0; i < 13; i++) {
      flush(mirror);
      CHECK(mirror->changed == 0);
      usleep(2000);
   }
}

static bool is_equal(const struct mirror *mirror)
{
   return memcmp(mirror->memory, vp_mapping_pointer(mirror->mapping), mirror->size) == 0;
}

static void test_single_bytes(void)
{
   const size_t size = 5 * MIB + 123, places[] = {0, 4095, 4096, 2 * MIB - 1, 2 * MIB, 5 * MIB + 122};
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, size), size))
      return;
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   flush(&m);
   CHECK(m.changed == 0); /* it is not even mapped */
   vp_mapping_set_writable(m.mapping, true);
   for (unsigned round = 1; round < 40; round++) {
      for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
         if (round % (i + 1) == 0) /* each page at another pace */
            memory[places[i]] = (uint8_t)round;
      }
      flush(&m);
      CHECK(is_equal(&m));
      if (round == 20)
         settle(&m);
      else
         CHECK(m.changed >= 1 && m.changed <= sizeof(places) / sizeof(places[0]));
   }
   for (unsigned round = 100; round < 103; round++) {
      settle(&m);
      memory[4096] = (uint8_t)round;
      flush(&m);
      CHECK(m.changed == 1 && is_equal(&m));
   }
   vp_mapping_set_writable(m.mapping, false);
   memory[4097] = 1;
   flush(&m); /* written before the unmapping, for all that we know */
   CHECK(m.changed == 1);
   CHECK(!vp_mapping_look(m.mapping) && !vp_mapping_maybe_changed(m.mapping));
   mirror_finish(&m);
}

/* Who submits need not have the sender look at memory that has not been written to for a while. */
static void test_untouched(void)
{
   static const uint8_t from_server[] = {0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 0, 0, 0};
   const bool watched = vp_tracker_get()->arm != NULL;
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, MIB), MIB))
      return;
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   for (unsigned round = 1; round < 4; round++) {
      memory[5000] = (uint8_t)round;
      CHECK(vp_mapping_maybe_changed(m.mapping));
      flush(&m);
      CHECK(m.changed == 1 && vp_mapping_maybe_changed(m.mapping)); /* the page is compared for a while */
      settle(&m);
      CHECK(vp_mapping_maybe_changed(m.mapping) != watched);
      CHECK(vp_mapping_apply(m.mapping, from_server, sizeof(from_server)));
      CHECK(vp_mapping_maybe_changed(m.mapping) != watched && memory[2] == 9);
   }
   vp_mapping_set_writable(m.mapping, false);
   CHECK(vp_mapping_maybe_changed(m.mapping) != watched);
   vp_mapping_set_writable(m.mapping, true);
   memory[MIB - 1] = 1;
   CHECK(vp_mapping_maybe_changed(m.mapping));
   mirror_finish(&m);
}

/* A page that the application writes and the GPU has written: neither is sent back nor lost. */
static void test_both_sides(void)
{
   static const uint8_t from_server[] = {10, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 0, 0, 0};
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, MIB), MIB))
      return;
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   memory[9] = 1;
   memory[13] = 1;
   CHECK(vp_mapping_apply(m.mapping, from_server, sizeof(from_server)));
   CHECK(memory[9] == 1 && memory[10] == 7 && memory[12] == 9 && memory[13] == 1);
   flush(&m);
   CHECK(m.changed == 2 && m.memory[9] == 1 && m.memory[10] == 0 && m.memory[13] == 1);
   memory[11] = 0;
   CHECK(vp_mapping_apply(m.mapping, from_server, sizeof(from_server)) && memory[11] == 8);
   memory[11] = 0; /* back to what it was long ago */
   flush(&m);
   CHECK(m.changed == 1);
   CHECK(!vp_mapping_apply(m.mapping, from_server, sizeof(from_server) - 8));
   mirror_finish(&m);
}

static void test_sparse(void)
{
   const size_t size = 3072 * MIB;
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, size), size))
      return;
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   for (unsigned round = 1; round < 6; round++) {
      settle(&m);
      for (size_t i = 0; i < size; i += 300 * MIB + (size_t)4096 * round + 5)
         memory[i] = (uint8_t)round;
      flush(&m);
      CHECK(m.changed >= 10 && m.changed <= 11);
      for (size_t i = 0; i < size; i += 300 * MIB + (size_t)4096 * round + 5)
         CHECK(m.memory[i] == round);
   }
   mirror_finish(&m);
}

/* Writes by system calls; only protection by mprotect keeps them out. */
static void test_system_calls(void)
{
   const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
   struct mirror m;
   if (vp_tracker_get() == &vp_tracker_signal || !mirror_init(&m, vp_mapping_create(1, MIB), MIB)) {
      close(zero);
      return;
   }
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   memset(memory, 0xff, MIB);
   flush(&m);
   settle(&m);
   CHECK(read(zero, memory + 5000, 3000) == 3000);
   flush(&m);
   CHECK(m.changed == 3000 && is_equal(&m));
   close(zero);
   mirror_finish(&m);
}

/* How many pages are in the page tables; SIZE_MAX when that cannot be known. */
static size_t count_present(const uint8_t *memory, size_t size)
{
   const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
   uint64_t entry;
   size_t count = 0;
   for (size_t i = 0; i < size / VP_PAGE_SIZE; i++) {
      if (pread(fd, &entry, sizeof(entry), (off_t)(((uintptr_t)memory / VP_PAGE_SIZE + i) * sizeof(entry))) !=
          sizeof(entry)) {
         count = SIZE_MAX;
         break;
      }
      count += entry >> 63;
   }
   close(fd);
   return count;
}

static bool has_swap(void)
{
   struct sysinfo info;
   return sysinfo(&info) < 0 || info.totalswap > 0;
}

/* Looks until all of it that is not in use is at rest. */
static void let_rest(struct mirror *mirror, unsigned looks)
{
   for (unsigned i = 0; i < looks; i++) {
      flush(mirror);
      CHECK(mirror->changed == 0);
   }
   for (size_t i = 0; i < 2 * (mirror->size / (2 * MIB)); i++) {
      usleep(6000);
      flush(mirror);
      CHECK(mirror->changed == 0);
   }
}

/* Memory that nobody writes to for long is forgotten, and whoever uses it is seen again. */
static void test_rest(void)
{
   static const uint8_t from_server[] = {10, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 0, 0, 0};
   const size_t size = 6 * MIB;
   const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, size), size)) {
      close(zero);
      return;
   }
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   memset(memory, 0xff, size);
   flush(&m);
   settle(&m);
   for (unsigned round = 0; round < 2; round++) {
      const bool is_left = vp_tracker_get()->rest && !has_swap();
      let_rest(&m, vp_tracker_get()->rest ? 1100 : 10);
      for (unsigned i = 0; i < 10 && is_left && count_present(memory, size); i++) /* a busy machine takes longer */
         let_rest(&m, 1100);
      CHECK(!is_left || count_present(memory, size) == 0);
      CHECK(vp_mapping_apply(m.mapping, from_server, sizeof(from_server)));
      flush(&m);
      CHECK(m.changed == 0);
      memory[11] = (uint8_t)(20 + round); /* beside what the server wrote */
      memory[size - 1] = (uint8_t)round;
      flush(&m);
      CHECK(m.changed == 2 && m.memory[11] == 20 + round && m.memory[10] == 0xff && m.memory[size - 1] == round);
      if (vp_tracker_get() != &vp_tracker_signal) {
         memset(memory + 2 * MIB + 5000, 1 + (int)round, 10);
         CHECK(read(zero, memory + 2 * MIB + 5000, 10) == 10);
         flush(&m);
         CHECK(m.changed == (round ? 0 : 10) && m.memory[2 * MIB + 5009] == 0);
      }
      settle(&m);
   }
   close(zero);
   mirror_finish(&m);
}

static void *flush_until_stopped(void *data)
{
   struct flusher *flusher = data;
   while (!flusher->stop) {
      pthread_mutex_lock(&flusher->lock);
      flush(flusher->mirror);
      pthread_mutex_unlock(&flusher->lock);
      usleep(50);
   }
   return NULL;
}

/* A write that the kernel has noted is waited for at least that long. */
#define NOTED_NS INT64_C(10000000)

/* Others flush while the kernel writes: it notes its write before it is there. (A thread that is kept from running for
 * longer in between is the one that nobody waits for.) */
static void test_writes_of_others(void)
{
   struct mirror m;
   struct flusher flusher = {.mirror = &m, .lock = PTHREAD_MUTEX_INITIALIZER};
   uint8_t data[2000];
   pthread_t thread;
   if (vp_tracker_get() == &vp_tracker_signal || !mirror_init(&m, vp_mapping_create(1, MIB), MIB))
      return;
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   CHECK(!pthread_create(&thread, NULL, flush_until_stopped, &flusher));
   for (unsigned i = 0; i < 20000; i++) {
      const size_t place = (size_t)i * 7919 % (MIB - sizeof(data));
      const struct iovec from = {.iov_base = data, .iov_len = sizeof(data)},
                         to = {.iov_base = memory + place, .iov_len = sizeof(data)};
      memset(data, (int)i, sizeof(data));
      const int64_t start_ns = vp_clock_ns();
      bool ok = process_vm_writev(getpid(), &from, 1, &to, 1, 0) == (ssize_t)sizeof(data);
      const bool in_time = vp_clock_ns() - start_ns <= NOTED_NS;
      pthread_mutex_lock(&flusher.lock);
      flush(&m);
      ok = ok && (!in_time || memcmp(m.memory + place, data, sizeof(data)) == 0);
      ok = CHECK(ok); /* as the others do, with the lock */
      pthread_mutex_unlock(&flusher.lock);
      if (!ok)
         break;
   }
   flusher.stop = true;
   pthread_join(thread, NULL);
   mirror_finish(&m);
}

/* Half of it is never touched before it is watched. */
static void test_import(void)
{
   uint8_t *memory = vp_private_pages_create(2 * MIB);
   struct mirror m;
   memset(memory, 3, MIB);
   if (!mirror_init(&m, vp_mapping_import(1, memory, 2 * MIB), 2 * MIB))
      return;
   vp_mapping_set_writable(m.mapping, true);
   flush(&m);
   CHECK(m.changed == MIB && is_equal(&m));
   for (size_t place = 77777; place < 2 * MIB; place += MIB) {
      settle(&m);
      memory[place] = 1;
      flush(&m);
      CHECK(m.changed == 1 && is_equal(&m));
   }
   vp_mapping_close(m.mapping);
   vp_private_pages_destroy(memory, 2 * MIB); /* the sender may still hold the mapping, but does not look */
   CHECK(!vp_mapping_look(m.mapping));
   mirror_finish(&m);
}

/* Nothing can be read or written there any more, by whatever way; and nobody else gets the place. */
static void take_away(uint8_t *memory, size_t size)
{
   const int empty = memfd_create("empty", MFD_CLOEXEC);
   if (mmap(memory, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, empty, 0) != memory)
      abort();
   close(empty);
}

/* What the server would send after its GPU has written this byte. */
static bool apply_byte(struct vp_mapping *mapping, size_t offset, uint8_t value)
{
   struct vp_encoder enc;
   uint8_t byte = value, twin = (uint8_t)~value;
   bool ok = CHECK(vp_encoder_init(&enc));
   vp_delta_collect_part(&enc, &byte, &twin, offset, 1, NULL);
   ok = ok && vp_mapping_apply(mapping, enc.start, vp_encoder_size(&enc));
   vp_encoder_finish(&enc);
   return ok;
}

/* One piece of memory imported three times, the third time a part of it: whichever is looked at first or has its pages
 * watched anew, all see all writes. */
static void test_import_again(void)
{
   uint8_t *memory = vp_private_pages_create(3 * MIB);
   struct mirror m[3];
   if (!mirror_init(&m[0], vp_mapping_import(1, memory, 2 * MIB), 2 * MIB) ||
       !mirror_init(&m[1], vp_mapping_import(2, memory, 2 * MIB), 2 * MIB) ||
       !mirror_init(&m[2], vp_mapping_import(3, memory + MIB, 2 * MIB), 2 * MIB))
      return;
   for (unsigned i = 0; i < 3; i++)
      vp_mapping_set_writable(m[i].mapping, true);
   memset(memory, 1, 3 * MIB);
   for (unsigned round = 2; round < 5; round++) {
      struct mirror *first = &m[round % 3], *second = &m[(round + 1) % 3], *third = &m[(round + 2) % 3];
      memory[MIB + (size_t)round * VP_PAGE_SIZE] = (uint8_t)round;
      flush(first);
      if (round != 3) /* it is watched again before the others have looked */
         settle(first);
      flush(second);
      flush(third);
      CHECK(is_equal(first) && is_equal(second) && is_equal(third));
      for (unsigned i = 0; i < 3; i++)
         settle(&m[i]);
   }
   CHECK(apply_byte(m[0].mapping, MIB + 5, 77) && memory[MIB + 5] == 77);
   for (unsigned i = 0; i < 3; i++)
      flush(&m[i]);
   CHECK(m[0].changed == 0 && m[1].changed == 1 && m[2].changed == 1 && m[2].memory[5] == 77);
   settle(&m[2]);
   vp_mapping_close(m[1].mapping);
   memory[2 * MIB - 1] = 99;
   flush(&m[2]); /* the others' pages are still watched */
   CHECK(m[2].changed == 1 && m[2].memory[MIB - 1] == 99);
   for (unsigned i = 0; i < 3; i++) {
      vp_mapping_close(m[i].mapping);
      mirror_finish(&m[i]);
   }
   vp_private_pages_destroy(memory, 3 * MIB);
}

/* Shared memory is written to in ways that its pages here do not show. */
static void test_import_shared(void)
{
   const int file = memfd_create("shared", MFD_CLOEXEC);
   struct mirror m;
   uint8_t bytes[] = {1, 2, 3};
   CHECK(ftruncate(file, (off_t)MIB) == 0);
   uint8_t *memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
           *other = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
   if (!CHECK(memory != MAP_FAILED && other != MAP_FAILED) || !mirror_init(&m, vp_mapping_import(1, memory, MIB), MIB))
      return;
   vp_mapping_set_writable(m.mapping, true);
   memset(memory, 9, MIB);
   flush(&m);
   settle(&m);
   other[70000] = 1;
   flush(&m);
   CHECK(m.changed == 1 && is_equal(&m));
   settle(&m);
   CHECK(pwrite(file, bytes, sizeof(bytes), 80000) == (ssize_t)sizeof(bytes));
   flush(&m);
   CHECK(m.changed == sizeof(bytes) && is_equal(&m));
   CHECK(ftruncate(file, (off_t)MIB / 2) == 0); /* the rest can be mapped and not touched */
   memory[1] = 44;
   flush(&m);
   CHECK(m.changed == 1 && memcmp(m.memory, memory, MIB / 2) == 0);
   vp_mapping_close(m.mapping);
   mirror_finish(&m);
   munmap(memory, MIB);
   munmap(other, MIB);
   close(file);
}

/* Pages that cannot be accessed are left alone, and looked at when they can be; what the GPU writes is written where
 * the kernel allows it. */
static void test_import_protected(void)
{
   uint8_t *memory = vp_private_pages_create(MIB);
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_import(1, memory, MIB), MIB))
      return;
   vp_mapping_set_writable(m.mapping, true);
   for (unsigned round = 1; round < 4; round++) {
      memset(memory, (int)round, MIB);
      CHECK(mprotect(memory + 8192, 4096, PROT_NONE) == 0);
      flush(&m);
      CHECK(m.changed == MIB - 4096 && m.memory[8191] == round && m.memory[8192] == round - 1);
      if (round == 2)
         settle(&m);
      CHECK(mprotect(memory + 8192, 4096, PROT_READ) == 0);
      flush(&m);
      CHECK(m.changed == 4096 && is_equal(&m));
      CHECK(apply_byte(m.mapping, 8192 + 7, (uint8_t)(90 + round)) && memory[8192 + 7] == 90 + round);
      CHECK(mprotect(memory + 8192, 4096, PROT_READ | PROT_WRITE) == 0);
      memory[8192 + 7] = (uint8_t)round;
   }
   flush(&m);
   take_away(memory + 8192, 4096);
   memory[4096] = 88;
   memory[12288] = 88;
   flush(&m);
   CHECK(m.changed == 2 && m.memory[12288] == 88);
   CHECK(apply_byte(m.mapping, 8192 + 7, 1) && apply_byte(m.mapping, 12288, 2) && memory[12288] == 2);
   settle(&m);
   take_away(memory, MIB); /* before it is freed, which nobody should do */
   flush(&m);
   CHECK(m.changed == 0 && apply_byte(m.mapping, 5, 1));
   vp_mapping_close(m.mapping);
   mirror_finish(&m);
   vp_private_pages_destroy(memory, MIB);
}

/* What the GPU wrote, in many small pieces and in large ones, beside what the application wrote; one page is missing.
 */
static void test_import_results(void)
{
   uint8_t *memory = vp_private_pages_create(MIB), *theirs = vp_private_pages_create(MIB),
           *ours = vp_private_pages_create(MIB);
   size_t position = 0, wrong = 0;
   struct vp_encoder enc;
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_import(1, memory, MIB), MIB) || !CHECK(vp_encoder_init(&enc)))
      return;
   take_away(memory + 8192, 4096);
   for (size_t i = 0; i < MIB; i++) {
      const bool gpu = i < MIB / 2 ? i % 3 != 0 : i % 1000 != 0;
      theirs[i] = gpu ? (uint8_t)(i % 251 + 1) : 0;
      if (i / 4096 != 2)
         memory[i] = 255;
   }
   vp_delta_collect(&enc, theirs, ours, MIB, &position, SIZE_MAX);
   CHECK(vp_mapping_apply(m.mapping, enc.start, vp_encoder_size(&enc)));
   for (size_t i = 0; i < MIB; i++)
      wrong += i / 4096 != 2 && memory[i] != (theirs[i] ? theirs[i] : 255);
   CHECK(wrong == 0);
   vp_encoder_finish(&enc);
   vp_mapping_close(m.mapping);
   mirror_finish(&m);
   vp_private_pages_destroy(memory, MIB);
   vp_private_pages_destroy(theirs, MIB);
   vp_private_pages_destroy(ours, MIB);
}

struct protector {
   uint8_t *memory;
   atomic_bool stop;
};

static void *protect_until_stopped(void *data)
{
   struct protector *protector = data;
   static const int kinds[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
   for (unsigned i = 0; !protector->stop; i++) {
      uint8_t *part = protector->memory + i % 5 * (MIB / 8);
      mprotect(part, MIB / 4, kinds[i % 3]);
      if (i % 16 == 0) {
         take_away(part, MIB / 4);
         if (mmap(part, MIB / 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != part)
            abort();
      }
   }
   return NULL;
}

/* At whatever moment pages vanish, nothing happens but that. */
static void test_import_vanishing(void)
{
   struct protector protector = {.memory = vp_private_pages_create(MIB)};
   uint8_t *theirs = vp_private_pages_create(MIB), *ours = vp_private_pages_create(MIB);
   struct vp_encoder enc;
   struct mirror m;
   pthread_t thread;
   if (!mirror_init(&m, vp_mapping_import(1, protector.memory, MIB), MIB) || !CHECK(vp_encoder_init(&enc)))
      return;
   vp_mapping_set_writable(m.mapping, true);
   CHECK(!pthread_create(&thread, NULL, protect_until_stopped, &protector));
   for (int round = 1; round < 20; round++) {
      size_t position = 0;
      memset(theirs, round, MIB);
      vp_encoder_reset(&enc);
      vp_delta_collect(&enc, theirs, ours, MIB, &position, SIZE_MAX);
      CHECK(vp_mapping_apply(m.mapping, enc.start, vp_encoder_size(&enc)));
      flush(&m);
   }
   protector.stop = true;
   pthread_join(thread, NULL);
   CHECK(mprotect(protector.memory, MIB, PROT_READ | PROT_WRITE) == 0);
   memset(protector.memory, 200, MIB);
   flush(&m);
   memset(protector.memory, 201, MIB);
   flush(&m);
   CHECK(is_equal(&m));
   vp_encoder_finish(&enc);
   vp_mapping_close(m.mapping);
   mirror_finish(&m);
   vp_private_pages_destroy(protector.memory, MIB);
   vp_private_pages_destroy(theirs, MIB);
   vp_private_pages_destroy(ours, MIB);
}

/* --- pinned pages --- */

/* Mapped only as long as it is used: so nothing but the pins tells of it. */
struct ring {
   int fd;
   struct io_uring_params params;
   uint8_t *queues;
   struct io_uring_sqe *entries;
};

#define RING_ENTRIES 4
#define ENTRIES_SIZE (RING_ENTRIES * sizeof(struct io_uring_sqe))

static bool ring_init(struct ring *ring, const struct iovec *buffer)
{
   *ring = (struct ring){0};
   ring->fd = (int)syscall(SYS_io_uring_setup, RING_ENTRIES, &ring->params);
   return ring->fd >= 0 && ring->params.features & IORING_FEAT_SINGLE_MMAP &&
          syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, buffer, 1) == 0;
}

static size_t queues_size(const struct ring *ring)
{
   return ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
}

static bool ring_map(struct ring *ring)
{
   ring->queues = mmap(NULL, queues_size(ring), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
   ring->entries = mmap(NULL, ENTRIES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
   return CHECK(ring->queues != MAP_FAILED && ring->entries != MAP_FAILED);
}

static uint32_t *in_queues(const struct ring *ring, uint32_t offset)
{
   return (uint32_t *)(ring->queues + offset);
}

/* Reads the file into the registered buffer. */
static bool ring_read(struct ring *ring, int file, void *to, unsigned length)
{
   if (!ring_map(ring))
      return false;
   uint32_t *tail = in_queues(ring, ring->params.sq_off.tail), *head = in_queues(ring, ring->params.cq_off.head);
   const uint32_t place = *tail & *in_queues(ring, ring->params.sq_off.ring_mask);
   const struct io_uring_cqe *done = (struct io_uring_cqe *)(ring->queues + ring->params.cq_off.cqes);
   ring->entries[place] =
      (struct io_uring_sqe){.opcode = IORING_OP_READ_FIXED, .fd = file, .addr = (uint64_t)(uintptr_t)to, .len = length};
   in_queues(ring, ring->params.sq_off.array)[place] = place;
   __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
   bool ok = syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1;
   ok = ok && done[*head & (ring->params.cq_entries - 1)].res == (int32_t)length;
   __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
   munmap(ring->queues, queues_size(ring));
   munmap(ring->entries, ENTRIES_SIZE);
   return ok;
}

/* io_uring writes to buffers that were registered before, and the kernel notes nothing. Protected memory cannot be
 * registered, so this is not for mprotect. */
static void test_pinned(bool import)
{
   const int file = memfd_create("pinned", MFD_CLOEXEC);
   uint8_t *memory = import ? vp_private_pages_create(MIB) : NULL;
   struct mirror m;
   struct ring ring;
   if (vp_tracker_get() == &vp_tracker_signal ||
       !mirror_init(&m, import ? vp_mapping_import(1, memory, MIB) : vp_mapping_create(1, MIB), MIB))
      return;
   memory = vp_mapping_pointer(m.mapping);
   vp_mapping_set_writable(m.mapping, true);
   memset(memory, 1, MIB);
   flush(&m);
   settle(&m);
   const bool works = ring_init(&ring, &(struct iovec){.iov_base = memory + 4096, .iov_len = MIB / 2});
   if (!works)
      puts("no io_uring here");
   for (unsigned round = 2; round < 5 && works; round++) {
      uint8_t bytes[5000];
      memset(bytes, (int)round, sizeof(bytes));
      CHECK(pwrite(file, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
      settle(&m);
      CHECK(ring_read(&ring, file, memory + 70000, sizeof(bytes)));
      flush(&m);
      CHECK(m.changed == sizeof(bytes) && is_equal(&m));
   }
   close(ring.fd);
   close(file);
   vp_mapping_close(m.mapping);
   mirror_finish(&m);
   if (import)
      vp_private_pages_destroy(memory, MIB);
}

static void test_move(void)
{
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, 3 * MIB), 3 * MIB))
      return;
   vp_mapping_set_writable(m.mapping, true);
   for (unsigned round = 0; round < 3; round++) {
      uint8_t *place = mmap(NULL, 3 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      vp_mapping_pointer(m.mapping)[round] = 1; /* not collected before it moves */
      CHECK(vp_mapping_move(m.mapping, place, round % 2) && vp_mapping_pointer(m.mapping) == place);
      place[2 * MIB + round] = 1;
      flush(&m);
      CHECK(m.changed == 2 && is_equal(&m));
   }
   mirror_finish(&m);
}

/* --- threads --- */

#define WRITERS 3
#define WRITES 150000

struct writer {
   pthread_t thread;
   uint8_t *memory;
   size_t size;
   unsigned index;
};

static void *write_randomly(void *data)
{
   const struct writer *writer = data;
   uint64_t random = writer->index + 1;
   for (unsigned i = 0; i < WRITES; i++) {
      random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
      const size_t place = (size_t)(random >> 33) % writer->size;
      writer->memory[place - place % WRITERS + writer->index < writer->size ? place - place % WRITERS + writer->index
                                                                            : writer->index] = (uint8_t)(random >> 20);
   }
   return NULL;
}

static void test_threads(bool in_parts)
{
   const size_t size = 2 * MIB + (size_t)8192 * 3;
   struct writer writers[WRITERS];
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, size), size))
      return;
   m.in_parts = in_parts;
   vp_mapping_set_writable(m.mapping, true);
   for (unsigned i = 0; i < WRITERS; i++) {
      writers[i] = (struct writer){.memory = vp_mapping_pointer(m.mapping), .size = size, .index = i};
      CHECK(!pthread_create(&writers[i].thread, NULL, write_randomly, &writers[i]));
   }
   for (unsigned i = 0; i < 100; i++) {
      flush(&m);
      usleep(i % 10 * 500);
   }
   for (unsigned i = 0; i < WRITERS; i++)
      pthread_join(writers[i].thread, NULL);
   flush(&m);
   CHECK(is_equal(&m));
   mirror_finish(&m);
}

/* Whatever changes is found once, and by one of the threads. */
static void test_parts(void)
{
   const size_t size = 9 * MIB + 100, distances[] = {1, 2000, 5000, 100000, MIB, 20 * MIB};
   struct mirror m;
   if (!mirror_init(&m, vp_mapping_create(1, size), size))
      return;
   m.in_parts = true;
   vp_mapping_set_writable(m.mapping, true);
   uint8_t *memory = vp_mapping_pointer(m.mapping);
   for (unsigned round = 0; round < 18; round++) {
      size_t changed = 0;
      for (size_t at = (size_t)round * 1000; at < size; at += distances[round % 6], changed++)
         memory[at]++;
      memory[size - 1]++;
      flush(&m);
      CHECK((m.changed == changed || m.changed == changed + 1) && is_equal(&m));
   }
   mirror_finish(&m);
}

/* The mechanism is chosen once per process. */
static bool run_with(const char *name)
{
   const pid_t child = fork();
   if (child == 0) {
      setenv("VENUS_TRACK", name, 1);
      if (strcmp(vp_tracker_get()->name, name) != 0) {
         printf("%s is not available here\n", name);
         exit(0);
      }
      test_single_bytes();
      test_untouched();
      test_both_sides();
      test_sparse();
      test_system_calls();
      test_rest();
      test_writes_of_others();
      test_import();
      test_import_again();
      test_import_shared();
      test_import_protected();
      test_import_results();
      test_import_vanishing();
      test_pinned(false);
      test_pinned(true);
      test_move();
      test_threads(false);
      vp_pool_allow(HELPERS);
      test_parts();
      test_threads(true);
      exit(check_finish());
   }
   int status = 1;
   return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
   static const char *const names[] = {"async", "signal", "compare"};
   int failed = 0;
   for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
      if (!run_with(names[i])) {
         fprintf(stderr, "failed with %s\n", names[i]);
         failed = 1;
      }
   }
   return failed;
}
