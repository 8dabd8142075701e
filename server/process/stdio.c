/* SPDX-License-Identifier: MIT */

/* Serves the one client whose connection is standard input and output: copies between them and a worker, which needs
 * a socket. */

#include "server/process/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/process/gpu_check.h"
#include "server/process/worker_process.h"

#define PEER "on standard input"

/* How long the worker may take to end after its client has gone or it was told to, and after SIGKILL. */
#define END_MS 5000
#define KILL_MS 2000

/* What is read and not written yet, at most, each way. */
#define ROOM ((size_t)256 * 1024)

/* Bytes on their way from one descriptor to another. */
struct copier {
   int from, to;
   bool ended; /* there is nothing more to read */
   size_t begin, end;
   uint8_t data[ROOM];
};

/* One client. */
struct session {
   struct copier up, down; /* to the worker, and from it */
   int signal_fd;
   struct vps_worker_process worker;
   bool asked;          /* to end, by a signal */
   int64_t deadline_ms; /* then the worker is killed; 0: none */
};

/* Gives a standard descriptor away: what is printed, or read, is not to be part of the connection. -1 with errno. */
static int take_standard(int standard, int substitute)
{
   const int fd = fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

   return fd >= 0 && dup2(substitute, standard) >= 0 ? fd : -1;
}

static bool take_connection(struct session *session)
{
   const int nothing = vp_descriptor_open("/dev/null", O_RDONLY);

   session->up.from = take_standard(STDIN_FILENO, nothing);
   session->down.to = take_standard(STDOUT_FILENO, STDERR_FILENO);
   if (nothing >= 0)
      close(nothing);
   return session->up.from >= 0 && session->down.to >= 0;
}

static bool watch_signals(struct session *session)
{
   sigset_t signals;

   sigemptyset(&signals);
   sigaddset(&signals, SIGTERM);
   sigaddset(&signals, SIGINT);
   sigaddset(&signals, SIGCHLD);
   sigprocmask(SIG_BLOCK, &signals, NULL);
   session->signal_fd = vp_descriptor_keep(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
   return session->signal_fd >= 0;
}

static bool stdio_start_worker(struct session *session, const struct vps_options *options)
{
   struct vps_client client = {.peer = PEER, .load = {.places = 1}, .account_fd = -1, .page_fd = -1, .share_fd = -1};
   char cache[VPS_SHADER_CACHE_NAME_SIZE];
   int ends[2];

   snprintf(client.user, sizeof(client.user), "uid:%u", (unsigned)getuid());
   vps_shader_cache_name(cache, client.user);
   if (!vps_worker_process_start(&session->worker, options, cache) ||
       socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return false;
   session->up.to = session->down.from = ends[0];
   const bool ok = vps_worker_process_serve(&session->worker, ends[1], &client);
   close(ends[1]);
   return ok;
}

static bool has_data(const struct copier *copier)
{
   return copier->begin < copier->end;
}

static bool has_room(const struct copier *copier)
{
   return !copier->ended && copier->end < ROOM;
}

/* poll() has said that there is something, or the end. */
static void stdio_fill(struct copier *copier)
{
   const ssize_t n = read(copier->from, copier->data + copier->end, ROOM - copier->end);

   if (n > 0)
      copier->end += (size_t)n;
   else if (n == 0 || (errno != EAGAIN && errno != EINTR))
      copier->ended = true;
}

/* Never waits, without changing the description that we may share with others (O_NONBLOCK): poll() has said that there
 * is room, and what is no socket takes PIPE_BUF bytes then. False: nobody reads any more. */
static bool drain(struct copier *copier)
{
   const uint8_t *data = copier->data + copier->begin;
   const size_t size = copier->end - copier->begin;
   ssize_t n = send(copier->to, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

   if (n < 0 && errno == ENOTSOCK)
      n = write(copier->to, data, size < PIPE_BUF ? size : PIPE_BUF);
   if (n < 0)
      return errno == EAGAIN || errno == EINTR;
   copier->begin += (size_t)n;
   if (!has_data(copier))
      copier->begin = copier->end = 0;
   return true;
}

static void end_soon(struct session *session)
{
   if (!session->deadline_ms)
      session->deadline_ms = vp_clock_ms() + END_MS;
}

static void stdio_handle_signals(struct session *session)
{
   struct signalfd_siginfo info;

   while (read(session->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
      if (info.ssi_signo == SIGCHLD)
         continue;
      session->asked = true;
      kill(session->worker.pid, SIGTERM);
      end_soon(session);
   }
}

static int stdio_next_timeout(const struct session *session)
{
   if (!session->deadline_ms)
      return -1;
   const int64_t left = session->deadline_ms - vp_clock_ms();
   return left > 0 ? (int)left : 0;
}

/* False when the session is over. */
static bool copy_step(struct session *session)
{
   struct copier *up = &session->up, *down = &session->down;
   struct pollfd fds[] = {
      {.fd = session->signal_fd, .events = POLLIN},
      {.fd = has_room(up) ? up->from : -1, .events = POLLIN},
      {.fd = has_data(up) ? up->to : -1, .events = POLLOUT},
      {.fd = has_room(down) ? down->from : -1, .events = POLLIN},
      /* Also without anything to write, since this is where a pipe says that its reader has gone. */
      {.fd = down->to, .events = has_data(down) ? POLLOUT : 0},
   };
   const int n = poll(fds, sizeof(fds) / sizeof(*fds), stdio_next_timeout(session));

   if (n <= 0)
      return n < 0 && errno == EINTR;
   if (fds[0].revents)
      stdio_handle_signals(session);
   if (fds[1].revents)
      stdio_fill(up);
   if (fds[3].revents)
      stdio_fill(down);
   if (fds[2].revents && !drain(up))
      up->begin = up->end = 0; /* the worker ends; it may have said why */
   if (has_data(down) && fds[4].revents & POLLOUT ? !drain(down) : fds[4].revents & (POLLERR | POLLHUP | POLLNVAL))
      return false;
   if (up->ended && !has_data(up))
      shutdown(up->to, SHUT_WR);
   return !down->ended || has_data(down);
}

/* The connection is over. Returns the exit status. */
static int await_worker(struct session *session)
{
   int status = 0;
   pid_t pid = 0;

   end_soon(session);
   for (int64_t kill_ms = 0; (pid = waitpid(session->worker.pid, &status, WNOHANG)) == 0;) {
      struct pollfd signals = {.fd = session->signal_fd, .events = POLLIN};
      if (vp_clock_ms() >= session->deadline_ms && !kill_ms) {
         kill(session->worker.pid, SIGKILL);
         kill_ms = vp_clock_ms() + KILL_MS;
         session->deadline_ms = kill_ms;
      } else if (kill_ms && vp_clock_ms() >= kill_ms) {
         return 1;
      }
      poll(&signals, 1, stdio_next_timeout(session));
      stdio_handle_signals(session);
   }
   vps_worker_process_hear(&session->worker);
   session->worker.news.silent = false; /* nobody starts a command to see whether it is there */
   vps_worker_process_log_end(&session->worker, status, session->asked);
   return pid > 0 && (session->asked || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) ? 0 : 1;
}

static int stdio_serve(struct session *session, const struct vps_options *options)
{
   if (!take_connection(session)) {
      vp_log(VP_LOG_ERROR, "cannot use standard input and output as a connection: %s", strerror(errno));
      return 1;
   }
   /* Until then, a signal ends all of it. */
   if (!vps_gpu_check(options))
      return 1;
   if (!watch_signals(session) || !stdio_start_worker(session, options)) {
      vp_log(VP_LOG_ERROR, "cannot start a process for the client: %s", strerror(errno));
      return 1;
   }
   vp_log(VP_LOG_INFO, "client " PEER ": connected (worker %d)", (int)session->worker.pid);
   while (copy_step(session))
      ;
   close(session->up.to);
   return await_worker(session);
}

int vps_stdio_run(const struct vps_options *options)
{
   if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO)) {
      vp_log(VP_LOG_ERROR,
             "--stdio talks to a program and not to a terminal; it is for VENUS_SERVER=exec:..., and with "
             "ssh without -t");
      return 1;
   }
   struct session *session = calloc(1, sizeof(*session));
   if (!session) {
      vp_log(VP_LOG_ERROR, "out of memory");
      return 1;
   }
   const int status = stdio_serve(session, options);
   free(session);
   return status;
}
