/* SPDX-License-Identifier: MIT */

/* mprotect and SIGSEGV: for kernels without anything better, on request. A fault opens some pages around it. System
 * calls that write to protected memory fail (EFAULT), and threads that block SIGSEGV must not write to it. */

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "client/mapping/tracker.h"

/* Pages that a fault opens, and when the process has this many such pieces: each is a mapping of its own for the
 * kernel, and a process may have 65530. */
#define WINDOW ((size_t)16)
#define MAX_PIECES 8000u
#define WIDE_WINDOW ((size_t)512)

struct watched {
   struct watched *next;
   uint8_t *view;
   size_t page_count;
   uint8_t *open; /* by page: 1 when it was opened since it was armed */
};

/* Taken by the handler, which can interrupt anything, and so only with all signals blocked: whoever holds it is never
 * interrupted by somebody who wants it. Mutexes and what yields to threads of the same priority alone are not for
 * signal handlers, so this is a futex: free, held, held and waited for. */
enum { FREE, HELD, WAITED_FOR };
static atomic_int lock;

/* With the lock. */
static struct watched *views;
static size_t pieces;  /* that are open */
static size_t foreign; /* handlers of the application's that have been called and have not returned */

/* An application may put a handler on top of ours and keep ours as the one to call for faults it does not know. So when
 * we go on top again it is with another function, and each of them goes on to the handler that it was put upon. */
#define LEVELS 8
static struct sigaction beneath[LEVELS];

static void lock_views(sigset_t *before)
{
   sigset_t all;
   int old = FREE;
   sigfillset(&all);
   pthread_sigmask(SIG_SETMASK, &all, before);
   if (atomic_compare_exchange_strong(&lock, &old, HELD))
      return;
   while (atomic_exchange(&lock, WAITED_FOR) != FREE)
      syscall(SYS_futex, &lock, FUTEX_WAIT_PRIVATE, WAITED_FOR, NULL, NULL, 0);
}

static void unlock_views(const sigset_t *before)
{
   if (atomic_exchange(&lock, FREE) == WAITED_FOR)
      syscall(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
   pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* --- the handler --- */

/* With the lock. */
static bool open_all(struct watched *watched)
{
   if (mprotect(watched->view, watched->page_count * VP_PAGE_SIZE, PROT_READ | PROT_WRITE) < 0)
      return false;
   memset(watched->open, 1, watched->page_count);
   return true;
}

/* With the lock. */
static void open_pages(struct watched *watched, size_t page)
{
   const size_t window = pieces < MAX_PIECES ? WINDOW : WIDE_WINDOW, first = page & ~(window - 1),
                left = watched->page_count - first, count = left < window ? left : window;
   if (mprotect(watched->view + first * VP_PAGE_SIZE, count * VP_PAGE_SIZE, PROT_READ | PROT_WRITE) == 0) {
      memset(watched->open + first, 1, count);
      pieces++;
   } else {
      open_all(watched); /* no mapping can be cut any more */
   }
}

/* Whether the fault was ours; then the access is tried again. */
static bool handle(const void *address)
{
   sigset_t before;
   bool ours = false;
   lock_views(&before);
   for (struct watched *watched = views; watched && !ours; watched = watched->next) {
      const size_t offset = (uintptr_t)address - (uintptr_t)watched->view;
      ours = offset < watched->page_count * VP_PAGE_SIZE;
      if (ours && !watched->open[offset / VP_PAGE_SIZE])
         open_pages(watched, offset / VP_PAGE_SIZE);
   }
   unlock_views(&before);
   return ours;
}

/* A handler of the application's runs with SIGSEGV blocked, and a fault would end the process, though without us it
 * could write to mapped memory. So nothing is protected while it runs, or ever after when it jumps out and does not
 * return: then all is compared. */
static struct sigaction begin_foreign(unsigned level)
{
   sigset_t before;
   lock_views(&before);
   const struct sigaction action = beneath[level];
   foreign++;
   for (struct watched *watched = views; watched; watched = watched->next)
      open_all(watched);
   if (action.sa_flags & (int)SA_RESETHAND)
      beneath[level] = (struct sigaction){.sa_handler = SIG_DFL};
   unlock_views(&before);
   return action;
}

static void end_foreign(void)
{
   sigset_t before;
   lock_views(&before);
   foreign--;
   unlock_views(&before);
}

/* What the kernel would let through to that handler. */
static sigset_t mask_for(const struct sigaction *action, int number, const ucontext_t *context)
{
   sigset_t mask = action->sa_mask;
   for (int i = 1; i <= SIGRTMAX; i++) {
      if (context && sigismember(&context->uc_sigmask, i) == 1)
         sigaddset(&mask, i);
   }
   if (!(action->sa_flags & SA_NODEFER))
      sigaddset(&mask, number);
   return mask;
}

static void go_on(unsigned level, int number, siginfo_t *info, void *context)
{
   const struct sigaction action = begin_foreign(level);
   if (!(action.sa_flags & SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) {
      end_foreign();
      if (action.sa_handler == SIG_IGN && info->si_code <= 0)
         return; /* sent by somebody, and not wanted */
      signal(number, SIG_DFL);
      if (info->si_code <= 0)
         raise(number);
      return; /* to the same fault */
   }
   const sigset_t mask = mask_for(&action, number, context);
   sigset_t before;
   pthread_sigmask(SIG_SETMASK, &mask, &before);
   if (action.sa_flags & SA_SIGINFO)
      action.sa_sigaction(number, info, context);
   else
      action.sa_handler(number);
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   end_foreign();
}

static void on_fault(unsigned level, int number, siginfo_t *info, void *context)
{
   const int error = errno;
   if (info->si_code <= 0 || !handle(info->si_addr))
      go_on(level, number, info, context);
   errno = error;
}

#define HANDLER(LEVEL)                                                      \
   static void on_fault_##LEVEL(int number, siginfo_t *info, void *context) \
   {                                                                        \
      on_fault(LEVEL, number, info, context);                               \
   }
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)
HANDLER(4)
HANDLER(5)
HANDLER(6)
HANDLER(7)

typedef void handler(int, siginfo_t *, void *);
static handler *const handlers[LEVELS] = {on_fault_0, on_fault_1, on_fault_2, on_fault_3,
                                          on_fault_4, on_fault_5, on_fault_6, on_fault_7};

/* Makes sure that one of our handlers is on top. With the lock. */
static bool install(void)
{
   static unsigned used; /* levels */
   struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK}, current;
   sigfillset(&ours.sa_mask); /* a handler that came in between would have SIGSEGV blocked, and might meet a fault */
   if (sigaction(SIGSEGV, NULL, &current) < 0)
      return false;
   for (unsigned i = 0; i < LEVELS && (current.sa_flags & SA_SIGINFO); i++) {
      if (current.sa_sigaction == handlers[i]) {
         used = i + 1; /* what was on top of it is gone */
         return true;
      }
   }
   if (used == LEVELS)
      return false;
   ours.sa_sigaction = handlers[used];
   if (sigaction(SIGSEGV, &ours, &current) < 0) /* it may be another one by now */
      return false;
   beneath[used++] = current;
   return true;
}

/* --- the tracker --- */

static const char *tracker_signal_start(void)
{
   sigset_t before;
   lock_views(&before);
   const bool ok = install();
   unlock_views(&before);
   return ok ? NULL : "SIGSEGV cannot be handled";
}

/* The views are copies that nobody watches. Whoever held the lock is not there. */
static void tracker_signal_stop(void)
{
   views = NULL;
   pieces = 0;
   atomic_store(&lock, FREE);
   foreign = 0;
}

/* With the lock. */
static struct watched **tracker_signal_find(const struct vp_pages *pages)
{
   struct watched **link = &views;
   while (*link && (*link)->view != pages->view)
      link = &(*link)->next;
   return link;
}

/* The application's own memory is not protected: our own threads write to it. */
static bool tracker_signal_watch(const struct vp_pages *pages)
{
   sigset_t before;
   struct watched *watched = pages->imported ? NULL : calloc(1, sizeof(*watched));
   if (!watched)
      return false;
   watched->view = pages->view;
   watched->page_count = pages->size / VP_PAGE_SIZE;
   watched->open = vp_private_pages_create(watched->page_count);
   if (!watched->open) {
      free(watched);
      return false;
   }
   lock_views(&before);
   watched->next = views;
   views = watched;
   unlock_views(&before);
   return true;
}

static void tracker_signal_unwatch(const struct vp_pages *pages)
{
   sigset_t before;
   lock_views(&before);
   struct watched **link = tracker_signal_find(pages), *watched = *link;
   if (watched)
      *link = watched->next;
   unlock_views(&before);
   if (!watched)
      return;
   mprotect(watched->view, pages->size, PROT_READ | PROT_WRITE);
   vp_private_pages_destroy(watched->open, watched->page_count);
   free(watched);
}

/* With the lock. */
static bool protect(struct watched *watched, size_t first, size_t count)
{
   if (mprotect(watched->view + first * VP_PAGE_SIZE, count * VP_PAGE_SIZE, PROT_READ) < 0)
      return false;
   const size_t closed = (count + WINDOW - 1) / WINDOW;
   if (memchr(watched->open + first, 1, count))
      pieces -= closed < pieces ? closed : pieces;
   memset(watched->open + first, 0, count);
   return true;
}

static bool tracker_signal_arm(const struct vp_pages *pages, size_t position, size_t length)
{
   sigset_t before;
   lock_views(&before);
   struct watched *watched = *tracker_signal_find(pages);
   const bool ok =
      watched && foreign == 0 && install() && protect(watched, position / VP_PAGE_SIZE, length / VP_PAGE_SIZE);
   unlock_views(&before);
   return ok;
}

/* The next run of open pages from *first on. Its length; 0: there is none before the end. With the lock, since a page
 * is open a little before it is noted as such. */
static size_t find_run(const struct watched *watched, size_t *first, size_t end)
{
   const uint8_t *open = memchr(watched->open + *first, 1, end - *first);
   if (!open)
      return 0;
   *first = (size_t)(open - watched->open);
   const uint8_t *closed = memchr(open, 0, end - *first);
   return closed ? (size_t)(closed - open) : end - *first;
}

static void tracker_signal_scan(const struct vp_pages *pages, size_t position, size_t length,
                                void (*report)(void *data, size_t position, size_t length), void *data)
{
   size_t first = position / VP_PAGE_SIZE, count = 1;
   const size_t end = first + length / VP_PAGE_SIZE;
   while (first < end && count) {
      sigset_t before;
      lock_views(&before);
      install();
      const struct watched *watched = *tracker_signal_find(pages);
      count = watched ? find_run(watched, &first, end) : 0;
      unlock_views(&before);
      if (count)
         report(data, first * VP_PAGE_SIZE, count * VP_PAGE_SIZE);
      first += count;
   }
}

const struct vp_tracker vp_tracker_signal = {
   .name = "signal",
   .description = "mprotect and SIGSEGV",
   .start = tracker_signal_start,
   .stop = tracker_signal_stop,
   .watch = tracker_signal_watch,
   .unwatch = tracker_signal_unwatch,
   .arm = tracker_signal_arm,
   .scan = tracker_signal_scan,
};
