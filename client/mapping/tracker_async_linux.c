/* SPDX-License-Identifier: MIT */

/* userfaultfd's asynchronous write protection (Linux 6.7): the kernel itself notes the first write to a protected page
 * and lets it through, system calls' writes included. PAGEMAP_SCAN says which pages these were. No signal, no thread,
 * no privilege. */

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "client/mapping/tracker.h"
#include "common/util/descriptor.h"

/* Newer than the headers of the systems that we are built on. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#define FEATURE_WP_HUGETLBFS_SHMEM (UINT64_C(1) << 12)
#define FEATURE_WP_UNPOPULATED (UINT64_C(1) << 13)
#define FEATURE_WP_ASYNC (UINT64_C(1) << 15)

struct page_region {
   uint64_t start, end, categories;
};

struct scan_arguments {
   uint64_t size, flags, start, end, walk_end, regions, region_count, max_pages;
   uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN _IOWR('f', 16, struct scan_arguments)
#define SCAN_CHECK_ASYNC (1u << 1)
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define CATEGORY_WRITTEN (1u << 1)
#define CATEGORY_PRESENT (1u << 3)
#define CATEGORY_SWAPPED (1u << 4)

static int fault_fd = -1, pagemap_fd = -1;

/* Containers often forbid the system call and can be given the device. */
static int open_userfaultfd(void)
{
   const int fd = vp_descriptor_keep((int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
   if (fd >= 0)
      return fd;
   const int device = vp_descriptor_open("/dev/userfaultfd", O_RDWR);
   if (device < 0)
      return -1;
   const int from_device = vp_descriptor_keep(ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | UFFD_USER_MODE_ONLY));
   close(device);
   return from_device;
}

static void tracker_async_stop(void)
{
   if (fault_fd >= 0)
      close(fault_fd);
   if (pagemap_fd >= 0)
      close(pagemap_fd);
   fault_fd = pagemap_fd = -1;
}

static const char *tracker_async_start(void)
{
   struct uffdio_api api = {
      .api = UFFD_API,
      .features = FEATURE_WP_HUGETLBFS_SHMEM | FEATURE_WP_UNPOPULATED | FEATURE_WP_ASYNC,
   };
   const char *problem = NULL;
   fault_fd = open_userfaultfd();
   pagemap_fd = vp_descriptor_open("/proc/self/pagemap", O_RDONLY);
   if (fault_fd < 0)
      problem = "userfaultfd is not allowed";
   else if (ioctl(fault_fd, UFFDIO_API, &api) < 0)
      problem = "the kernel is older than Linux 6.7";
   else if (pagemap_fd < 0)
      problem = "/proc/self/pagemap cannot be read";
   if (problem)
      tracker_async_stop();
   return problem;
}

static uint64_t address(const struct vp_pages *pages, size_t position)
{
   return (uint64_t)(uintptr_t)pages->view + position;
}

static bool tracker_async_watch(const struct vp_pages *pages)
{
   struct uffdio_register range = {
      .range = {.start = address(pages, 0), .len = pages->size},
      .mode = UFFDIO_REGISTER_MODE_WP,
   };
   return ioctl(fault_fd, UFFDIO_REGISTER, &range) == 0;
}

static void tracker_async_unwatch(const struct vp_pages *pages)
{
   struct uffdio_range range = {.start = address(pages, 0), .len = pages->size};
   ioctl(fault_fd, UFFDIO_UNREGISTER, &range);
}

static bool tracker_async_arm(const struct vp_pages *pages, size_t position, size_t length)
{
   struct uffdio_writeprotect range = {
      .range = {.start = address(pages, position), .len = length},
      .mode = UFFDIO_WRITEPROTECT_MODE_WP,
   };
   int result;
   do
      result = ioctl(fault_fd, UFFDIO_WRITEPROTECT, &range);
   while (result < 0 && errno == EAGAIN);
   return result == 0;
}

/* Reports what is in all categories of `all` and in one of `any`. */
static void tracker_async_find(const struct vp_pages *pages, size_t position, size_t length, uint64_t all, uint64_t any,
                               void (*report)(void *data, size_t position, size_t length), void *data)
{
   struct page_region regions[256];
   const uint64_t base = address(pages, 0), end = base + position + length;
   struct scan_arguments arguments = {
      .size = sizeof(arguments),
      .flags = SCAN_CHECK_ASYNC,
      .start = base + position,
      .end = end,
      .regions = (uint64_t)(uintptr_t)regions,
      .region_count = sizeof(regions) / sizeof(regions[0]),
      .category_mask = all,
      .category_anyof_mask = any,
      .return_mask = CATEGORY_WRITTEN,
   };
   while (arguments.start < end) {
      const int count = ioctl(pagemap_fd, SCAN, &arguments);
      if (count < 0 && errno == EINTR)
         continue;
      if (count < 0) { /* somebody has remapped it: nothing is known */
         report(data, (size_t)(arguments.start - base), (size_t)(end - arguments.start));
         return;
      }
      for (int i = 0; i < count; i++)
         report(data, (size_t)(regions[i].start - base), (size_t)(regions[i].end - regions[i].start));
      arguments.start = arguments.walk_end;
   }
}

static void tracker_async_scan(const struct vp_pages *pages, size_t position, size_t length,
                               void (*report)(void *data, size_t position, size_t length), void *data)
{
   tracker_async_find(pages, position, length, CATEGORY_WRITTEN, 0, report, data);
}

/* Moves a part of the page tables to other addresses, which then go: only so the kernel gives up whole tables. The
 * pages stay in their file. */
static bool drop_tables(uint8_t *view, size_t length)
{
   const size_t room = length + VP_TABLE_SIZE;
   uint8_t *other = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (other == MAP_FAILED)
      return false;
   void *place = other + (VP_TABLE_SIZE - (uintptr_t)other % VP_TABLE_SIZE) % VP_TABLE_SIZE;
   const bool ok = mremap(view, length, length, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, place) != MAP_FAILED;
   munmap(other, room);
   return ok;
}

/* The kernel would remember the protection of each page, so nobody watches meanwhile. */
static bool rest(const struct vp_pages *pages, size_t position, size_t length)
{
   const struct vp_pages part = {.view = pages->view + position, .size = length};
   tracker_async_unwatch(&part);
   const bool gone = drop_tables(part.view, length);
   return tracker_async_watch(&part) && gone;
}

/* With swap space a page can be used and be away again. */
static bool has_swap(void)
{
   struct sysinfo info;
   return sysinfo(&info) < 0 || info.totalswap > 0;
}

static void scan_used(const struct vp_pages *pages, size_t position, size_t length,
                      void (*report)(void *data, size_t position, size_t length), void *data)
{
   if (has_swap())
      report(data, position, length);
   else
      tracker_async_find(pages, position, length, 0, CATEGORY_PRESENT | CATEGORY_SWAPPED, report, data);
}

const struct vp_tracker vp_tracker_async = {
   .name = "async",
   .description = "userfaultfd with asynchronous write protection",
   .start = tracker_async_start,
   .stop = tracker_async_stop,
   .watch = tracker_async_watch,
   .unwatch = tracker_async_unwatch,
   .arm = tracker_async_arm,
   .scan = tracker_async_scan,
   .rest = rest,
   .scan_used = scan_used,
};
