/* SPDX-License-Identifier: MIT */

/* Reads from each thread's file "syscall" in /proc which of them are in a read() and where to, and from /proc/self/maps
 * whether there are rings; a look counts for a while, so that all of them take little time. */

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/mapping/in_flight.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"

/* Of all time, a twentieth may be spent with looking. */
#define REST 20

#define MAX_RANGES 64

struct look {
   int64_t begin_ns, cost_ns;
   bool anywhere; /* there may be reads into any memory */
   unsigned count;
   struct {
      uintptr_t start, end;
   } ranges[MAX_RANGES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int maps_fd = -1, status_fd = -1;
static DIR *tasks;
static long first_filters;
static struct look last; /* with the lock */

/* --- threads that wait in a read --- */

/* How many filters of system calls there are; -1: nobody says. A program may have shut itself in since the start, and
 * then a system call that it does not expect can be its end. */
static long count_filters(void)
{
   char text[4096];
   const ssize_t size = status_fd < 0 ? -1 : pread(status_fd, text, sizeof(text) - 1, 0);
   if (size <= 0)
      return -1;
   text[size] = '\0';
   const char *line = strstr(text, "\nSeccomp_filters:");
   return line ? strtol(line + sizeof("\nSeccomp_filters:") - 1, NULL, 10) : -1;
}

static void add_range(struct look *look, uintptr_t start, size_t length)
{
   if (look->count == MAX_RANGES) {
      look->anywhere = true;
      return;
   }
   look->ranges[look->count].start = start;
   look->ranges[look->count++].end = length > UINTPTR_MAX - start ? UINTPTR_MAX : start + length;
}

/* The list is memory of a thread that waits, but nothing keeps others from taking that away. */
static void add_vector(struct look *look, uintptr_t vector, size_t count)
{
   struct iovec ranges[MAX_RANGES];
   const struct iovec to = {.iov_base = ranges,
                            .iov_len = count < MAX_RANGES ? count * sizeof(*ranges) : sizeof(ranges)},
                      from = {.iov_base = (void *)vector, .iov_len = to.iov_len};
   if (count > MAX_RANGES || process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)to.iov_len) {
      look->anywhere = true;
      return;
   }
   for (size_t i = 0; i < count; i++)
      add_range(look, (uintptr_t)ranges[i].iov_base, ranges[i].iov_len);
}

/* A thread that runs has no number here. */
static void look_at_thread(struct look *look, const char *name)
{
   char path[64], text[256];
   long number;
   unsigned long file, address, length;
   snprintf(path, sizeof(path), "%.20s/syscall", name);
   const int fd = vp_descriptor_keep(openat(dirfd(tasks), path, O_RDONLY | O_CLOEXEC));
   const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
   if (fd >= 0)
      close(fd);
   text[size > 0 ? size : 0] = '\0';
   if (sscanf(text, "%ld %lx %lx %lx", &number, &file, &address, &length) != 4)
      return;
   switch (number) {
   case SYS_read:
   case SYS_pread64:
      add_range(look, address, length);
      break;
   case SYS_readv:
   case SYS_preadv:
   case SYS_preadv2:
      add_vector(look, address, length);
      break;
   default:
      break;
   }
}

static void look_at_threads(struct look *look)
{
   if (!tasks || count_filters() != first_filters)
      return;
   rewinddir(tasks);
   for (const struct dirent *entry; (entry = readdir(tasks));) {
      if (entry->d_name[0] != '.')
         look_at_thread(look, entry->d_name);
   }
}

/* --- rings --- */

/* Both kinds have memory that the kernel shares with the process. */
static void look_for_rings(struct look *look)
{
   static const char uring[] = "anon_inode:[io_uring]", aio[] = "/[aio]";
   static char text[65536]; /* with the lock */
   size_t kept = 0;         /* the end of what was read before: names may be cut in two */
   off_t place = 0;
   for (ssize_t size; (size = pread(maps_fd, text + kept, sizeof(text) - kept, place)) > 0; place += size) {
      const size_t end = kept + (size_t)size;
      if (memmem(text, end, uring, sizeof(uring) - 1) || memmem(text, end, aio, sizeof(aio) - 1)) {
         look->anywhere = true;
         return;
      }
      kept = end < sizeof(uring) ? end : sizeof(uring);
      memmove(text, text + end - kept, kept);
   }
}

/* --- the looks --- */

void vp_in_flight_prepare(void)
{
   pthread_mutex_lock(&lock);
   if (maps_fd < 0) {
      maps_fd = vp_descriptor_open("/proc/self/maps", O_RDONLY);
      status_fd = vp_descriptor_open("/proc/self/status", O_RDONLY);
      tasks = vp_descriptor_read_folder("/proc/self/task");
      first_filters = count_filters();
   }
   pthread_mutex_unlock(&lock);
}

/* Whoever held the lock is not there, and memory is not given back: others may have held its lock, too. */
void vp_in_flight_begin_anew(void)
{
   if (maps_fd >= 0)
      close(maps_fd);
   if (status_fd >= 0)
      close(status_fd);
   if (tasks)
      close(dirfd(tasks));
   maps_fd = status_fd = -1;
   tasks = NULL;
   last = (struct look){0};
   pthread_mutex_init(&lock, NULL);
}

/* With the lock. */
static void look_again(void)
{
   static bool said;
   last = (struct look){.begin_ns = vp_clock_ns()};
   look_for_rings(&last);
   look_at_threads(&last);
   last.cost_ns = vp_clock_ns() - last.begin_ns;
   if (last.anywhere && !said)
      vp_log(VP_LOG_INFO, "mapped memory: pages stay compared while there are asynchronous reads (io_uring, aio)");
   said = said || last.anywhere;
}

static bool touches(const struct look *look, uintptr_t start, size_t length)
{
   for (unsigned i = 0; i < look->count; i++) {
      if (look->ranges[i].start < start + length && look->ranges[i].end > start)
         return true;
   }
   return look->anywhere;
}

bool vp_in_flight_is_over(const void *memory, size_t length, int64_t since_ns)
{
   pthread_mutex_lock(&lock);
   if (last.begin_ns < since_ns && vp_clock_ns() - last.begin_ns >= REST * last.cost_ns)
      look_again();
   const bool over = last.begin_ns >= since_ns && !touches(&last, (uintptr_t)memory, length);
   pthread_mutex_unlock(&lock);
   return over;
}
