/* SPDX-License-Identifier: MIT */

/* Chooses how written pages are found: what may be used is first tried on some pages of its own, and where it misses a
 * write, or reports none, pages are compared. */

#include "client/mapping/tracker.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/process/variables.h"
#include "common/util/log.h"

/* --- compare --- */

static const char *start_nothing(void)
{
   return NULL;
}

static bool watch_nothing(const struct vp_pages *pages)
{
   (void)pages;
   return false;
}

static void unwatch_nothing(const struct vp_pages *pages)
{
   (void)pages;
}

const struct vp_tracker vp_tracker_compare = {
   .name = "compare",
   .description = "comparing all that was ever written",
   .start = start_nothing,
   .watch = watch_nothing,
   .unwatch = unwatch_nothing,
};

/* --- whether a mechanism does what it promises here --- */

#define TEST_PAGES 96
#define FAR_PAGE 64 /* further away than what a mechanism watches in one piece */

static void note(void *data, size_t position, size_t length)
{
   bool *noted = data;
   for (size_t i = position / VP_PAGE_SIZE; i < (position + length) / VP_PAGE_SIZE; i++)
      noted[i] = true;
}

static void scan_all(const struct vp_tracker *tracker, const struct vp_pages *pages, bool noted[TEST_PAGES])
{
   memset(noted, 0, TEST_PAGES * sizeof(bool));
   tracker->scan(pages, 0, pages->size, note, noted);
}

static volatile uint8_t *page(uint8_t *base, size_t index)
{
   return base + index * VP_PAGE_SIZE;
}

/* Pages that were written to before, pages that were only read, and holes; by the view and by the alias; twice. */
static const char *try_tracker(const struct vp_tracker *tracker, const struct vp_pages *pages)
{
   bool noted[TEST_PAGES];
   *page(pages->view, 0) = 1;
   *page(pages->alias, FAR_PAGE) = 1;
   for (unsigned round = 0; round < 2; round++) {
      if (!tracker->arm(pages, 0, pages->size))
         return "memory cannot be watched";
      scan_all(tracker, pages, noted);
      if (noted[0] || noted[FAR_PAGE])
         return "untouched memory is reported";
      (void)*page(pages->view, 1);
      for (size_t i = 0; i < 3; i++)
         *page(pages->view, i) = (uint8_t)(2 + round);
      *page(pages->alias, FAR_PAGE) = (uint8_t)(2 + round);
      scan_all(tracker, pages, noted);
      if (!noted[0] || !noted[1] || !noted[2])
         return "writes are missed";
      if (noted[FAR_PAGE])
         return "the driver's own writes are reported";
   }
   if (tracker->rest && tracker->rest(pages, 0, pages->size)) {
      *page(pages->view, 1) = 9;
      memset(noted, 0, sizeof(noted));
      tracker->scan_used(pages, 0, pages->size, note, noted);
      if (!noted[1])
         return "writes to memory at rest are missed";
   }
   return NULL;
}

/* NULL when it works, else why not. */
static const char *test_tracker(const struct vp_tracker *tracker)
{
   struct vp_pages pages;
   const char *problem = tracker->start();
   if (problem || !tracker->arm)
      return problem;
   if (sysconf(_SC_PAGESIZE) != (long)VP_PAGE_SIZE)
      return "the pages of this machine have another size";
   if (!vp_pages_create(&pages, TEST_PAGES * VP_PAGE_SIZE))
      return "there is no memory to test it with";
   problem = "memory cannot be watched";
   if (tracker->watch(&pages)) {
      problem = try_tracker(tracker, &pages);
      tracker->unwatch(&pages);
   }
   vp_pages_destroy(&pages);
   return problem;
}

/* --- the choice --- */

/* In the order of VENUS_TRACK's words. */
static const struct vp_tracker *const all[] = {&vp_tracker_async, &vp_tracker_signal, &vp_tracker_compare};
#define COUNT (sizeof(all) / sizeof(all[0]))

static const struct vp_tracker *chosen = &vp_tracker_compare;

static bool use(const struct vp_tracker *tracker, bool forced)
{
   const char *problem = test_tracker(tracker);
   if (problem) {
      vp_log(forced ? VP_LOG_WARN : VP_LOG_INFO, "mapped memory: cannot track by %s: %s", tracker->name, problem);
      return false;
   }
   vp_log(VP_LOG_INFO, "mapped memory: tracking by %s (%s)", tracker->name, tracker->description);
   chosen = tracker;
   return true;
}

/* "signal" is not chosen by itself: where it protects memory, system calls that write there fail (read(2) with
 * EFAULT), and no application expects that. */
static void choose_tracker(void)
{
   union vp_variable_value value;
   const struct vp_tracker *forced = vp_variable_read(VP_VARIABLE_TRACK, &value) ? all[value.choice] : NULL;
   if (forced ? use(forced, true) : use(&vp_tracker_async, false))
      return;
   use(&vp_tracker_compare, false);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

const struct vp_tracker *vp_tracker_get(void)
{
   pthread_once(&once, choose_tracker);
   return chosen;
}

void vp_tracker_begin_anew(void)
{
   static const pthread_once_t never = PTHREAD_ONCE_INIT;
   for (size_t i = 0; i < COUNT; i++) {
      if (all[i]->stop)
         all[i]->stop();
   }
   chosen = &vp_tracker_compare;
   once = never;
}
