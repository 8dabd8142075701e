/* SPDX-License-Identifier: MIT */
/* Faults on memory that the driver has protected come anywhere: in handlers of signals that interrupt the handler of
 * another fault, and in the application's own handler of faults, on another stack. Threads write while it is watched.
 *
 * test: no-tsan */

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/mapping/pages.h"
#include "client/mapping/tracker.h"
#include "tests/unit/check.h"

#define PAGES ((size_t)256)
#define STACK_SIZE ((size_t)64 << 10)

static struct vp_pages pages;
static atomic_uint signals;
static atomic_bool stop;

static volatile uint8_t *page(size_t index)
{
   return pages.view + index % PAGES * VP_PAGE_SIZE;
}

static void ignore(void *data, size_t position, size_t length)
{
   (void)data, (void)position, (void)length;
}

/* --- signals during faults --- */

static void write_somewhere(int number)
{
   (void)number;
   const unsigned count = atomic_fetch_add(&signals, 1);
   *page((size_t)count * 37) = (uint8_t)count;
}

/* What the sender does all the time. */
static void *arm_and_scan(void *data)
{
   (void)data;
   while (!stop) {
      vp_tracker_signal.arm(&pages, 0, pages.size);
      vp_tracker_signal.scan(&pages, 0, pages.size, ignore, NULL);
   }
   return NULL;
}

static void *send_signals(void *data)
{
   const pthread_t *to = data;
   while (!stop) {
      pthread_kill(*to, SIGUSR1);
      usleep(20);
   }
   return NULL;
}

static void test_interrupted(void)
{
   struct sigaction action = {.sa_handler = write_somewhere};
   pthread_t self = pthread_self(), scanner, sender;
   sigaction(SIGUSR1, &action, NULL);
   CHECK(!pthread_create(&scanner, NULL, arm_and_scan, NULL));
   CHECK(!pthread_create(&sender, NULL, send_signals, &self));
   for (unsigned i = 0; signals < 5000; i++)
      *page((size_t)i * 17) = (uint8_t)i;
   stop = true;
   pthread_join(sender, NULL);
   pthread_join(scanner, NULL);
}

/* --- the application's own handler of faults --- */

static struct {
   uint8_t *forbidden;
   sigjmp_buf back;
   bool jump;
   volatile sig_atomic_t calls;
   volatile bool mask_is_right, on_stack;
   uint8_t *stack;
} own;

static void handle_own(int number, siginfo_t *info, void *context)
{
   sigset_t mask;
   (void)context;
   if (info->si_addr != own.forbidden || ++own.calls > 100)
      _exit(3);
   pthread_sigmask(SIG_SETMASK, NULL, &mask);
   own.mask_is_right = sigismember(&mask, number) && sigismember(&mask, SIGUSR2) && sigismember(&mask, SIGHUP) &&
                       !sigismember(&mask, SIGTERM);
   own.on_stack = (uintptr_t)&mask - (uintptr_t)own.stack < STACK_SIZE;
   for (size_t i = 0; i < PAGES; i++)
      *page(i) = 77; /* which is no fault of this program's */
   if (own.jump)
      siglongjmp(own.back, 1);
   mprotect(own.forbidden, VP_PAGE_SIZE, PROT_READ | PROT_WRITE);
}

static void install_own(void)
{
   struct sigaction action = {.sa_sigaction = handle_own, .sa_flags = SA_SIGINFO | SA_ONSTACK};
   own.stack = malloc(STACK_SIZE);
   const stack_t stack = {.ss_sp = own.stack, .ss_size = STACK_SIZE};
   own.forbidden = mmap(NULL, VP_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   sigaddset(&action.sa_mask, SIGUSR2);
   CHECK(own.stack && sigaltstack(&stack, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
}

static void meet_fault(bool jump)
{
   sigset_t hangup, before, after;
   sigemptyset(&hangup);
   sigaddset(&hangup, SIGHUP);
   pthread_sigmask(SIG_BLOCK, &hangup, &before);
   own.jump = jump;
   own.mask_is_right = own.on_stack = false;
   mprotect(own.forbidden, VP_PAGE_SIZE, PROT_NONE);
   if (sigsetjmp(own.back, 1) == 0)
      *(volatile uint8_t *)own.forbidden = 1;
   pthread_sigmask(SIG_SETMASK, &before, &after);
   CHECK(own.mask_is_right && own.on_stack);
   CHECK(sigismember(&after, SIGHUP) && !sigismember(&after, SIGSEGV) && !sigismember(&after, SIGUSR2));
}

static void count_pages(void *data, size_t position, size_t length)
{
   (void)position;
   *(size_t *)data += length / VP_PAGE_SIZE;
}

/* All that the handler has written is known. */
static void check_scan(void)
{
   size_t count = 0;
   vp_tracker_signal.scan(&pages, 0, pages.size, count_pages, &count);
   CHECK(count == PAGES);
}

static void test_own_handler(void)
{
   for (unsigned i = 0; i < 3; i++) {
      CHECK(vp_tracker_signal.arm(&pages, 0, pages.size));
      meet_fault(false);
      check_scan();
   }
   CHECK(vp_tracker_signal.arm(&pages, 0, pages.size));
   meet_fault(true);
   check_scan();
   vp_tracker_signal.arm(&pages, 0, pages.size);
   meet_fault(true);
   check_scan();
   CHECK(own.calls == 5);
}

int main(void)
{
   install_own();
   if (!CHECK(!vp_tracker_signal.start() && vp_pages_create(&pages, PAGES * VP_PAGE_SIZE) &&
              vp_tracker_signal.watch(&pages)))
      return check_finish();
   test_interrupted();
   test_own_handler();
   vp_tracker_signal.unwatch(&pages);
   vp_pages_destroy(&pages);
   munmap(own.forbidden, VP_PAGE_SIZE);
   return check_finish();
}
