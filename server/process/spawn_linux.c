/* SPDX-License-Identifier: MIT */

/* fork() and an exec of /proc/self/exe, with signals, process group and descriptors set in between. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "server/process/spawn.h"

#define EXEC_FAILED 127
#define OOM_SCORE_ADJ "500"

static void prefer_for_oom_kill(void)
{
   const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

   if (fd >= 0) {
      (void)!write(fd, OOM_SCORE_ADJ, strlen(OOM_SCORE_ADJ));
      close(fd);
   }
}

/* Who has the terminal could type into it. Not with setsid(), after which the scheduler sees in each worker a user of
 * its own. */
static void leave_terminal(void)
{
   const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

   if (fd >= 0) {
      ioctl(fd, TIOCNOTTY);
      close(fd);
   }
}

/* dup2 onto itself would keep the close-on-exec flag. */
static int pass_fd(int fd)
{
   if (fd == VPS_SPAWN_FD)
      return fcntl(fd, F_SETFD, 0);
   return dup2(fd, VPS_SPAWN_FD);
}

static void run_child(char *const argv[], int fd, pid_t parent)
{
   /* A parent that ended before this line would never send the signal. */
   if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
      return;

   sigset_t none;
   sigemptyset(&none);
   sigprocmask(SIG_SETMASK, &none, NULL);
   setpgid(0, 0);
   leave_terminal();
   prefer_for_oom_kill();

   if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || (fd >= 0 && pass_fd(fd) < 0))
      return;
   if (close_range(fd >= 0 ? VPS_SPAWN_FD + 1 : VPS_SPAWN_FD, ~0u, 0) != 0)
      return;
   execv("/proc/self/exe", argv);
}

pid_t vps_spawn_self(char *const argv[], int fd)
{
   const pid_t parent = getpid();
   const pid_t child = fork();

   if (child == 0) {
      run_child(argv, fd, parent);
      _exit(EXEC_FAILED);
   }
   return child;
}

void vps_process_set_name(const char *name)
{
   prctl(PR_SET_NAME, name);
}
