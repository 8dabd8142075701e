/* SPDX-License-Identifier: MIT */

/* Starts workers, gives them their clients, and writes into the log how they ended. */

#include "server/process/worker_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"
#include "server/process/handover.h"
#include "server/process/spawn.h"

/* Who has said nothing in this time after he came wants something all the same. */
#define SILENCE_MS 500

/* How long a worker may take to end a session. */
#define KICK_GRACE_MS 5000

bool vps_worker_process_start(struct vps_worker_process *worker, const struct vps_options *options, const char *cache)
{
   char **argv = vps_options_make_argv(options, VPS_MODE_WORKER);
   int worker_end;
   if (!argv) {
      errno = ENOMEM;
      return false;
   }

   *worker = (struct vps_worker_process){.pid = -1, .share_fd = -1, .since_ms = vp_clock_ms()};
   snprintf(worker->cache, sizeof(worker->cache), "%s", cache);
   const bool open = vps_handover_open(&worker->handover_fd, &worker_end);
   if (open && vps_handover_send_cache(worker->handover_fd, worker->cache))
      worker->pid = vps_spawn_self(argv, worker_end);
   const int saved_errno = errno;
   free(argv);
   if (open)
      close(worker_end);
   if (open && worker->pid < 0)
      close(worker->handover_fd);
   errno = saved_errno;
   return worker->pid >= 0;
}

bool vps_worker_process_serve(struct vps_worker_process *worker, int fd, const struct vps_client *client)
{
   struct vps_client own = *client;

   /* Without a page there is less to be seen of the session, which is no reason not to have it. */
   own.page_fd = vps_session_page_create(&worker->page);
   const bool given =
      getentropy(own.session, sizeof(own.session)) == 0 && vps_handover_send(worker->handover_fd, fd, &own);
   const int saved_errno = errno;
   if (own.page_fd >= 0)
      close(own.page_fd);
   own.page_fd = own.share_fd = -1;
   if (given) {
      worker->client = own;
      worker->since_ms = vp_clock_ms();
   } else {
      vps_worker_process_dismiss(worker);
      vps_worker_process_finish(worker);
   }
   errno = saved_errno;
   return given;
}

bool vps_worker_process_resume(struct vps_worker_process *worker, int fd, const struct vps_client *client)
{
   vps_worker_process_hear(worker);
   return vps_handover_send(worker->handover_fd, fd, client);
}

static void log_client(const struct vps_worker_process *worker)
{
   vp_log_about(VP_LOG_INFO, worker->client.peer, worker->client.user,
                "client %s: connected (worker %d, client %u of at most %u)", worker->client.peer, (int)worker->pid,
                worker->clients, worker->most);
}

void vps_worker_process_announce_soon(struct vps_worker_process *worker, unsigned clients, unsigned most)
{
   worker->clients = clients;
   worker->most = most;
   if (worker->client.source.size > 0) /* it has said its greeting in the lobby */
      log_client(worker);
   else
      worker->announce_ms = vp_clock_ms() + SILENCE_MS;
}

void vps_worker_process_announce(struct vps_worker_process *workers, unsigned count)
{
   const int64_t now = vp_clock_ms();

   for (unsigned i = 0; i < count; i++) {
      if (!workers[i].announce_ms || now < workers[i].announce_ms)
         continue;
      workers[i].announce_ms = 0;
      log_client(&workers[i]);
   }
}

int64_t vps_worker_process_announcement_due(const struct vps_worker_process *workers, unsigned count)
{
   int64_t due = INT64_MAX;

   for (unsigned i = 0; i < count; i++) {
      if (workers[i].announce_ms && workers[i].announce_ms < due)
         due = workers[i].announce_ms;
   }
   return due;
}

void vps_worker_process_hear(struct vps_worker_process *worker)
{
   if (worker->handover_fd >= 0)
      vps_handover_hear(worker->handover_fd, &worker->news);
}

bool vps_worker_process_has_client(const struct vps_worker_process *worker)
{
   return worker->client.peer[0] != '\0';
}

void vps_worker_process_kick(struct vps_worker_process *worker, const char *reason)
{
   if (worker->page) {
      vp_text_copy(worker->page->reason, sizeof(worker->page->reason), reason, strlen(reason));
      atomic_store(&worker->page->is_kicked, true);
   }
   worker->kill_ms = vp_clock_ms() + KICK_GRACE_MS;
   kill(worker->pid, SIGTERM);
}

void vps_worker_process_finish(struct vps_worker_process *worker)
{
   vps_session_page_close(worker->page);
   worker->page = NULL;
}

void vps_worker_process_dismiss(struct vps_worker_process *worker)
{
   if (worker->handover_fd >= 0)
      close(worker->handover_fd);
   worker->handover_fd = -1;
}

/* It crashed, or has not said why it failed. */
static void log_failure(const struct vps_worker_process *worker, int status, double seconds)
{
   const int pid = (int)worker->pid;
   const char *peer = worker->client.peer[0] ? worker->client.peer : NULL;
   char whose[VPS_PEER_SIZE + 32];

   if (peer)
      snprintf(whose, sizeof(whose), "client %s: its worker", peer);
   else
      snprintf(whose, sizeof(whose), "without a client yet, worker");
   if (WIFSIGNALED(status))
      vp_log_about(VP_LOG_WARN, peer, worker->client.user, "%s %d was ended by signal %d (%s) after %.1f s", whose, pid,
                   WTERMSIG(status), strsignal(WTERMSIG(status)), seconds);
   else
      vp_log_about(VP_LOG_WARN, peer, worker->client.user, "%s %d failed with exit code %d after %.1f s", whose, pid,
                   WEXITSTATUS(status), seconds);
}

void vps_worker_process_log_end(const struct vps_worker_process *worker, int wait_status, bool asked)
{
   const double seconds = (double)(vp_clock_ms() - worker->since_ms) / 1000;
   const bool well = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
   const char *peer = worker->client.peer, *user = worker->client.user;
   const int pid = (int)worker->pid;

   if (worker->announce_ms && !worker->news.silent)
      log_client(worker);
   if (peer[0] && asked)
      vp_log_about(VP_LOG_INFO, peer, user, "client %s: ended with the server after %.1f s (worker %d)", peer, seconds,
                   pid);
   else if (peer[0] && WIFEXITED(wait_status) && worker->news.end[0])
      vp_log_about(worker->news.silent ? VP_LOG_DEBUG : VP_LOG_WARN, peer, user,
                   "client %s: session ended after %.1f s (worker %d): %s", peer, seconds, pid, worker->news.end);
   else if (peer[0] && well)
      vp_log_about(VP_LOG_INFO, peer, user, "client %s: disconnected after %.1f s (worker %d)", peer, seconds, pid);
   else if (!well)
      log_failure(worker, wait_status, seconds);
}
