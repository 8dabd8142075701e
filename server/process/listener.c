/* SPDX-License-Identifier: MIT */

/* One loop with poll(): clients are accepted, wait in the lobby until they have said their greeting, and are given to
 * workers, some of which are started before there is a client; workers that end are reaped, and at the end all get
 * SIGTERM, then SIGKILL. */

#include "server/process/listener.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/net/error_frame.h"
#include "common/net/hello.h"
#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/process/entrance.h"
#include "server/process/gpu_check.h"
#include "server/process/handover.h"
#include "server/process/lobby.h"
#include "server/process/worker_process.h"

/* How long workers may take to end after SIGTERM, and the kernel after SIGKILL. */
#define TERM_GRACE_MS 5000
#define KILL_GRACE_MS 2000

/* After running out of file descriptors or memory: time for a client to leave. */
#define ACCEPT_PAUSE_MS 200

/* Workers for clients to come are started one by one, with this time in between and after a client has come: what these
 * do first is not to share the processor with that. */
#define READY_PAUSE_MS 100

/* One loads its driver at a time: NVIDIA's goes without what it keeps on disk while another process loads it. Which is
 * not waited for longer than this. */
#define READY_LOAD_MS 5000

/* The time, doubled each time, after one of them has ended by itself; for how long it must have lived to count as an
 * accident. */
#define READY_LEAST_PENALTY_MS 1000
#define READY_MOST_PENALTY_MS 60000
#define READY_LIFE_MS 10000

/* When a worker has ended whose driver had compiled much, those without a client are replaced, not more often than
 * this. */
#define RENEWAL_PAUSE_MS 5000

/* A client that is refused gets this long to read why. */
#define REFUSAL_MS 2000
#define MAX_REFUSED 16

enum listener_state {
   RUNNING,
   ENDING,  /* workers were sent SIGTERM */
   KILLING, /* workers were sent SIGKILL */
};

struct refused_client {
   int fd;
   int64_t deadline_ms;
};

struct listener {
   const struct vps_options *options;
   enum listener_state state;
   int64_t state_deadline_ms; /* ENDING, KILLING: when the state is over */
   int64_t accept_after_ms;   /* no accept before */
   struct vps_entrance entrance;
   struct vps_lobby lobby;
   int signal_fd;
   struct vps_worker_process *workers;
   unsigned worker_count, worker_room;
   int64_t ready_after_ms;   /* no worker without a client is started before */
   int64_t ready_penalty_ms; /* the last time that this was put off, because one had ended by itself; 0: not yet */
   int64_t renewal_ms;       /* when those that wait are to be replaced; 0: not at all */
   int64_t last_renewal_ms;
   struct refused_client refused[MAX_REFUSED];
   unsigned refused_count;
};

/* The connection lives on until the client has closed it: closing with unread
 * data in it would make TCP throw away what we said. */
static void say_refusal(struct listener *listener, int fd, const char *text)
{
   struct vp_error error = {.command = VP_ERROR_NO_COMMAND};

   snprintf(error.text, sizeof(error.text), "%s", text);
   vp_error_send(fd, &error);
   if (listener->refused_count == MAX_REFUSED) {
      close(fd);
      return;
   }
   shutdown(fd, SHUT_WR);
   listener->refused[listener->refused_count++] =
      (struct refused_client){.fd = fd, .deadline_ms = vp_clock_ms() + REFUSAL_MS};
}

static void refuse_client(struct listener *listener, int fd, const char *peer, const char *text)
{
   vp_log(VP_LOG_WARN, "client %s: refused: %s", peer, text);
   say_refusal(listener, fd, text);
}

/* It hears what a worker would say; the log is the lobby's, since there may be many of them. */
static void refuse_stranger(struct listener *listener, int fd)
{
   struct vp_hello hello;
   char text[VP_ERROR_TEXT_SIZE];

   (void)vp_hello_load(&hello, VP_CLIENT, NULL, 0, text, sizeof(text));
   say_refusal(listener, fd, text);
}

static void drop_refused(struct listener *listener, unsigned index)
{
   close(listener->refused[index].fd);
   listener->refused[index] = listener->refused[--listener->refused_count];
}

/* Throws away what refused clients send; lets go of those that are done. */
static void tend_refused(struct listener *listener)
{
   char waste[4096];
   const int64_t now = vp_clock_ms();

   for (unsigned i = listener->refused_count; i-- > 0;) {
      const ssize_t n = recv(listener->refused[i].fd, waste, sizeof(waste), MSG_DONTWAIT);
      const bool open = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
      if (!open || now >= listener->refused[i].deadline_ms)
         drop_refused(listener, i);
   }
}

static bool is_ready(const struct vps_worker_process *worker)
{
   return worker->handover_fd >= 0 && !worker->peer[0];
}

static bool has_client(const struct vps_worker_process *worker)
{
   return worker->peer[0] != '\0';
}

static unsigned count_workers(const struct listener *listener, bool (*which)(const struct vps_worker_process *worker))
{
   unsigned count = 0;

   for (unsigned i = 0; i < listener->worker_count; i++)
      count += which(&listener->workers[i]);
   return count;
}

/* A worker without a client; NULL with errno. */
static struct vps_worker_process *start_worker(struct listener *listener)
{
   if (listener->worker_count == listener->worker_room) {
      errno = EAGAIN;
      return NULL;
   }
   struct vps_worker_process *worker = &listener->workers[listener->worker_count];
   if (!vps_worker_process_start(worker, listener->options))
      return NULL;
   listener->worker_count++;
   return worker;
}

/* The one that has waited longest; NULL: none. */
static struct vps_worker_process *find_ready_worker(struct listener *listener)
{
   struct vps_worker_process *found = NULL;

   for (unsigned i = 0; i < listener->worker_count; i++) {
      struct vps_worker_process *worker = &listener->workers[i];
      if (is_ready(worker) && (!found || worker->since_ms < found->since_ms))
         found = worker;
   }
   return found;
}

/* NULL with errno. A ready worker that has ended, which we have not noticed yet, takes no client. */
static struct vps_worker_process *give_to_worker(struct listener *listener, int fd, const char *peer)
{
   struct vps_worker_process *worker;

   while ((worker = find_ready_worker(listener))) {
      if (vps_worker_process_serve(worker, fd, peer))
         return worker;
   }
   worker = start_worker(listener);
   return worker && vps_worker_process_serve(worker, fd, peer) ? worker : NULL;
}

static void serve_client(struct listener *listener, int fd, const char *peer)
{
   const struct vps_options *options = listener->options;
   const unsigned count = count_workers(listener, has_client);
   char text[160];

   if (count == options->max_clients) {
      snprintf(text, sizeof(text), "the Venus server already serves its maximum of %u clients; try again later",
               options->max_clients);
      refuse_client(listener, fd, peer, text);
      return;
   }

   const struct vps_worker_process *worker = give_to_worker(listener, fd, peer);
   if (!worker) {
      snprintf(text, sizeof(text), "the Venus server cannot start a process for this client: %s", strerror(errno));
      refuse_client(listener, fd, peer, text);
      return;
   }
   vp_log(VP_LOG_INFO, "client %s: connected (worker %d, client %u of at most %u)", peer, (int)worker->pid, count + 1,
          options->max_clients);
   close(fd);
   if (listener->ready_after_ms <= vp_clock_ms())
      listener->ready_after_ms = vp_clock_ms() + READY_PAUSE_MS;
}

static void receive_guest(struct listener *listener, enum vps_lobby_verdict verdict, int fd, const char *peer)
{
   if (verdict == VPS_LOBBY_GREETED)
      serve_client(listener, fd, peer);
   else if (verdict == VPS_LOBBY_STRANGE)
      refuse_stranger(listener, fd);
}

static void tend_lobby(struct listener *listener)
{
   struct vps_guest guest;
   enum vps_lobby_verdict verdict;

   while ((verdict = vps_lobby_take(&listener->lobby, &guest)) != VPS_LOBBY_KEPT)
      receive_guest(listener, verdict, guest.fd, guest.peer);
}

/* On the Unix socket there is nobody who has not been let in by the kernel: they go to their workers at once. */
static void accept_client(struct listener *listener, int listen_fd)
{
   const char *refusal;
   char peer[VPS_PEER_SIZE];
   const int fd = vps_entrance_accept(&listener->entrance, listen_fd, peer, sizeof(peer), &refusal);

   if (fd >= 0 && refusal) {
      refuse_client(listener, fd, peer, refusal);
   } else if (fd >= 0 && listen_fd == listener->entrance.tcp_fd) {
      receive_guest(listener, vps_lobby_enter(&listener->lobby, fd, peer), fd, peer);
   } else if (fd >= 0) {
      serve_client(listener, fd, peer);
   } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      vp_log(VP_LOG_WARN, "cannot accept a client: %s", strerror(errno));
      listener->accept_after_ms = vp_clock_ms() + ACCEPT_PAUSE_MS;
   } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      vp_log(VP_LOG_DEBUG, "a client left before it was accepted: %s", strerror(errno));
   }
}

/* A worker that had no client has ended by itself. */
static void note_early_end(struct listener *listener, struct vps_worker_process *worker, int status)
{
   const int64_t now = vp_clock_ms();

   vps_worker_process_dismiss(worker);
   if (now - worker->since_ms >= READY_LIFE_MS)
      listener->ready_penalty_ms = 0;
   if (listener->ready_penalty_ms == 0)
      vps_worker_process_log_end(worker, status, false);
   listener->ready_penalty_ms = listener->ready_penalty_ms ? 2 * listener->ready_penalty_ms : READY_LEAST_PENALTY_MS;
   if (listener->ready_penalty_ms > READY_MOST_PENALTY_MS)
      listener->ready_penalty_ms = READY_MOST_PENALTY_MS;
   listener->ready_after_ms = now + listener->ready_penalty_ms;
}

static void note_end(struct listener *listener, struct vps_worker_process *worker, int status)
{
   if (has_client(worker))
      vps_worker_process_log_end(worker, status, listener->state != RUNNING);
   else if (is_ready(worker))
      note_early_end(listener, worker, status);
   if (has_client(worker) && vps_handover_hear(worker->handover_fd, VPS_HANDOVER_COMPILED) && !listener->renewal_ms)
      listener->renewal_ms = listener->last_renewal_ms + RENEWAL_PAUSE_MS;
   vps_worker_process_dismiss(worker);
}

static void reap_workers(struct listener *listener)
{
   int status;
   pid_t pid;

   while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      for (unsigned i = 0; i < listener->worker_count; i++) {
         if (listener->workers[i].pid != pid)
            continue;
         note_end(listener, &listener->workers[i], status);
         listener->workers[i] = listener->workers[--listener->worker_count];
         break;
      }
   }
}

static void signal_workers(const struct listener *listener, int number)
{
   for (unsigned i = 0; i < listener->worker_count; i++)
      kill(listener->workers[i].pid, number);
}

static void dismiss_ready_workers(struct listener *listener)
{
   for (unsigned i = 0; i < listener->worker_count; i++) {
      if (is_ready(&listener->workers[i]))
         vps_worker_process_dismiss(&listener->workers[i]);
   }
}

/* Another one is to wait for a client; never so many that clients have no room, also when some do not end that were
 * dismissed. */
static bool wants_ready_worker(const struct listener *listener)
{
   const struct vps_options *options = listener->options;
   const unsigned clients = count_workers(listener, has_client);
   const unsigned wanted =
      options->ready < options->max_clients - clients ? options->ready : options->max_clients - clients;

   return listener->state == RUNNING && count_workers(listener, is_ready) < wanted &&
          listener->worker_count - clients < listener->worker_room - options->max_clients;
}

static void renew_ready_workers(struct listener *listener)
{
   if (!listener->renewal_ms || vp_clock_ms() < listener->renewal_ms)
      return;
   vp_log(VP_LOG_DEBUG, "workers without a client are replaced, since a driver has compiled more than they know of");
   listener->last_renewal_ms = vp_clock_ms();
   listener->renewal_ms = 0;
   dismiss_ready_workers(listener);
}

static bool one_is_loading(struct listener *listener)
{
   bool loading = false;

   for (unsigned i = 0; i < listener->worker_count; i++) {
      struct vps_worker_process *worker = &listener->workers[i];
      if (!is_ready(worker) || worker->loaded)
         continue;
      worker->loaded = vps_handover_hear(worker->handover_fd, VPS_HANDOVER_LOADED);
      loading = loading || (!worker->loaded && vp_clock_ms() < worker->since_ms + READY_LOAD_MS);
   }
   return loading;
}

static void tend_ready_workers(struct listener *listener)
{
   if (!wants_ready_worker(listener) || vp_clock_ms() < listener->ready_after_ms)
      return;
   if (!one_is_loading(listener) && !start_worker(listener))
      vp_log(VP_LOG_DEBUG, "cannot start a worker for a client to come: %s", strerror(errno));
   listener->ready_after_ms = vp_clock_ms() + READY_PAUSE_MS;
}

/* One step further on the way out. */
static void advance_shutdown(struct listener *listener)
{
   const unsigned count = listener->worker_count;

   if (listener->state == RUNNING) {
      vp_log(VP_LOG_INFO, "shutting down; %u clients are connected", count_workers(listener, has_client));
      dismiss_ready_workers(listener);
      vps_entrance_close(&listener->entrance);
      vps_lobby_close(&listener->lobby);
      listener->state = ENDING;
      listener->state_deadline_ms = vp_clock_ms() + TERM_GRACE_MS;
      signal_workers(listener, SIGTERM);
   } else if (listener->state == ENDING) {
      if (count > 0)
         vp_log(VP_LOG_WARN, "killing %u workers that have not ended", count);
      listener->state = KILLING;
      listener->state_deadline_ms = vp_clock_ms() + KILL_GRACE_MS;
      signal_workers(listener, SIGKILL);
   }
}

static void handle_signals(struct listener *listener)
{
   struct signalfd_siginfo info;

   while (read(listener->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
      if (info.ssi_signo == SIGHUP)
         dismiss_ready_workers(listener);
      else if (info.ssi_signo != SIGCHLD)
         advance_shutdown(listener);
   }
   /* Several ended children may be one signal. */
   reap_workers(listener);
}

static bool is_listener_done(const struct listener *listener)
{
   if (listener->state == RUNNING)
      return false;
   return listener->worker_count == 0 || (listener->state == KILLING && vp_clock_ms() >= listener->state_deadline_ms);
}

/* Milliseconds until something is due without an event, or -1. */
static int listener_next_timeout(const struct listener *listener)
{
   const int64_t now = vp_clock_ms();
   int64_t due = vps_lobby_due(&listener->lobby);

   if (listener->state != RUNNING)
      due = listener->state_deadline_ms;
   else if (listener->accept_after_ms > now && listener->accept_after_ms < due)
      due = listener->accept_after_ms;
   if (wants_ready_worker(listener) && listener->ready_after_ms < due)
      due = listener->ready_after_ms;
   if (listener->renewal_ms && listener->renewal_ms < due)
      due = listener->renewal_ms;
   for (unsigned i = 0; i < listener->refused_count; i++) {
      if (listener->refused[i].deadline_ms < due)
         due = listener->refused[i].deadline_ms;
   }
   return due == INT64_MAX ? -1 : due <= now ? 0 : (int)(due - now);
}

static bool listener_step(struct listener *listener)
{
   enum { FIRST_REFUSED = 3 };
   struct pollfd pollfds[FIRST_REFUSED + MAX_REFUSED + VPS_LOBBY_ROOM];
   struct vps_entrance *entrance = &listener->entrance;
   const bool accepting = listener->state == RUNNING && vp_clock_ms() >= listener->accept_after_ms;

   /* A negative fd is not polled. */
   pollfds[0] = (struct pollfd){.fd = listener->signal_fd, .events = POLLIN};
   pollfds[1] = (struct pollfd){.fd = accepting ? entrance->tcp_fd : -1, .events = POLLIN};
   pollfds[2] = (struct pollfd){.fd = accepting ? entrance->unix_socket.fd : -1, .events = POLLIN};
   for (unsigned i = 0; i < listener->refused_count; i++)
      pollfds[FIRST_REFUSED + i] = (struct pollfd){.fd = listener->refused[i].fd, .events = POLLIN};
   struct pollfd *guests = &pollfds[FIRST_REFUSED + listener->refused_count];
   const unsigned guest_count = vps_lobby_prepare(&listener->lobby, guests);

   if (poll(pollfds, (nfds_t)(guests - pollfds) + guest_count, listener_next_timeout(listener)) < 0) {
      if (errno == EINTR)
         return true;
      vp_log(VP_LOG_ERROR, "cannot wait for clients: %s", strerror(errno));
      return false;
   }

   vps_lobby_hear(&listener->lobby, guests);
   tend_refused(listener);
   if (pollfds[0].revents)
      handle_signals(listener);
   tend_lobby(listener);
   for (unsigned i = 1; i < FIRST_REFUSED; i++) {
      if (listener->state == RUNNING && pollfds[i].revents)
         accept_client(listener, pollfds[i].fd);
   }
   renew_ready_workers(listener);
   tend_ready_workers(listener);
   if (listener->state == ENDING && vp_clock_ms() >= listener->state_deadline_ms)
      advance_shutdown(listener);
   return true;
}

static bool listener_init(struct listener *listener, const struct vps_options *options)
{
   *listener = (struct listener){.options = options, .entrance = VPS_ENTRANCE_CLOSED, .signal_fd = -1};

   listener->worker_room = options->max_clients + 2 * options->ready;
   listener->workers = calloc(listener->worker_room, sizeof(*listener->workers));
   if (!listener->workers) {
      vp_log(VP_LOG_ERROR, "out of memory for %u clients", options->max_clients);
      return false;
   }

   if (!vps_entrance_open(&listener->entrance, options) || !vps_gpu_check(options))
      return false;

   sigset_t signals;
   sigemptyset(&signals);
   sigaddset(&signals, SIGTERM);
   sigaddset(&signals, SIGINT);
   sigaddset(&signals, SIGHUP);
   sigaddset(&signals, SIGCHLD);
   sigprocmask(SIG_BLOCK, &signals, NULL);
   listener->signal_fd = vp_descriptor_keep(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
   if (listener->signal_fd < 0) {
      vp_log(VP_LOG_ERROR, "cannot receive signals: %s", strerror(errno));
      return false;
   }

   vps_entrance_announce(&listener->entrance, options);
   return true;
}

static void listener_finish(struct listener *listener)
{
   while (listener->refused_count > 0)
      drop_refused(listener, 0);
   vps_lobby_close(&listener->lobby);
   vps_entrance_close(&listener->entrance);
   if (listener->signal_fd >= 0)
      close(listener->signal_fd);
   free(listener->workers);
}

int vps_listener_run(const struct vps_options *options)
{
   struct listener listener;
   bool ok = listener_init(&listener, options);

   while (ok && !is_listener_done(&listener))
      ok = listener_step(&listener);
   if (ok)
      vp_log(VP_LOG_INFO, "ended");
   signal_workers(&listener, SIGTERM);
   listener_finish(&listener);
   return ok ? 0 : 1;
}
