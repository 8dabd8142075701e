/* SPDX-License-Identifier: MIT */

/* Starts the command of exec:, or venus-tls, so that the application does not notice it: no child of its own, no
 * signal, no descriptor. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/process/program.h"
#include "common/net/error_frame.h"
#include "common/util/descriptor.h"

#define SHELL "/bin/sh"
#define EXEC_FAILED 127

/* What is closed one by one where the kernel cannot close all, if there is no lower limit. */
#define MOST_DESCRIPTORS 65536

struct launch {
   const char *path;
   char *const *arguments;
   int connection; /* none of the standard descriptors */
   int descriptors;
   struct vp_error failure;
};

/* --- in the child: async-signal-safe --- */

/* Of fork() the application would know: its handlers for it would run, and the child would raise SIGCHLD and be
 * returned by wait(). This one does neither until it executes another program, but is for __WCLONE. */
static pid_t fork_unseen(void)
{
   return (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);
}

static void reset_signals(void)
{
   struct sigaction action = {.sa_handler = SIG_DFL};
   sigset_t none;

   for (int number = 1; number < NSIG; number++)
      (void)sigaction(number, &action, NULL);
   sigemptyset(&none);
   sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool take_descriptors(const struct launch *launch)
{
   if (dup2(launch->connection, STDIN_FILENO) < 0 || dup2(launch->connection, STDOUT_FILENO) < 0)
      return false;
   /* Closed, it would become the first file that the command opens. */
   if (fcntl(STDERR_FILENO, F_GETFD) < 0 && open("/dev/null", O_WRONLY) < 0)
      return false;
   if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) != 0) {
      for (int fd = STDERR_FILENO + 1; fd < launch->descriptors; fd++)
         close(fd);
   }
   return true;
}

static void run_command(const struct launch *launch)
{
   if (take_descriptors(launch)) {
      reset_signals();
      execve(launch->path, launch->arguments, environ);
   }
   vp_error_send(STDOUT_FILENO, &launch->failure);
   _exit(EXEC_FAILED);
}

/* The child of a child belongs to init: it may end whenever it wants to. */
static void run_detached(const struct launch *launch)
{
   const pid_t child = fork_unseen();

   if (child == 0)
      run_command(launch);
   if (child < 0)
      vp_error_send(launch->connection, &launch->failure);
   _exit(0);
}

/* --- in the application --- */

static int program_count_descriptors(void)
{
   struct rlimit limit;

   if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > MOST_DESCRIPTORS)
      return MOST_DESCRIPTORS;
   return (int)limit.rlim_cur;
}

/* No handler of the application runs in the child. False with errno. */
static bool launch_now(const struct launch *launch)
{
   sigset_t all, before;

   sigfillset(&all);
   pthread_sigmask(SIG_SETMASK, &all, &before);
   const pid_t child = fork_unseen();
   if (child == 0)
      run_detached(launch);
   const int error = errno;
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   while (child > 0 && waitpid(child, NULL, __WCLONE) < 0 && errno == EINTR)
      ;
   errno = error;
   return child > 0;
}

static bool open_connection(int ends[2])
{
   if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return false;
   ends[0] = vp_descriptor_keep(ends[0]);
   ends[1] = vp_descriptor_keep(ends[1]);
   if (ends[0] >= 0 && ends[1] >= 0)
      return true;
   const int error = errno;
   close(ends[ends[0] < 0]);
   errno = error;
   return false;
}

/* `name`: what is started, for messages. */
static int start_program(const char *path, char *const arguments[], const char *name, char error[VP_SOCKET_ERROR_SIZE])
{
   struct launch launch = {.path = path,
                           .arguments = arguments,
                           .descriptors = program_count_descriptors(),
                           .failure = {.command = VP_ERROR_ON_THE_WAY}};
   int ends[2];

   snprintf(launch.failure.text, sizeof(launch.failure.text),
            "cannot start \"%.100s\" to reach a Venus server: %.200s cannot be executed", name, path);
   const bool open = open_connection(ends);
   launch.connection = open ? ends[1] : -1;
   const bool launched = open && launch_now(&launch);
   if (!launched)
      snprintf(error, VP_SOCKET_ERROR_SIZE, "cannot start \"%.100s\" to reach a Venus server: %s", name,
               strerror(errno));
   if (open)
      close(ends[1]);
   if (open && !launched)
      close(ends[0]);
   return launched ? ends[0] : -1;
}

int vp_program_start(const char *command, char error[VP_SOCKET_ERROR_SIZE])
{
   /* exec takes them as char *, but changes nothing */
   char *const arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};

   return start_program(SHELL, arguments, command, error);
}

int vp_program_execute(const char *path, char *const arguments[], char error[VP_SOCKET_ERROR_SIZE])
{
   return start_program(path, arguments, arguments[0], error);
}
