/* SPDX-License-Identifier: MIT */

/* Reads what the kernel says of the process, each ten milliseconds or MiB of commands, and has the C library give back
 * what it keeps before memory is called full. */

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "server/core/host_memory.h"
#include "server/core/quota.h"

#define MEASURE_MS 10
#define MEASURE_BYTES ((size_t)1 << 20) /* or when so much was executed, most of which may have been kept */
#define TRIM_MS 200

/* A client that is told to wait for answers has still so much under way. */
#define MARGIN (UINT64_C(128) << 20)

static struct {
   pthread_mutex_t lock;
   _Atomic int64_t due_ms;  /* then it is measured again */
   _Atomic size_t executed; /* since then */
   _Atomic(enum vps_host_memory) last;
   atomic_bool freed; /* something, since it is full */
   _Atomic int64_t device_memory, recorded;
   int64_t trim_ms; /* under the lock, as is: */
   int fd;          /* -1: not open yet */
} host = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

void vps_host_memory_note(size_t bytes)
{
   atomic_fetch_add_explicit(&host.executed, bytes, memory_order_relaxed);
}

void vps_host_memory_note_freed(void)
{
   if (atomic_load_explicit(&host.last, memory_order_relaxed) == VPS_HOST_MEMORY_FULL)
      atomic_store_explicit(&host.freed, true, memory_order_relaxed);
}

void vps_host_memory_note_recorded(int64_t change)
{
   atomic_fetch_add_explicit(&host.recorded, change, memory_order_relaxed);
}

void vps_host_memory_is_device_memory(int64_t change)
{
   atomic_fetch_add(&host.device_memory, change);
}

/* The pages that are nobody else's: all that are there, without those of files. 0: the kernel does not say. */
static uint64_t count_own_pages(void)
{
   char text[128], *p = text;

   if (host.fd < 0)
      host.fd = vp_descriptor_open("/proc/self/statm", O_RDONLY);
   const ssize_t size = host.fd < 0 ? 0 : pread(host.fd, text, sizeof(text) - 1, 0);
   if (size <= 0)
      return 0;
   text[size] = '\0';
   strtoull(p, &p, 10); /* of addresses */
   const uint64_t there = strtoull(p, &p, 10), shared = strtoull(p, &p, 10);
   return there > shared ? there - shared : 0;
}

/* Bytes. */
static uint64_t measure(void)
{
   const uint64_t bytes = count_own_pages() * (uint64_t)sysconf(_SC_PAGESIZE);
   const int64_t device_memory = atomic_load(&host.device_memory), recorded = atomic_load(&host.recorded);
   uint64_t used = device_memory > 0 && (uint64_t)device_memory < bytes ? bytes - (uint64_t)device_memory
                   : device_memory > 0                                  ? 0
                                                                        : bytes;

   if (recorded > 0 && used < (uint64_t)recorded)
      used = (uint64_t)recorded;
   vps_quota_set(VPS_QUOTA_HOST_MEMORY, used);
   return used;
}

static enum vps_host_memory judge_memory(uint64_t limit, int64_t now_ms)
{
   const uint64_t margin = limit / 4 < MARGIN ? limit / 4 : MARGIN;
   const bool freed = atomic_exchange(&host.freed, false);

   measure();
   if (vps_quota_left(VPS_QUOTA_HOST_MEMORY) >= margin)
      return VPS_HOST_MEMORY_THERE;
   if (freed || now_ms >= host.trim_ms) {
      malloc_trim(0);
      measure();
      host.trim_ms = now_ms + TRIM_MS;
   }
   if (!vps_quota_has_room(VPS_QUOTA_HOST_MEMORY, 1))
      return VPS_HOST_MEMORY_FULL;
   return vps_quota_left(VPS_QUOTA_HOST_MEMORY) >= margin ? VPS_HOST_MEMORY_THERE : VPS_HOST_MEMORY_SHORT;
}

enum vps_host_memory vps_host_memory_look(void)
{
   const uint64_t limit = vps_quota_limit(VPS_QUOTA_HOST_MEMORY);

   if (limit == VPS_QUOTA_NONE)
      return VPS_HOST_MEMORY_THERE;
   const int64_t now_ms = vp_clock_ms();
   const bool due = now_ms >= atomic_load_explicit(&host.due_ms, memory_order_relaxed) ||
                    atomic_load_explicit(&host.executed, memory_order_relaxed) >= MEASURE_BYTES ||
                    atomic_load_explicit(&host.freed, memory_order_relaxed);
   if (due && pthread_mutex_trylock(&host.lock) == 0) {
      atomic_store(&host.executed, 0);
      atomic_store(&host.last, judge_memory(limit, now_ms));
      atomic_store(&host.due_ms, vp_clock_ms() + MEASURE_MS);
      pthread_mutex_unlock(&host.lock);
   }
   return atomic_load_explicit(&host.last, memory_order_relaxed);
}
