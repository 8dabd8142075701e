/* SPDX-License-Identifier: MIT */

/* One loop with poll(): clients are accepted, wait in the lobby until they have said their greeting, and are given to
 * workers, some of which are started before there is a client; workers that end are reaped, and at the end all get
 * SIGTERM, then SIGKILL. */

#include "server/process/listener.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
#include "server/process/config_file.h"
#include "server/process/entrance.h"
#include "server/process/farewell.h"
#include "server/process/gates.h"
#include "server/process/gpu_check.h"
#include "server/process/job.h"
#include "server/process/lobby.h"
#include "server/process/notifier.h"
#include "server/process/overseer.h"
#include "server/process/returning.h"
#include "server/process/user_table.h"
#include "server/process/workers.h"

/* How long workers may take to end after SIGTERM, and the kernel after SIGKILL. */
#define TERM_GRACE_MS 5000
#define KILL_GRACE_MS 2000

/* After running out of file descriptors or memory: time for a client to leave. */
#define ACCEPT_PAUSE_MS 200

enum listener_state {
   RUNNING,
   DRAINING, /* nobody comes in, and clients may go on */
   ENDING,   /* workers were sent SIGTERM */
   KILLING,  /* workers were sent SIGKILL */
};

struct listener {
   struct vps_options *options;
   enum listener_state state;
   int64_t state_deadline_ms; /* of another than RUNNING: when it is over */
   int64_t accept_after_ms;   /* no accept before */
   struct vps_notifier notifier;
   bool job_is_over;      /* --job: standard input has ended, ... */
   bool job_has_let_go;   /* ... and nothing else had ended the server before */
   unsigned told_clients; /* how many there were when the service manager was told of it */
   struct vps_entrance entrance;
   struct vps_lobby lobby;
   struct vps_user_table users; /* where there are quotas for them */
   struct vps_gates gates;
   struct vps_workers workers;
   int signal_fd;
   pid_t trial_pid; /* sees whether the GPUs still do something; not positive: none */
   struct vps_farewells refused;
   struct vps_overseer overseer;
};

static void say_refusal(struct listener *listener, int fd, const char *text)
{
   struct vp_error error = {.command = VP_ERROR_NO_COMMAND};

   snprintf(error.text, sizeof(error.text), "%s", text);
   vp_error_send(fd, &error);
   vps_farewell_begin(&listener->refused, fd);
}

/* Whether the log has a line more about clients of this one's source. Who comes through no network has none, and all
 * that it wants. */
static bool may_tell(struct listener *listener, const struct vps_client *client)
{
   return client->source.size == 0 ||
          vps_source_table_may_tell(&listener->lobby.sources, &client->source, vp_clock_ms());
}

static void refuse_client(struct listener *listener, int fd, const struct vps_client *client, const char *text)
{
   if (may_tell(listener, client))
      vp_log_about(VP_LOG_WARN, client->peer, client->user, "client %s: refused: %s", client->peer, text);
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

/* With an account where one is needed. NULL with errno. */
static struct vps_worker_process *give_with_account(struct listener *listener, int fd, const struct vps_client *who)
{
   struct vps_client client = *who;

   if (vps_quota_is_set(&listener->options->user_quota)) {
      client.account_slot = vps_user_table_enter(&listener->users, client.user, &client.account_fd);
      if (client.account_slot < 0)
         return NULL;
   }
   struct vps_worker_process *worker = vps_workers_give(&listener->workers, fd, &client);
   const int saved_errno = errno;
   if (!worker && client.account_fd >= 0)
      vps_user_table_leave(&listener->users, client.user, client.account_slot);
   errno = saved_errno;
   return worker;
}

/* The one whose client has been away for the longest time ends, for another client. False: all clients are there. */
static bool dismiss_lost(struct listener *listener)
{
   struct vps_worker_process *found = vps_returning_longest_away(listener->workers.list, listener->workers.count);

   if (!found)
      return false;
   vp_log_about(VP_LOG_INFO, found->client.peer, found->client.user,
                "client %s: not waited for any more, since another one has come (worker %d)", found->client.peer,
                (int)found->pid);
   found->dismissed = true;
   return kill(found->pid, SIGTERM) == 0;
}

static void tell_load(void *owner, struct vp_load *load)
{
   const struct listener *listener = owner;

   vps_overseer_tell_load(&listener->overseer, load);
}

static void serve_client(struct listener *listener, int fd, const struct vps_client *client)
{
   const struct vps_options *options = listener->options;
   char text[160];

   if (vps_workers_count_clients(&listener->workers) >= options->max_clients && !dismiss_lost(listener)) {
      listener->overseer.rejects[VPS_REJECT_FULL]++;
      snprintf(text, sizeof(text), "the Venus server already serves its maximum of %u clients; try again later",
               options->max_clients);
      refuse_client(listener, fd, client, text);
      return;
   }

   struct vps_worker_process *worker = give_with_account(listener, fd, client);
   if (!worker) {
      snprintf(text, sizeof(text), "the Venus server cannot start a process for this client: %s", strerror(errno));
      listener->overseer.rejects[VPS_REJECT_PROCESS]++;
      refuse_client(listener, fd, client, text);
      return;
   }
   listener->overseer.sessions++;
   if (may_tell(listener, client))
      vps_worker_process_announce_soon(worker, vps_workers_count_clients(&listener->workers), options->max_clients);
   close(fd);
}

/* Whether there is no such session, or it is not this client's, is nobody's business. */
static void resume_client(struct listener *listener, int fd, const struct vp_resume *resume,
                          const struct vps_client *client)
{
   struct vps_worker_process *worker =
      vps_returning_find(listener->workers.list, listener->workers.count, resume, client);
   const bool given = worker && vps_worker_process_resume(worker, fd, client);

   vps_lobby_note_resumed(&listener->lobby, &client->source, given);
   if (given) {
      close(fd);
      return;
   }
   vp_log_about(VP_LOG_DEBUG, client->peer, client->user, "client %s: wants to resume a session that is not there",
                client->peer);
   listener->overseer.rejects[VPS_REJECT_NO_RESUME]++;
   say_refusal(listener, fd, "there is no such session any more; start a new one");
}

static void receive_guest(struct listener *listener, enum vps_lobby_verdict verdict, int fd,
                          const struct vps_client *client)
{
   struct vp_resume resume;

   listener->overseer.rejects[VPS_REJECT_STRANGE] += verdict == VPS_LOBBY_STRANGE;
   listener->overseer.rejects[VPS_REJECT_PLAIN] += verdict == VPS_LOBBY_PLAIN;
   if (verdict == VPS_LOBBY_GREETED && vps_returning_peek(fd, &resume))
      resume_client(listener, fd, &resume, client);
   else if (verdict == VPS_LOBBY_GREETED)
      serve_client(listener, fd, client);
   else if (verdict == VPS_LOBBY_STRANGE)
      refuse_stranger(listener, fd);
   else if (verdict == VPS_LOBBY_PLAIN)
      say_refusal(listener, fd, "the Venus server wants TLS: set VENUS_SERVER to tls://IDENTITY@HOST:PORT");
}

static void tend_lobby(struct listener *listener)
{
   struct vps_guest guest;
   enum vps_lobby_verdict verdict;

   while ((verdict = vps_lobby_take(&listener->lobby, &guest)) != VPS_LOBBY_KEPT)
      receive_guest(listener, verdict, guest.fd, &guest.client);
}

/* On the Unix socket there is nobody who has not been let in by the kernel: they go to their workers at once. */
static void accept_client(struct listener *listener, int listen_fd)
{
   const char *refusal;
   struct vps_client client = {0};
   const int fd = vps_entrance_accept(&listener->entrance, listen_fd, &client, &refusal);

   if (fd >= 0 && refusal) {
      listener->overseer.rejects[VPS_REJECT_USER]++;
      refuse_client(listener, fd, &client, refusal);
   } else if (fd >= 0 && listen_fd != listener->entrance.unix_socket.fd) {
      receive_guest(listener, vps_lobby_enter(&listener->lobby, fd, &client), fd, &client);
   } else if (fd >= 0) {
      tell_load(listener, &client.load); /* which its worker tells it if it asks */
      serve_client(listener, fd, &client);
   } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      vp_log(VP_LOG_WARN, "cannot accept a client: %s", strerror(errno));
      listener->accept_after_ms = vp_clock_ms() + ACCEPT_PAUSE_MS;
   } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      vp_log(VP_LOG_DEBUG, "a client left before it was accepted: %s", strerror(errno));
   }
}

static void note_end(struct listener *listener, struct vps_worker_process *worker, int status)
{
   const bool had_client = vps_worker_process_has_client(worker);

   vps_worker_process_hear(worker);
   if (had_client && may_tell(listener, &worker->client))
      vps_worker_process_log_end(worker, status, worker->dismissed || listener->state >= ENDING);
   if (had_client && worker->client.account_fd >= 0)
      vps_user_table_leave(&listener->users, worker->client.user, worker->client.account_slot);
   if (had_client)
      vps_overseer_note_end(&listener->overseer, worker);
   if (worker->news.hung && listener->trial_pid <= 0) {
      listener->trial_pid = vps_gpu_check_start_trial(listener->options);
      listener->overseer.unhealthy = listener->trial_pid > 0
                                        ? "the GPUs are being tried, since one was busy for too long"
                                        : "the GPUs cannot be tried";
   }
   vps_workers_remove(&listener->workers, worker, status);
}

static void reap_workers(struct listener *listener)
{
   int status;
   pid_t pid;

   while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (vps_gates_note_end(&listener->gates, pid, status))
         continue;
      if (pid == listener->trial_pid) {
         listener->overseer.unhealthy =
            vps_gpu_check_report_trial(status) ? NULL : "the GPUs do not do what they are given";
         listener->trial_pid = 0;
      }
      struct vps_worker_process *worker = vps_workers_find(&listener->workers, pid);
      if (worker)
         note_end(listener, worker, status);
   }
}

static void say_status(struct listener *listener)
{
   const unsigned clients = vps_workers_count_clients(&listener->workers);

   listener->told_clients = clients;
   vps_notifier_say(&listener->notifier, "STATUS=%s%u of at most %u clients",
                    listener->state == RUNNING ? "" : "Ending: ", clients, listener->options->max_clients);
}

static void end_workers(struct listener *listener)
{
   listener->state = ENDING;
   listener->state_deadline_ms = vp_clock_ms() + TERM_GRACE_MS;
   vps_workers_signal(&listener->workers, SIGTERM);
}

/* Nobody comes in any more. */
static void close_doors(struct listener *listener)
{
   listener->overseer.is_accepting = false;
   vps_workers_dismiss_ready(&listener->workers);
   vps_entrance_close(&listener->entrance);
   vps_gates_close(&listener->gates);
   vps_lobby_close(&listener->lobby);
   vps_notifier_say(&listener->notifier, "STOPPING=1");
}

/* Clients may go on until then; INT64_MAX: for as long as they want to. */
static void begin_draining(struct listener *listener, int64_t deadline_ms)
{
   listener->state = DRAINING;
   listener->state_deadline_ms = deadline_ms;
   say_status(listener);
}

static void begin_shutdown(struct listener *listener)
{
   const unsigned clients = vps_workers_count_clients(&listener->workers), seconds = listener->options->drain_timeout_s;

   vp_log(VP_LOG_INFO, "shutting down; %u clients are connected", clients);
   close_doors(listener);
   if (clients == 0 || seconds == 0) {
      end_workers(listener);
      return;
   }
   vp_log(VP_LOG_INFO, "they may go on for %u s; another SIGTERM ends them", seconds);
   /* Else the service manager would not wait for them. */
   vps_notifier_say(&listener->notifier, "EXTEND_TIMEOUT_USEC=%lld",
                    (seconds * 1000LL + TERM_GRACE_MS + 2LL * KILL_GRACE_MS) * 1000);
   begin_draining(listener, vp_clock_ms() + (int64_t)seconds * 1000);
}

static void drain_listener(void *owner)
{
   struct listener *listener = owner;

   if (listener->state != RUNNING)
      return;
   vp_log(VP_LOG_INFO, "no more clients come in; %u are connected, and with the last of them the server ends",
          vps_workers_count_clients(&listener->workers));
   close_doors(listener);
   begin_draining(listener, INT64_MAX);
}

/* One step further on the way out. */
static void advance_shutdown(struct listener *listener)
{
   if (listener->state == RUNNING) {
      begin_shutdown(listener);
   } else if (listener->state == DRAINING) {
      end_workers(listener);
   } else if (listener->state == ENDING) {
      if (listener->workers.count > 0)
         vp_log(VP_LOG_WARN, "killing %u workers that have not ended", listener->workers.count);
      listener->state = KILLING;
      listener->state_deadline_ms = vp_clock_ms() + KILL_GRACE_MS;
      vps_workers_signal(&listener->workers, SIGKILL);
   }
}

/* What clients to come get is new: how they are served, the keys, the drivers. */
static bool reload_listener(void *owner)
{
   struct listener *listener = owner;

   if (listener->state != RUNNING || listener->options->mode == VPS_MODE_JOB)
      return false;
   vps_notifier_say_reloading(&listener->notifier);
   if (vps_config_reload(listener->options)) {
      vp_log_init("venus-server", listener->options->log_level);
      if (!vps_workers_make_room(&listener->workers) || !vps_user_table_grow(&listener->users, listener->workers.room))
         vp_log(VP_LOG_ERROR, "out of memory for %u clients", listener->options->max_clients);
   }
   vps_workers_dismiss_ready(&listener->workers);
   vps_gates_reload(&listener->gates);
   vps_notifier_say_ready(&listener->notifier);
   return true;
}

static enum vps_reload listener_has_reloaded(void *owner)
{
   const struct listener *listener = owner;

   return vps_gates_reloaded(&listener->gates);
}

static void handle_signals(struct listener *listener)
{
   struct signalfd_siginfo info;

   while (read(listener->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
      if (info.ssi_signo == SIGHUP)
         reload_listener(listener);
      else if (info.ssi_signo != SIGCHLD && !listener->job_is_over) /* whose end is on its way */
         advance_shutdown(listener);
   }
   /* Several ended children may be one signal. */
   reap_workers(listener);
}

/* Who has started the server for a job wants it no more, or has ended. */
static void hear_job(struct listener *listener)
{
   listener->job_is_over = vps_job_is_over(listener->options);
   listener->job_has_let_go = listener->job_is_over && listener->state == RUNNING;
   if (listener->job_is_over && listener->state < ENDING)
      advance_shutdown(listener);
}

static bool is_listener_done(const struct listener *listener)
{
   if (listener->state == RUNNING)
      return false;
   return listener->workers.count == 0 || (listener->state == KILLING && vp_clock_ms() >= listener->state_deadline_ms);
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
   if (listener->state == RUNNING && vps_workers_due(&listener->workers) < due)
      due = vps_workers_due(&listener->workers);
   const int64_t announcement = vps_worker_process_announcement_due(listener->workers.list, listener->workers.count);
   due = announcement < due ? announcement : due;
   if (listener->notifier.next_sign_ms < due)
      due = listener->notifier.next_sign_ms;
   if (vps_farewell_due(&listener->refused) < due)
      due = vps_farewell_due(&listener->refused);
   if (vps_gates_due(&listener->gates) < due)
      due = vps_gates_due(&listener->gates);
   if (vps_overseer_due(&listener->overseer) < due)
      due = vps_overseer_due(&listener->overseer);
   return due == INT64_MAX ? -1 : due <= now ? 0 : (int)(due - now);
}

/* That all goes on, and how many clients there are, if that has changed. */
static void tell_manager(struct listener *listener)
{
   vps_notifier_tend(&listener->notifier);
   if (listener->told_clients != vps_workers_count_clients(&listener->workers))
      say_status(listener);
}

static bool listener_step(struct listener *listener)
{
   enum { FIRST_TCP = 3, MOST_ENTRANCES = VPS_ENTRANCE_TCP + 1 };
   struct pollfd
      pollfds[FIRST_TCP + MOST_ENTRANCES + VPS_GATES + VPS_OVERSEER_POLLFDS + VPS_FAREWELL_ROOM + VPS_LOBBY_ROOM];
   struct vps_entrance *entrance = &listener->entrance;
   const bool accepting = listener->state == RUNNING && vp_clock_ms() >= listener->accept_after_ms;

   /* A negative fd is not polled. */
   pollfds[0] = (struct pollfd){.fd = listener->signal_fd, .events = POLLIN};
   pollfds[1] = (struct pollfd){.fd = listener->job_is_over ? -1 : listener->options->job_in, .events = POLLIN};
   pollfds[2] = (struct pollfd){.fd = listener->workers.desk.epoll_fd, .events = POLLIN};
   /* No more than are open, or poll() would fail where the process may have few. */
   const unsigned first_gate = FIRST_TCP + entrance->tcp_count + 1;
   for (unsigned i = FIRST_TCP; i < first_gate - 1; i++)
      pollfds[i] = (struct pollfd){.fd = accepting ? entrance->tcp[i - FIRST_TCP].fd : -1, .events = POLLIN};
   pollfds[first_gate - 1] = (struct pollfd){.fd = accepting ? entrance->unix_socket.fd : -1, .events = POLLIN};
   const unsigned gate_count = vps_gates_prepare(&listener->gates, &pollfds[first_gate]);
   struct pollfd *overseers = &pollfds[first_gate + gate_count];
   const unsigned overseer_count = vps_overseer_prepare(&listener->overseer, overseers);
   struct pollfd *guests = overseers + overseer_count;
   guests += vps_farewell_prepare(&listener->refused, guests);
   const unsigned guest_count = vps_lobby_prepare(&listener->lobby, guests);

   if (poll(pollfds, (nfds_t)(guests - pollfds) + guest_count, listener_next_timeout(listener)) < 0) {
      if (errno == EINTR)
         return true;
      vp_log(VP_LOG_ERROR, "cannot wait for clients: %s", strerror(errno));
      return false;
   }

   vps_lobby_hear(&listener->lobby, guests);
   vps_farewell_tend(&listener->refused);
   if (pollfds[0].revents)
      handle_signals(listener);
   if (pollfds[1].revents)
      hear_job(listener);
   if (pollfds[2].revents)
      vps_share_desk_tend(&listener->workers.desk, listener->workers.list, listener->workers.count);
   tend_lobby(listener);
   for (unsigned i = FIRST_TCP; i < first_gate; i++) {
      if (listener->state == RUNNING && pollfds[i].revents)
         accept_client(listener, pollfds[i].fd);
   }
   vps_gates_tend(&listener->gates, &pollfds[first_gate], gate_count);
   vps_worker_process_announce(listener->workers.list, listener->workers.count);
   if (listener->state == RUNNING)
      vps_workers_tend(&listener->workers);
   vps_overseer_tend(&listener->overseer, overseers, overseer_count);
   tell_manager(listener);
   if ((listener->state == DRAINING || listener->state == ENDING) && vp_clock_ms() >= listener->state_deadline_ms)
      advance_shutdown(listener);
   return true;
}

static bool listener_init(struct listener *listener, struct vps_options *options)
{
   *listener = (struct listener){
      .options = options, .entrance = VPS_ENTRANCE_CLOSED, .overseer = VPS_OVERSEER_CLOSED, .signal_fd = -1};

   vps_notifier_open(&listener->notifier);
   if (!vps_workers_init(&listener->workers, options) ||
       !vps_user_table_init(&listener->users, listener->workers.room)) {
      vp_log(VP_LOG_ERROR, "out of memory for %u clients", options->max_clients);
      return false;
   }

   listener->overseer.oversight.listener = listener;
   listener->overseer.oversight.drain = drain_listener;
   listener->overseer.oversight.reload = reload_listener;
   listener->overseer.oversight.reloaded = listener_has_reloaded;
   listener->lobby.has_gate = vps_options_have_credentials(options);
   listener->lobby.tls_only = options->tls_only;
   listener->lobby.tell_load = tell_load;
   listener->lobby.load_owner = listener;
   if (!vps_entrance_open(&listener->entrance, options) ||
       !vps_gates_open(&listener->gates, options, &listener->lobby, &listener->refused) || !vps_gpu_check(options) ||
       !vps_overseer_open(&listener->overseer, options, &listener->workers, &listener->lobby))
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

   vps_overseer_announce(&listener->overseer);
   if (options->mode == VPS_MODE_JOB)
      vps_job_announce(options, listener->entrance.tcp[0].address);
   else
      vps_entrance_announce(&listener->entrance, options);
   vps_notifier_say_ready(&listener->notifier);
   say_status(listener);
   return true;
}

static void listener_finish(struct listener *listener)
{
   vps_notifier_close(&listener->notifier);
   vps_overseer_close(&listener->overseer);
   vps_farewell_close(&listener->refused);
   vps_gates_close(&listener->gates);
   vps_lobby_close(&listener->lobby);
   vps_entrance_close(&listener->entrance);
   if (listener->signal_fd >= 0)
      close(listener->signal_fd);
   vps_user_table_finish(&listener->users);
   vps_workers_finish(&listener->workers);
}

int vps_listener_run(struct vps_options *options)
{
   struct listener listener;
   bool ok = listener_init(&listener, options);

   while (ok && !is_listener_done(&listener))
      ok = listener_step(&listener);
   if (ok)
      vp_log(VP_LOG_INFO, "ended");
   vps_workers_signal(&listener.workers, SIGTERM);
   listener_finish(&listener);
   if (ok && options->mode == VPS_MODE_JOB && !listener.job_has_let_go)
      return VPS_EXIT_JOB_ENDED;
   return ok ? 0 : 1;
}
