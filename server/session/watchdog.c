/* SPDX-License-Identifier: MIT */

/* Sends signs of life, tells the client why its session is ended from here, takes another connection of its, and ends
 * the process if the driver keeps it for too long after the client has gone or the end was announced. */

#include "server/session/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/core/frame_writer.h"
#include "server/core/tally.h"
#include "server/process/handover.h"
#include "server/session/resumption.h"

#define TICK_MS 250

/* How long a worker may take to end, and without a client to notice that. */
#define END_MS 4000
#define CUT_MS 2000 /* where the session was ended from here */
#define GONE_MS 3000

/* For how long it is tried to tell the client why its session ends. */
#define FAREWELL_MS 1000

static bool passed(int64_t deadline_ms)
{
   return deadline_ms && vp_clock_ms() >= deadline_ms;
}

static void announce_end_in(struct vps_watchdog *watchdog, int ms)
{
   int64_t none = 0;
   atomic_compare_exchange_strong(&watchdog->end_deadline_ms, &none, vp_clock_ms() + ms);
}

/* The listener has said SIGTERM. */
static void end_as_told(struct vps_watchdog *watchdog)
{
   char reason[VPS_PAGE_REASON_SIZE];

   if (vps_tally_is_kicked(reason))
      vps_frame_writer_end(watchdog->writer, VPS_END_KICKED, "the server's operator has ended this session%s%s",
                           reason[0] ? ": " : "", reason);
   else
      vps_frame_writer_end(watchdog->writer, VPS_END_ASKED, "the server is shutting down");
}

/* The session is to end; the listener hears why. */
static void begin_end(struct vps_watchdog *watchdog, enum vps_end end)
{
   announce_end_in(watchdog, end == VPS_END_ASKED ? END_MS : CUT_MS);
   if (end != VPS_END_ASKED)
      vps_handover_tell_end(watchdog->resumption->worker_fd, watchdog->writer->last_words.text);
   if (end == VPS_END_HUNG)
      vps_handover_tell(watchdog->resumption->worker_fd, VPS_HANDOVER_HUNG);
}

/* Tells the client and wakes the thread that reads from it. A client that does not read cannot be told; then whoever
 * sends something to it is woken too. False when it is to be tried again. */
static bool say_farewell(struct vps_watchdog *watchdog, int64_t deadline_ms)
{
   const bool told = vps_frame_writer_offer_last_words(watchdog->writer);

   if (!told && !passed(deadline_ms))
      return false;
   atomic_store(&watchdog->over, true); /* not before: the worker may end at once */
   vp_channel_end(&watchdog->writer->channel);
   shutdown(watchdog->writer->channel.fd, told ? SHUT_RD : SHUT_RDWR);
   return true;
}

static void check_deadlines(struct vps_watchdog *watchdog, enum vps_end end)
{
   if (passed(atomic_load(&watchdog->end_deadline_ms))) {
      vp_log(VP_LOG_WARN, "the driver does not give up what the client has left; ending without it");
      _exit(end == VPS_END_NONE || end == VPS_END_ASKED ? 0 : 1);
   }
   if (passed(watchdog->gone_deadline_ms) && !atomic_load(&watchdog->end_deadline_ms)) {
      vp_log(VP_LOG_WARN, "the client is gone and the driver does not come back; ending without it");
      _exit(1);
   }
   if (passed(atomic_load(&watchdog->greeting_deadline_ms)))
      shutdown(watchdog->writer->channel.fd, SHUT_RDWR);
}

enum { STOP, SIGNAL, CLIENT, LISTENER, FD_COUNT };

/* The client's connection has ended, or there is room for what it has not got. */
static void watch_client(struct vps_watchdog *watchdog, struct pollfd *client)
{
   if (client->revents & POLLOUT)
      vp_channel_push(&watchdog->writer->channel);
   if (client->revents & ~POLLOUT) {
      client->fd = -1;
      watchdog->gone_deadline_ms = vp_clock_ms() + GONE_MS + (int64_t)watchdog->resumption->keep_seconds * 1000;
      vps_resumption_note_lost(watchdog->resumption);
   }
}

static void watch_listener(struct vps_watchdog *watchdog, struct pollfd *listener, struct pollfd *client)
{
   bool listens;

   if (vps_resumption_receive(watchdog->resumption, &listens)) {
      client->fd = watchdog->writer->channel.fd;
      watchdog->gone_deadline_ms = 0;
   }
   if (!listens)
      listener->fd = -1;
}

static void *run_watch(void *argument)
{
   struct vps_watchdog *watchdog = argument;
   const struct vp_channel *channel = &watchdog->writer->channel;
   struct pollfd fds[FD_COUNT] = {
      [STOP] = {.fd = watchdog->stop_fd, .events = POLLIN},
      [SIGNAL] = {.fd = watchdog->signal_fd, .events = POLLIN},
      [CLIENT] = {.fd = channel->fd},
      [LISTENER] = {.fd = -1, .events = POLLIN},
   };
   enum vps_end end = VPS_END_NONE;
   int64_t farewell_deadline_ms = 0;
   bool greeted = false;

   for (;;) {
      fds[CLIENT].events = POLLRDHUP | (vp_channel_is_behind(channel) ? POLLOUT : 0);
      const int n = poll(fds, FD_COUNT, TICK_MS);
      if (n > 0 && fds[STOP].revents)
         return NULL;
      if (n > 0 && fds[SIGNAL].revents) {
         fds[SIGNAL].fd = -1; /* once is enough */
         end_as_told(watchdog);
      }
      if (n > 0 && fds[CLIENT].revents)
         watch_client(watchdog, &fds[CLIENT]);
      if (n > 0 && fds[LISTENER].revents)
         watch_listener(watchdog, &fds[LISTENER], &fds[CLIENT]);
      if (end == VPS_END_NONE && (end = atomic_load(&watchdog->writer->end)) != VPS_END_NONE) {
         begin_end(watchdog, end);
         farewell_deadline_ms = vp_clock_ms() + FAREWELL_MS;
      }
      if (farewell_deadline_ms && say_farewell(watchdog, farewell_deadline_ms))
         farewell_deadline_ms = 0;
      check_deadlines(watchdog, end);
      vps_resumption_report(watchdog->resumption);
      if (!greeted && !atomic_load(&watchdog->greeting_deadline_ms)) {
         greeted = true;
         fds[LISTENER].fd = watchdog->resumption->worker_fd;
      }
      if (greeted)
         vps_frame_writer_keep_alive(watchdog->writer);
   }
}

bool vps_watchdog_start(struct vps_watchdog *watchdog, struct vps_frame_writer *writer,
                        struct vps_resumption *resumption, int greeting_ms)
{
   sigset_t signals;

   *watchdog = (struct vps_watchdog){.writer = writer, .resumption = resumption};
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
   announce_end_in(watchdog, END_MS);
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
