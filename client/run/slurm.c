/* SPDX-License-Identifier: MIT */

/* Leaves a process behind that has a job for as long as this one lives, and gets from it where the job's server is. */

#include "client/run/slurm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/job.h"
#include "client/run/process_end.h"
#include "common/util/descriptor.h"

static bool slurm_fail(void)
{
   fprintf(stderr, "venus-run: cannot start a process for the job: %s\n", strerror(errno));
   return false;
}

/* In a session of its own: what is typed on the terminal is for the program. */
static void slurm_keep_job(const struct vp_job_order *order)
{
   if (setsid() < 0)
      _exit(errno);
   const pid_t keeper = fork();
   if (keeper != 0)
      _exit(keeper < 0 ? errno : 0);
   vp_job_keep(order);
   _exit(0);
}

/* The child ends at once, so that the process that it leaves behind is nobody's. */
static bool slurm_leave_behind(const struct vp_job_order *order)
{
   const pid_t child = fork();
   int status = 0;

   if (child == 0)
      slurm_keep_job(order);
   while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
      ;
   if (child > 0)
      errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
   return child > 0 && errno == 0;
}

/* False: the other end has been closed before. */
static bool slurm_receive(struct vp_slurm_server *server, int fd)
{
   size_t got = 0;
   ssize_t n = 1;

   while (got < sizeof(*server) && (n > 0 || (n < 0 && errno == EINTR))) {
      n = read(fd, (char *)server + got, sizeof(*server) - got);
      got += n > 0 ? (size_t)n : 0;
   }
   return got == sizeof(*server);
}

bool vp_slurm_start(struct vp_slurm_server *server, char *const *words, unsigned count, const char *command)
{
   struct vp_job_order order = {.words = words, .word_count = count, .command = command};
   int ends[2];

   order.program_end = vp_descriptor_keep(vp_process_end_open(getpid()));
   if (order.program_end < 0 || pipe2(ends, O_CLOEXEC) != 0)
      return slurm_fail();
   ends[0] = vp_descriptor_keep(ends[0]);
   order.answer = ends[1] = vp_descriptor_keep(ends[1]);
   const bool left = slurm_leave_behind(&order);
   if (!left)
      (void)slurm_fail();
   close(ends[1]);
   close(order.program_end);
   const bool ok = left && slurm_receive(server, ends[0]);
   close(ends[0]);
   return ok;
}
