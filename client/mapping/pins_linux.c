/* SPDX-License-Identifier: MIT */

/* /proc/self/status says how much is pinned. Where, is known of io_uring alone: its descriptors list their buffers.
 * When these are less than what is pinned, any page may be. */

#include "client/mapping/pins.h"

#include "client/mapping/pages.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Looking through all descriptors takes a while; until it is done again, any page may be pinned. */
#define LISTING_NS INT64_C(100000000)

#define MAX_BUFFERS 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static int status = -1;                                  /* /proc/self/status */
static int64_t known_ns, listed_ns;
static uint64_t pinned; /* bytes */
static uint64_t listed; /* bytes of which the place is known */
static struct buffer {
   uintptr_t start, end; /* whole pages */
} buffers[MAX_BUFFERS];
static size_t buffer_count;

void vp_pins_prepare(void)
{
   pthread_mutex_lock(&lock);
   if (status < 0)
      status = vp_descriptor_open("/proc/self/status", O_RDONLY);
   pthread_mutex_unlock(&lock);
}

/* Whoever held the lock is not there. */
void vp_pins_begin_anew(void)
{
   if (status >= 0)
      close(status);
   status = -1;
   known_ns = listed_ns = 0;
   pthread_mutex_init(&lock, NULL);
}

/* 0 where the kernel does not say. */
static uint64_t read_pinned(void)
{
   char text[4096];
   const ssize_t length = status >= 0 ? pread(status, text, sizeof(text) - 1, 0) : -1;
   text[length > 0 ? length : 0] = 0;
   const char *line = strstr(text, "\nVmPin:");
   return line ? strtoull(line + 7, NULL, 10) * 1024 : 0;
}

static void add_buffer(uintptr_t start, uint64_t size)
{
   if (buffer_count == MAX_BUFFERS)
      return;
   struct buffer *buffer = &buffers[buffer_count++];
   buffer->start = start & ~(VP_PAGE_SIZE - 1);
   buffer->end = (start + size + VP_PAGE_SIZE - 1) & ~(VP_PAGE_SIZE - 1);
   listed += buffer->end - buffer->start;
}

/* Lines such as "    0: 0x7f0000000000/1048576" after "UserBufs:". */
static void list_ring(const char *name)
{
   char path[64], line[256];
   bool inside = false;
   snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", name);
   FILE *info = vp_descriptor_read_file(path);
   while (info && fgets(line, sizeof(line), info)) {
      unsigned long start;
      unsigned long long size;
      if (inside && sscanf(line, " %*u: 0x%lx/%llu", &start, &size) == 2)
         add_buffer(start, size);
      else if (!inside || line[0] != ' ')
         inside = strncmp(line, "UserBufs:", 9) == 0;
   }
   if (info)
      fclose(info);
}

static void list_buffers(void)
{
   DIR *descriptors = vp_descriptor_read_folder("/proc/self/fd");
   const struct dirent *entry;
   buffer_count = 0;
   listed = 0;
   while (descriptors && (entry = readdir(descriptors))) {
      char target[32];
      const ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof(target) - 1);
      target[length > 0 ? length : 0] = 0;
      if (strstr(target, "[io_uring]"))
         list_ring(entry->d_name);
   }
   if (descriptors)
      closedir(descriptors);
}

static void look(int64_t now)
{
   static bool told;
   pinned = read_pinned();
   if (pinned && !told)
      vp_log(VP_LOG_INFO, "mapped memory: the process has pinned pages; what may be written past the page tables is "
                          "compared at each submission");
   told = told || pinned;
   if (pinned && now - listed_ns >= LISTING_NS) {
      list_buffers();
      listed_ns = now;
   }
   known_ns = now;
}

static bool is_listed(uintptr_t start, uintptr_t end)
{
   for (size_t i = 0; i < buffer_count; i++) {
      if (buffers[i].start < end && start < buffers[i].end)
         return true;
   }
   return false;
}

bool vp_pins_possible(const void *memory, size_t size, int64_t since)
{
   pthread_mutex_lock(&lock);
   if (known_ns <= since)
      look(vp_clock_ns());
   const uintptr_t start = (uintptr_t)memory;
   const bool possible = pinned && (listed_ns <= since || listed < pinned || is_listed(start, start + size));
   pthread_mutex_unlock(&lock);
   return possible;
}
