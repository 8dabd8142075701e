/* SPDX-License-Identifier: MIT */

/* Opens the control socket and the place of metrics, and reports of workers what these have written into their pages.
 */

#include "server/process/overseer.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"
#include "server/control/commands.h"
#include "server/control/metrics.h"
#include "server/control/place.h"

#define UNIX_PREFIX "unix:"

/* --- what is reported --- */

static void read_counts(struct vps_counts *counts, const struct vps_session_page *page)
{
   for (unsigned i = 0; i < VPS_COUNTS; i++)
      counts->of[i] = page ? atomic_load_explicit(&page->counts[i], memory_order_relaxed) : 0;
}

static void add_counts(struct vps_counts *sum, const struct vps_counts *counts)
{
   for (unsigned i = 0; i < VPS_COUNTS; i++)
      sum->of[i] += counts->of[i];
}

/* What the worker has written, of which nothing is believed. */
static void report_page(struct vps_session_report *session, const struct vps_session_page *page)
{
   char text[VPS_PAGE_PROGRAM_SIZE];
   const uint32_t count = page ? atomic_load(&page->gpu_count) : 0;

   read_counts(&session->counts, page);
   session->gpu_count = count < VPS_COUNTED_GPUS ? count : VPS_COUNTED_GPUS;
   for (unsigned i = 0; i < session->gpu_count; i++) {
      vps_session_page_read(text, page->gpus[i].name, VPS_COUNTED_GPU_SIZE);
      vp_text_escape(session->gpus[i].name, sizeof(session->gpus[i].name), text);
      session->gpus[i].memory = atomic_load_explicit(&page->gpus[i].memory, memory_order_relaxed);
   }
   if (page && atomic_load(&page->has_program)) {
      vps_session_page_read(text, page->program, VPS_PAGE_PROGRAM_SIZE);
      vp_text_escape(session->program, sizeof(session->program), text);
   }
}

static void report_session(struct vps_session_report *session, struct vps_worker_process *worker)
{
   vps_worker_process_hear(worker);
   *session = (struct vps_session_report){
      .number = (int)worker->pid,
      .age_s = (uint64_t)(vp_clock_ms() - worker->since_ms) / 1000,
      .is_away = worker->news.lost_ms != 0,
      .is_kicked = worker->kill_ms != 0,
   };
   vp_text_escape(session->user, sizeof(session->user), worker->client.user);
   vp_text_escape(session->peer, sizeof(session->peer), worker->client.peer);
   report_page(session, worker->page);
}

static bool make_report(void *owner, struct vps_report *report)
{
   struct vps_overseer *overseer = owner;
   const struct vps_workers *workers = overseer->workers;

   *report = (struct vps_report){
      .sessions = calloc(workers->count + 1, sizeof(*report->sessions)),
      .places = vps_workers_count_clients(workers),
      .max_clients = overseer->options->max_clients,
      .is_accepting = overseer->is_accepting,
      .unhealthy = overseer->unhealthy,
      .age_s = (uint64_t)(vp_clock_ms() - overseer->since_ms) / 1000,
      .sessions_total = overseer->sessions,
      .counts = overseer->ended,
      .memory_quota = overseer->options->quota.of[VPS_QUOTA_DEVICE_MEMORY],
      .keys = overseer->keys[0] ? overseer->keys : NULL,
   };
   if (!report->sessions)
      return false;
   memcpy(report->rejects, overseer->rejects, sizeof(report->rejects));
   report->rejects[VPS_REJECT_SILENT] += overseer->lobby->silent;
   report->rejects[VPS_REJECT_TLS] += overseer->lobby->refused_by_tls;
   for (unsigned i = 0; i < workers->count; i++) {
      if (!vps_worker_process_has_client(&workers->list[i]))
         continue;
      struct vps_session_report *session = &report->sessions[report->count++];
      report_session(session, &workers->list[i]);
      add_counts(&report->counts, &session->counts);
   }
   return true;
}

void vps_overseer_tell_load(const struct vps_overseer *overseer, struct vp_load *load)
{
   struct vps_workers *workers = overseer->workers;

   *load = (struct vp_load){
      .sessions = vps_workers_count_clients(workers),
      .places = overseer->unhealthy ? 0 : overseer->options->max_clients,
   };
   vps_workers_find_gpus(workers, &load->gpus, &load->memory);
   for (unsigned i = 0; i < workers->count; i++) {
      const struct vps_session_page *page = workers->list[i].page;
      for (unsigned gpu = 0; page && gpu < VPS_COUNTED_GPUS; gpu++)
         load->memory_taken += atomic_load_explicit(&page->gpus[gpu].memory, memory_order_relaxed);
   }
}

void vps_overseer_note_end(struct vps_overseer *overseer, const struct vps_worker_process *worker)
{
   struct vps_counts counts;

   read_counts(&counts, worker->page);
   add_counts(&overseer->ended, &counts);
}

/* --- what is done --- */

static unsigned overseer_kick(void *owner, int number, const char *user, const char *reason)
{
   const struct vps_overseer *overseer = owner;
   unsigned count = 0;

   for (unsigned i = 0; i < overseer->workers->count; i++) {
      struct vps_worker_process *worker = &overseer->workers->list[i];
      const bool is_meant = user ? strcmp(worker->client.user, user) == 0 : worker->pid == number;
      if (!is_meant || !vps_worker_process_has_client(worker) || worker->kill_ms)
         continue;
      vp_log(VP_LOG_INFO, "client %s: the operator ends its session (worker %d)", worker->client.peer, worker->pid);
      vps_worker_process_kick(worker, reason);
      count++;
   }
   return count;
}

static void kill_late_ones(const struct vps_workers *workers)
{
   for (unsigned i = 0; i < workers->count; i++) {
      if (workers->list[i].kill_ms && vp_clock_ms() >= workers->list[i].kill_ms) {
         kill(workers->list[i].pid, SIGKILL);
         workers->list[i].kill_ms = INT64_MAX;
      }
   }
}

/* --- where it is asked for --- */

/* Without the option, a server goes on where it cannot be: another one of this user may have it. */
static bool open_control(struct vps_overseer *overseer)
{
   const char *said = overseer->options->control;
   char folder[sizeof(overseer->control_path)];

   if (said && strcmp(said, "none") == 0)
      return true;
   if (said)
      return vps_unix_socket_open(&overseer->control_socket, said, VP_LOG_ERROR);
   if (!vps_control_place(overseer->control_path, sizeof(overseer->control_path)) ||
       !vps_unix_socket_path_fits(overseer->control_path)) {
      vp_log(VP_LOG_DEBUG, "there is no place for a control socket without --control");
      return true;
   }
   memcpy(folder, overseer->control_path, sizeof(folder));
   if ((mkdir(dirname(folder), S_IRWXU) != 0 && errno != EEXIST) ||
       !vps_unix_socket_open(&overseer->control_socket, overseer->control_path, VP_LOG_DEBUG))
      vp_log(VP_LOG_INFO, "venus-ctl cannot talk to this server: %s cannot be had; see --control",
             overseer->control_path);
   return true;
}

static bool open_metrics_tcp(struct vps_overseer *overseer)
{
   const char *said = overseer->options->metrics;
   char host[256], error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;

   if (!vp_socket_parse_address(said, host, sizeof(host), &port)) {
      vp_log(VP_LOG_ERROR,
             "--metrics needs a loopback address with a port, as 127.0.0.1:9556, or unix:PATH, not \"%s\"", said);
      return false;
   }
   overseer->metrics_fd = vp_socket_bind(host, port, &port, error);
   if (overseer->metrics_fd >= 0 && vp_socket_reach(overseer->metrics_fd) != VP_REACH_LOOPBACK) {
      vp_log(
         VP_LOG_ERROR,
         "--metrics %s is not a loopback address, and metrics say who uses the server: name one, as 127.0.0.1:9556, "
         "or unix:PATH",
         said);
      return false;
   }
   if (overseer->metrics_fd >= 0 && vp_socket_open(overseer->metrics_fd, host, port, error))
      return true;
   vp_log(VP_LOG_ERROR, "%s", error);
   return false;
}

static bool open_metrics(struct vps_overseer *overseer)
{
   const char *said = overseer->options->metrics;

   if (!said)
      return true;
   if (strncmp(said, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0)
      return open_metrics_tcp(overseer);
   said += strlen(UNIX_PREFIX);
   if (!*said || !vps_unix_socket_path_fits(said)) {
      vp_log(VP_LOG_ERROR, "--metrics unix:PATH needs a path of at most 107 bytes");
      return false;
   }
   return vps_unix_socket_open(&overseer->metrics_socket, said, VP_LOG_ERROR);
}

bool vps_overseer_open(struct vps_overseer *overseer, const struct vps_options *options, struct vps_workers *workers,
                       const struct vps_lobby *lobby)
{
   overseer->options = options;
   overseer->workers = workers;
   overseer->lobby = lobby;
   overseer->since_ms = vp_clock_ms();
   overseer->oversight.owner = overseer;
   overseer->oversight.report = make_report;
   overseer->oversight.kick = overseer_kick;
   if (options->keys && !realpath(options->keys, overseer->keys))
      overseer->keys[0] = '\0';
   if (!open_control(overseer) || !open_metrics(overseer))
      return false;
   overseer->control.listen_fd = overseer->control_socket.fd;
   overseer->control.clerk = vps_commands_answer;
   overseer->metrics.listen_fd = overseer->metrics_fd >= 0 ? overseer->metrics_fd : overseer->metrics_socket.fd;
   overseer->metrics.clerk = vps_metrics_answer;
   overseer->control.owner = overseer->metrics.owner = &overseer->oversight;
   overseer->is_accepting = true;
   return true;
}

void vps_overseer_announce(const struct vps_overseer *overseer)
{
   const bool is_tcp = overseer->metrics_fd >= 0;

   if (overseer->control_socket.fd >= 0)
      vp_log(VP_LOG_DEBUG, "the control socket is %s", overseer->control_socket.path);
   if (overseer->options->metrics)
      vp_log(VP_LOG_INFO, "metrics are on %s%s%s", is_tcp ? "http://" : "", overseer->options->metrics,
             is_tcp ? "/metrics" : "");
}

/* --- in the listener's loop --- */

unsigned vps_overseer_prepare(const struct vps_overseer *overseer, struct pollfd pollfds[VPS_OVERSEER_POLLFDS])
{
   const unsigned count = vps_desk_prepare(&overseer->control, pollfds);

   return count + vps_desk_prepare(&overseer->metrics, pollfds + count);
}

int64_t vps_overseer_due(const struct vps_overseer *overseer)
{
   const int64_t control = vps_desk_due(&overseer->control), metrics = vps_desk_due(&overseer->metrics);
   int64_t due = control < metrics ? control : metrics;

   for (unsigned i = 0; i < overseer->workers->count; i++) {
      const int64_t kill_ms = overseer->workers->list[i].kill_ms;
      if (kill_ms && kill_ms < due)
         due = kill_ms;
   }
   return due;
}

static void accept_caller(struct vps_desk *desk, bool is_unix)
{
   struct vps_client client = {0};
   const char *refusal = NULL;
   const int fd = is_unix ? vps_unix_socket_accept(desk->listen_fd, &client, &refusal)
                          : vp_socket_accept(desk->listen_fd, client.peer, sizeof(client.peer));

   if (fd < 0) {
      vps_desk_rest(desk);
   } else if (refusal) {
      vp_log(VP_LOG_WARN, "%s: refused: %s", client.peer, refusal);
      close(fd);
   } else {
      vps_desk_enter(desk, fd);
   }
}

void vps_overseer_tend(struct vps_overseer *overseer, const struct pollfd *pollfds, unsigned count)
{
   for (unsigned i = 0; i < count; i++) {
      if (!pollfds[i].revents)
         continue;
      if (pollfds[i].fd == overseer->control.listen_fd)
         accept_caller(&overseer->control, true);
      else if (pollfds[i].fd == overseer->metrics.listen_fd)
         accept_caller(&overseer->metrics, overseer->metrics_fd < 0);
   }
   vps_desk_tend(&overseer->control);
   vps_desk_tend(&overseer->metrics);
   kill_late_ones(overseer->workers);
}

void vps_overseer_close(struct vps_overseer *overseer)
{
   vps_desk_close(&overseer->control);
   vps_desk_close(&overseer->metrics);
   vps_unix_socket_close(&overseer->control_socket);
   vps_unix_socket_close(&overseer->metrics_socket);
   if (overseer->metrics_fd >= 0)
      close(overseer->metrics_fd);
   overseer->metrics_fd = -1;
}
