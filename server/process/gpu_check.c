/* SPDX-License-Identifier: MIT */

/* Has a process of its own look for GPUs, since a driver that fails may take its process along. */

#include "server/process/gpu_check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/util/log.h"
#include "server/process/spawn.h"

static pid_t start_check(const struct vps_options *options, enum vps_mode mode)
{
   char **argv = vps_options_make_argv(options, mode);
   const pid_t pid = argv ? vps_spawn_self(argv, -1) : -1;

   free(argv);
   if (pid < 0)
      vp_log(VP_LOG_ERROR, "cannot start a process to look for GPUs: %s", strerror(errno));
   return pid;
}

/* Whether all is well; if not, the log says so, unless the process itself has. */
static bool judge_check(int status)
{
   if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
      vp_log(VP_LOG_ERROR, "a Vulkan driver of this machine does not answer; see whether vulkaninfo works");
   else if (WIFSIGNALED(status))
      vp_log(VP_LOG_ERROR, "a Vulkan driver of this machine crashed (%s); see whether vulkaninfo works",
             strsignal(WTERMSIG(status)));
   else if (WEXITSTATUS(status) > 1)
      vp_log(VP_LOG_ERROR, "cannot look for GPUs: the process for it ended with exit code %d", WEXITSTATUS(status));
   return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool vps_gpu_check(const struct vps_options *options)
{
   const pid_t pid = start_check(options, VPS_MODE_CHECK_GPUS);
   int status;

   if (pid < 0)
      return false;
   while (waitpid(pid, &status, 0) < 0) {
      if (errno != EINTR)
         return false;
   }
   return judge_check(status);
}

pid_t vps_gpu_check_start_trial(const struct vps_options *options)
{
   return start_check(options, VPS_MODE_TRY_GPUS);
}

bool vps_gpu_check_report_trial(int wait_status)
{
   const bool ok = judge_check(wait_status);

   if (ok)
      vp_log(VP_LOG_INFO, "the GPUs do what they are given again");
   return ok;
}
