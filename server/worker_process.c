/* SPDX-License-Identifier: MIT */
#include "server/worker_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/util/clock.h"
#include "common/util/log.h"
#include "common/util/text.h"
#include "server/spawn.h"

bool vp_worker_process_start(struct vp_worker_process *worker, const struct vp_server_options *options, int fd,
                             const char *peer)
{
   char **argv = vp_server_options_make_argv(options, VP_SERVER_WORKER, peer);
   if (!argv) {
      errno = ENOMEM;
      return false;
   }

   worker->pid = vp_spawn_self(argv, fd);
   const int saved_errno = errno;
   free(argv);
   errno = saved_errno;
   if (worker->pid < 0)
      return false;

   vp_text_copy(worker->peer, sizeof(worker->peer), peer, strlen(peer));
   worker->started_ms = vp_clock_ms();
   return true;
}

void vp_worker_process_log_end(const struct vp_worker_process *worker, int wait_status, bool asked)
{
   const double seconds = (double)(vp_clock_ms() - worker->started_ms) / 1000;
   const int pid = (int)worker->pid;

   if (asked)
      vp_log(VP_LOG_INFO, "client %s: ended with the server after %.1f s (worker %d)", worker->peer, seconds, pid);
   else if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
      vp_log(VP_LOG_INFO, "client %s: disconnected after %.1f s (worker %d)", worker->peer, seconds, pid);
   else if (WIFEXITED(wait_status))
      vp_log(VP_LOG_WARN, "client %s: its worker %d failed with exit code %d after %.1f s", worker->peer, pid,
             WEXITSTATUS(wait_status), seconds);
   else if (WIFSIGNALED(wait_status))
      vp_log(VP_LOG_WARN, "client %s: its worker %d was ended by signal %d (%s) after %.1f s", worker->peer, pid,
             WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)), seconds);
}
