/* SPDX-License-Identifier: MIT */

/* Looking before sleeping: not at all unless it is allowed, never for longer than was said, and what comes is seen. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/spin.h"
#include "tests/unit/check.h"

#define LONG_NS INT64_C(60000000000)

static void test_not_allowed(void)
{
   vp_spin_allow(false);
   CHECK(!vp_spin(vp_clock_ns() + LONG_NS));
}

static void test_ends(void)
{
   const int64_t end_ns = vp_clock_ns() + 1000000;
   unsigned looks = 0;

   vp_spin_allow(true);
   while (vp_spin(end_ns))
      looks++;
   CHECK(vp_clock_ns() >= end_ns);
   CHECK(!vp_spin(end_ns));
}

static void test_until(void)
{
   unsigned looks = 0;

   vp_spin_allow(false);
   VP_SPIN_UNTIL(++looks == 2, LONG_NS);
   CHECK(looks == 1);
   vp_spin_allow(true);
   VP_SPIN_UNTIL(++looks == 4, LONG_NS);
   CHECK(looks == 4);
   const int64_t start_ns = vp_clock_ns();
   VP_SPIN_UNTIL(false, 1000000);
   CHECK(vp_clock_ns() - start_ns >= 1000000);
}

struct news {
   pthread_mutex_t lock;
   pthread_cond_t changed;
   atomic_uint count;
};

static void *bring_news(void *argument)
{
   struct news *news = argument;

   for (unsigned i = 0; i < 2; i++) {
      usleep(1000);
      pthread_mutex_lock(&news->lock);
      news->count++;
      pthread_cond_signal(&news->changed);
      pthread_mutex_unlock(&news->lock);
   }
   return NULL;
}

/* Whether it looks long enough to see the news itself or is woken, also by what it does not wait for. */
static void test_then_sleep(bool allowed, int64_t longest_ns)
{
   struct news news = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
   pthread_t thread;

   vp_spin_allow(allowed);
   if (!CHECK(pthread_create(&thread, NULL, bring_news, &news) == 0))
      return;
   VP_SPIN_THEN_SLEEP(news.count == 2, longest_ns, &news.changed, &news.lock);
   CHECK(news.count == 2);
   CHECK(pthread_mutex_trylock(&news.lock) == 0 && pthread_mutex_unlock(&news.lock) == 0);
   pthread_join(thread, NULL);
}

static void *send_byte(void *argument)
{
   const int *fd = argument;

   usleep(1000);
   return write(*fd, "x", 1) == 1 ? argument : NULL;
}

/* The test would take a minute if what came were not seen. */
static void test_data(void)
{
   int fds[2];
   char byte;
   pthread_t thread;

   vp_spin_allow(true);
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0) ||
       !CHECK(pthread_create(&thread, NULL, send_byte, &fds[1]) == 0))
      return;
   const int64_t end_ns = vp_clock_ns() + LONG_NS;
   CHECK(vp_spin_for_data(fds[0], end_ns));
   CHECK(vp_clock_ns() < end_ns);
   CHECK(recv(fds[0], &byte, 1, MSG_DONTWAIT) == 1);
   void *sent;
   pthread_join(thread, &sent);
   CHECK(sent);
   close(fds[1]);
   CHECK(vp_spin_for_data(fds[0], end_ns)); /* the end is something to receive as well */
   CHECK(vp_clock_ns() < end_ns);
   close(fds[0]);
}

static void fill(int fd)
{
   const uint8_t bytes[4096] = {0};

   while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
      ;
}

static void *empty(void *argument)
{
   const int *fd = argument;
   uint8_t bytes[4096];

   usleep(1000);
   while (recv(*fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
      ;
   return NULL;
}

static void test_room(void)
{
   int fds[2];
   pthread_t thread;

   vp_spin_allow(true);
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return;
   CHECK(vp_spin_for_room(fds[0], vp_clock_ns() + LONG_NS));
   fill(fds[0]);
   CHECK(!vp_spin_for_room(fds[0], vp_clock_ns() + 1000000));
   if (!CHECK(pthread_create(&thread, NULL, empty, &fds[1]) == 0))
      return;
   const int64_t end_ns = vp_clock_ns() + LONG_NS;
   CHECK(vp_spin_for_room(fds[0], end_ns) && vp_clock_ns() < end_ns);
   pthread_join(thread, NULL);
   close(fds[0]);
   close(fds[1]);
}

int main(void)
{
   test_not_allowed();
   test_ends();
   test_until();
   test_then_sleep(false, LONG_NS);
   test_then_sleep(true, 0);
   test_then_sleep(true, LONG_NS);
   test_data();
   test_room();
   return check_finish();
}
