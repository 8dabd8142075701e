/* SPDX-License-Identifier: MIT */

/* Before the tracker forgets writes to imported pages, all other imports of these pages get a bit for each of them;
 * without imports this only passes on what the tracker says. */

#include "client/mapping/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client/mapping/imported.h"
#include "common/memory/private.h"

/* Imported memory up to this size is compared each time, which takes microseconds. Then it stays free for whatever the
 * application wants to do with it: a page has room for one userfaultfd. */
#define SMALL_IMPORT ((size_t)256 << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all watches of imported memory, and of their pages */
static struct vp_watch *imports;

/* Whoever held the lock is not there. */
void vp_watch_begin_anew(void)
{
   imports = NULL;
   pthread_mutex_init(&lock, NULL);
}

/* --- bits of pages that others were told of; with the lock --- */

static uint8_t *end_of(const struct vp_watch *watch)
{
   return watch->pages->view + watch->pages->size;
}

static void miss(struct vp_watch *watch, const uint8_t *start, const uint8_t *end)
{
   const uint8_t *first = start > watch->pages->view ? start : watch->pages->view,
                 *last = end < end_of(watch) ? end : end_of(watch);
   for (; first < last; first += VP_PAGE_SIZE) {
      const size_t page = (size_t)(first - watch->pages->view) / VP_PAGE_SIZE;
      watch->missed[page / 64] |= UINT64_C(1) << page % 64;
   }
}

static bool is_missed(const struct vp_watch *watch, size_t page)
{
   return watch->missed[page / 64] >> page % 64 & 1;
}

static void report_missed(struct vp_watch *watch, size_t position, size_t length,
                          void (*report)(void *data, size_t position, size_t length), void *data)
{
   const size_t end = (position + length) / VP_PAGE_SIZE;
   for (size_t page = position / VP_PAGE_SIZE; page < end;) {
      if (page % 64 == 0 && !watch->missed[page / 64]) {
         page += 64;
         continue;
      }
      if (is_missed(watch, page)) {
         watch->missed[page / 64] &= ~(UINT64_C(1) << page % 64);
         report(data, page * VP_PAGE_SIZE, VP_PAGE_SIZE);
      }
      page++;
   }
}

/* --- life --- */

static bool start_import(struct vp_watch *watch)
{
   const struct vp_pages *pages = watch->pages;
   const size_t words = (pages->size / VP_PAGE_SIZE + 63) / 64;
   if (pages->size <= SMALL_IMPORT || !vp_memory_is_private(pages->view, pages->size))
      return false;
   watch->missed = calloc(words, sizeof(*watch->missed));
   if (!watch->missed)
      return false;
   pthread_mutex_lock(&lock);
   const bool ok = watch->tracker->watch(pages);
   if (ok) {
      watch->next = imports;
      watch->link = &imports;
      if (watch->next)
         watch->next->link = &watch->next;
      imports = watch;
   }
   pthread_mutex_unlock(&lock);
   if (!ok)
      free(watch->missed);
   return ok;
}

void vp_watch_start(struct vp_watch *watch, const struct vp_tracker *tracker, const struct vp_pages *pages)
{
   *watch = (struct vp_watch){.tracker = tracker, .pages = pages};
   if (!tracker->arm || !(pages->imported ? start_import(watch) : tracker->watch(pages)))
      *watch = (struct vp_watch){0};
}

/* The first page from `page` on that no import watches, *end the next that one does, up to a limit. */
static const uint8_t *find_unused(const uint8_t *page, const uint8_t *limit, const uint8_t **end)
{
   const struct vp_watch *watch = imports;
   *end = limit;
   while (watch && page < limit) {
      const bool inside = watch->pages->view <= page && page < end_of(watch);
      if (inside) {
         page = end_of(watch);
         *end = limit;
      } else if (watch->pages->view > page && watch->pages->view < *end) {
         *end = watch->pages->view;
      }
      watch = inside ? imports : watch->next;
   }
   return page;
}

/* Pages that another import watches go on being watched. */
static void stop_import(struct vp_watch *watch)
{
   const uint8_t *page = watch->pages->view, *end;
   uint8_t *limit = end_of(watch);
   pthread_mutex_lock(&lock);
   *watch->link = watch->next;
   if (watch->next)
      watch->next->link = watch->link;
   for (page = find_unused(page, limit, &end); page < limit; page = find_unused(end, limit, &end)) {
      struct vp_pages part = *watch->pages;
      part.view += page - part.view;
      part.size = (size_t)(end - page);
      watch->tracker->unwatch(&part);
   }
   pthread_mutex_unlock(&lock);
   free(watch->missed);
}

void vp_watch_stop(struct vp_watch *watch)
{
   if (watch->missed)
      stop_import(watch);
   else if (watch->pages)
      watch->tracker->unwatch(watch->pages);
   *watch = (struct vp_watch){0};
}

/* --- looking --- */

/* The others have to hear of these writes before they are forgotten. What is written before the pages are armed is
 * written to one of these pages; the caller compares them then, and so will the others. Pages that nobody has written
 * to are armed already. */
static void rearm(void *data, size_t position, size_t length)
{
   struct vp_watch *watch = data;
   const uint8_t *start = watch->pages->view + position;
   for (struct vp_watch *other = imports; other; other = other->next) {
      if (other != watch)
         miss(other, start, start + length);
   }
   if (!watch->tracker->arm(watch->pages, position, length))
      miss(watch, start, start + length);
}

bool vp_watch_arm(struct vp_watch *watch, size_t position, size_t length)
{
   if (!watch->missed)
      return watch->pages && watch->tracker->arm(watch->pages, position, length);
   pthread_mutex_lock(&lock);
   watch->tracker->scan(watch->pages, position, length, rearm, watch);
   pthread_mutex_unlock(&lock);
   return true;
}

void vp_watch_scan(struct vp_watch *watch, size_t position, size_t length,
                   void (*report)(void *data, size_t position, size_t length), void *data)
{
   if (!watch->missed) {
      watch->tracker->scan(watch->pages, position, length, report, data);
      return;
   }
   pthread_mutex_lock(&lock);
   watch->tracker->scan(watch->pages, position, length, report, data);
   report_missed(watch, position, length, report, data);
   pthread_mutex_unlock(&lock);
}

bool vp_watch_can_rest(const struct vp_watch *watch)
{
   return watch->pages && !watch->missed && watch->tracker->rest && (uintptr_t)watch->pages->view % VP_TABLE_SIZE == 0;
}

bool vp_watch_rest(struct vp_watch *watch, size_t position, size_t length)
{
   return watch->tracker->rest(watch->pages, position, length);
}

void vp_watch_scan_used(struct vp_watch *watch, size_t position, size_t length,
                        void (*report)(void *data, size_t position, size_t length), void *data)
{
   watch->tracker->scan_used(watch->pages, position, length, report, data);
}
