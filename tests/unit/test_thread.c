/* SPDX-License-Identifier: MIT */

/* Threads in somebody else's process: no signal reaches them, and whoever starts them has the mask that it had. */

#include <pthread.h>
#include <signal.h>

#include "common/util/thread.h"
#include "tests/unit/check.h"

/* Not SIGKILL and SIGSTOP, which nobody can block, nor those that the C library keeps to itself. */
static bool can_be_blocked(int number)
{
   return number != SIGKILL && number != SIGSTOP && (number < 32 || number >= SIGRTMIN);
}

static void *read_mask(void *data)
{
   pthread_sigmask(SIG_SETMASK, NULL, data);
   return data;
}

static void test_blocks_all(void)
{
   sigset_t mask;
   pthread_t thread;
   void *returned;

   if (!CHECK(vp_thread_start(&thread, read_mask, &mask)))
      return;
   CHECK(pthread_join(thread, &returned) == 0 && returned == &mask);
   for (int i = 1; i <= SIGRTMAX; i++) {
      if (can_be_blocked(i))
         CHECK(sigismember(&mask, i) == (i != SIGSYS)); /* whoever blocks it is killed by a sandbox's trap */
   }
}

static void test_starter_keeps_mask(void)
{
   sigset_t hangup, seen, after;
   pthread_t thread;

   sigemptyset(&hangup);
   sigaddset(&hangup, SIGHUP);
   pthread_sigmask(SIG_SETMASK, &hangup, NULL);
   if (!CHECK(vp_thread_start(&thread, read_mask, &seen)))
      return;
   pthread_sigmask(SIG_SETMASK, NULL, &after);
   for (int i = 1; i <= SIGRTMAX; i++) {
      if (can_be_blocked(i))
         CHECK(sigismember(&after, i) == (i == SIGHUP));
   }
   pthread_join(thread, NULL);
}

int main(void)
{
   test_blocks_all();
   test_starter_keeps_mask();
   return check_finish();
}
