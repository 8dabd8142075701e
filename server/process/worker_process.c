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

bool vps_worker_process_start(struct vps_worker_process *worker, const struct vps_options *options)
{
   char **argv = vps_options_make_argv(options, VPS_MODE_WORKER);
   int worker_end;
   if (!argv) {
      errno = ENOMEM;
      return false;
   }

   *worker = (struct vps_worker_process){.pid = -1, .since_ms = vp_clock_ms()};
   const bool open = vps_handover_open(&worker->handover_fd, &worker_end);
   if (open)
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

bool vps_worker_process_serve(struct vps_worker_process *worker, int fd, const char *peer)
{
   const bool given = vps_handover_send(worker->handover_fd, fd);
   const int saved_errno = errno;

   if (given) {
      vp_text_copy(worker->peer, sizeof(worker->peer), peer, strlen(peer));
      worker->since_ms = vp_clock_ms();
   } else {
      vps_worker_process_dismiss(worker);
   }
   errno = saved_errno;
   return given;
}

void vps_worker_process_dismiss(struct vps_worker_process *worker)
{
   if (worker->handover_fd >= 0)
      close(worker->handover_fd);
   worker->handover_fd = -1;
}

void vps_worker_process_log_end(const struct vps_worker_process *worker, int wait_status, bool asked)
{
   const double seconds = (double)(vp_clock_ms() - worker->since_ms) / 1000;
   const int pid = (int)worker->pid;
   char whose[VPS_PEER_SIZE + 32];

   if (worker->peer[0])
      snprintf(whose, sizeof(whose), "client %s: its worker", worker->peer);
   else
      snprintf(whose, sizeof(whose), "without a client yet, worker");
   if (worker->peer[0] && asked)
      vp_log(VP_LOG_INFO, "client %s: ended with the server after %.1f s (worker %d)", worker->peer, seconds, pid);
   else if (worker->peer[0] && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
      vp_log(VP_LOG_INFO, "client %s: disconnected after %.1f s (worker %d)", worker->peer, seconds, pid);
   else if (WIFEXITED(wait_status))
      vp_log(VP_LOG_WARN, "%s %d failed with exit code %d after %.1f s", whose, pid, WEXITSTATUS(wait_status), seconds);
   else if (WIFSIGNALED(wait_status))
      vp_log(VP_LOG_WARN, "%s %d was ended by signal %d (%s) after %.1f s", whose, pid, WTERMSIG(wait_status),
             strsignal(WTERMSIG(wait_status)), seconds);
}
