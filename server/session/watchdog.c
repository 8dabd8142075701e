/* SPDX-License-Identifier: MIT */

/* Sends signs of life, tells the client of SIGTERM, and ends the process if the driver keeps it for too long after the
 * client has gone or the end was announced. */

#include "server/session/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/error_frame.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/core/frame_writer.h"

#define TICK_MS 250

/* How long a worker may take to end, and without a client to notice that. */
#define END_MS 4000
#define GONE_MS 3000

/* For how long it is tried to tell the client that the worker is terminated. */
#define FAREWELL_MS 1000

static bool passed(int64_t deadline_ms)
{
   return deadline_ms && vp_clock_ms() >= deadline_ms;
}

/* Tells the client and wakes the thread that reads from it. A client that does not read cannot be told; then whoever
 * sends something to it is woken too. False when it is to be tried again. */
static bool say_farewell(struct vps_watchdog *watchdog, int64_t deadline_ms)
{
   static const struct vp_error error = {
      .command = VP_ERROR_NO_COMMAND,
      .text = "the server is shutting down",
   };

   const bool told = vps_frame_writer_offer_error(watchdog->writer, &error);
   if (!told && !passed(deadline_ms))
      return false;
   atomic_store(&watchdog->terminated, true); /* not before: the worker may end at once */
   shutdown(watchdog->writer->fd, told ? SHUT_RD : SHUT_RDWR);
   return true;
}

static void check_deadlines(struct vps_watchdog *watchdog, int64_t gone_deadline_ms)
{
   if (passed(atomic_load(&watchdog->end_deadline_ms))) {
      vp_log(VP_LOG_WARN, "the driver does not give up what the client has left; ending without it");
      _exit(0);
   }
   if (passed(gone_deadline_ms) && !atomic_load(&watchdog->end_deadline_ms)) {
      vp_log(VP_LOG_WARN, "the client is gone and the driver does not come back; ending without it");
      _exit(1);
   }
   if (passed(atomic_load(&watchdog->greeting_deadline_ms)))
      shutdown(watchdog->writer->fd, SHUT_RDWR);
}

static void *run_watch(void *argument)
{
   struct vps_watchdog *watchdog = argument;
   struct pollfd fds[] = {
      {.fd = watchdog->stop_fd, .events = POLLIN},
      {.fd = watchdog->signal_fd, .events = POLLIN},
      {.fd = watchdog->writer->fd, .events = POLLRDHUP},
   };
   int64_t gone_deadline_ms = 0, farewell_deadline_ms = 0;

   for (;;) {
      const int n = poll(fds, sizeof(fds) / sizeof(fds[0]), TICK_MS);
      if (n > 0 && fds[0].revents)
         return NULL;
      if (n > 0 && fds[1].revents) {
         fds[1].fd = -1; /* once is enough */
         vps_watchdog_announce_end(watchdog);
         farewell_deadline_ms = vp_clock_ms() + FAREWELL_MS;
      }
      if (n > 0 && fds[2].revents) {
         fds[2].fd = -1;
         gone_deadline_ms = vp_clock_ms() + GONE_MS;
      }
      if (farewell_deadline_ms && say_farewell(watchdog, farewell_deadline_ms))
         farewell_deadline_ms = 0;
      check_deadlines(watchdog, gone_deadline_ms);
      if (!atomic_load(&watchdog->greeting_deadline_ms))
         vps_frame_writer_keep_alive(watchdog->writer);
   }
}

bool vps_watchdog_start(struct vps_watchdog *watchdog, struct vps_frame_writer *writer, int greeting_ms)
{
   sigset_t signals;

   *watchdog = (struct vps_watchdog){.writer = writer};
   atomic_store(&watchdog->greeting_deadline_ms, vp_clock_ms() + greeting_ms);
   sigemptyset(&signals);
   sigaddset(&signals, SIGTERM);
   pthread_sigmask(SIG_BLOCK, &signals, NULL); /* threads of the driver inherit this */
   watchdog->signal_fd = vp_descriptor_keep(signalfd(-1, &signals, SFD_CLOEXEC));
   watchdog->stop_fd = vp_descriptor_keep(eventfd(0, EFD_CLOEXEC));
   int error = watchdog->signal_fd < 0 || watchdog->stop_fd < 0 ? errno : 0;
   if (!error)
      error = pthread_create(&watchdog->thread, NULL, run_watch, watchdog);
   if (!error)
      return true;

   vp_log(VP_LOG_ERROR, "cannot start a thread: %s", strerror(error));
   if (watchdog->signal_fd >= 0)
      close(watchdog->signal_fd);
   if (watchdog->stop_fd >= 0)
      close(watchdog->stop_fd);
   return false;
}

void vps_watchdog_greeted(struct vps_watchdog *watchdog)
{
   atomic_store(&watchdog->greeting_deadline_ms, 0);
}

void vps_watchdog_announce_end(struct vps_watchdog *watchdog)
{
   int64_t none = 0;
   atomic_compare_exchange_strong(&watchdog->end_deadline_ms, &none, vp_clock_ms() + END_MS);
}

void vps_watchdog_stop(struct vps_watchdog *watchdog)
{
   const uint64_t one = 1;

   if (write(watchdog->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
      vp_log(VP_LOG_ERROR, "cannot stop a thread: %s", strerror(errno));
   pthread_join(watchdog->thread, NULL);
   close(watchdog->signal_fd);
   close(watchdog->stop_fd);
}
