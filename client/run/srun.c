/* SPDX-License-Identifier: MIT */

/* Starts srun with pipes, and squeue, whose answer does not take long. */

#include "client/run/srun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/process_end.h"
#include "common/util/clock.h"

#define ANSWER_MS 2000

/* Signals as for a program that a shell starts. An error, as of posix_spawn(). */
static int srun_spawn(pid_t *pid, char *const argv[], posix_spawn_file_actions_t *actions)
{
   posix_spawnattr_t attributes;
   sigset_t all, none;

   sigfillset(&all);
   sigemptyset(&none);
   int error = posix_spawnattr_init(&attributes);
   if (error)
      return error;
   posix_spawnattr_setsigdefault(&attributes, &all);
   posix_spawnattr_setsigmask(&attributes, &none);
   posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
   error = posix_spawnp(pid, argv[0], actions, &attributes, argv, environ);
   posix_spawnattr_destroy(&attributes);
   return error;
}

/* One server, whatever the options say: what comes last counts. NULL: out of memory. */
static char **srun_make_argv(char *const *words, unsigned count, const char *command)
{
   static const char *const own[] = {"--nodes=1", "--ntasks=1", "--input=all", "--output=all", "/bin/sh", "-c"};
   const size_t own_count = sizeof(own) / sizeof(*own);
   char **argv = calloc(1 + count + own_count + 2, sizeof(*argv));
   size_t n = 0;

   if (!argv)
      return NULL;
   /* exec takes them as char *, but changes nothing */
   argv[n++] = (char *)(uintptr_t) "srun";
   for (unsigned i = 0; i < count; i++)
      argv[n++] = words[i];
   for (size_t i = 0; i < own_count; i++)
      argv[n++] = (char *)(uintptr_t)own[i];
   argv[n] = (char *)(uintptr_t)command;
   return argv;
}

static void srun_close(int pipes[3][2])
{
   for (unsigned i = 0; i < 3; i++) {
      for (unsigned k = 0; k < 2; k++) {
         if (pipes[i][k] >= 0)
            close(pipes[i][k]);
      }
   }
}

static bool srun_open_pipes(int pipes[3][2])
{
   for (unsigned i = 0; i < 3; i++) {
      if (pipe2(pipes[i], O_CLOEXEC) != 0) {
         srun_close(pipes);
         return false;
      }
   }
   return true;
}

/* The ends of pipes that are its standard input, output and error. */
static int srun_spawn_with(pid_t *pid, char *const argv[], int pipes[3][2])
{
   posix_spawn_file_actions_t actions;
   int error = posix_spawn_file_actions_init(&actions);

   if (error)
      return error;
   for (int i = 0; i < 3 && !error; i++)
      error = posix_spawn_file_actions_adddup2(&actions, pipes[i][i == STDIN_FILENO ? 0 : 1], i);
   if (!error)
      error = srun_spawn(pid, argv, &actions);
   posix_spawn_file_actions_destroy(&actions);
   return error;
}

bool vp_srun_start(struct vp_srun *srun, char *const *words, unsigned count, const char *command, char *error,
                   size_t error_size)
{
   int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
   char **argv = srun_make_argv(words, count, command);
   int failure = argv ? 0 : ENOMEM;

   if (!failure && !srun_open_pipes(pipes))
      failure = errno;
   else if (!failure)
      failure = srun_spawn_with(&srun->pid, argv, pipes);
   free(argv);
   if (failure == ENOENT)
      snprintf(error, error_size,
               "Slurm is not here: there is no program 'srun' in PATH; venus-run slurm is for machines from which jobs "
               "are submitted");
   else if (failure)
      snprintf(error, error_size, "srun cannot be started: %s", strerror(failure));
   if (failure) {
      srun_close(pipes);
      return false;
   }
   srun->end = vp_process_end_open(srun->pid);
   srun->in = pipes[0][1];
   srun->out = pipes[1][0];
   srun->err = pipes[2][0];
   close(pipes[0][0]);
   close(pipes[1][1]);
   close(pipes[2][1]);
   return true;
}

/* The first line; its end is left out. */
static size_t squeue_read_line(int fd, char *out, size_t size)
{
   const int64_t deadline_ms = vp_clock_ms() + ANSWER_MS;
   struct pollfd answer = {.fd = fd, .events = POLLIN};
   size_t length = 0;
   ssize_t n = 1;

   while (n > 0 && length < size - 1 && !memchr(out, '\n', length)) {
      const int64_t left = deadline_ms - vp_clock_ms();
      n = left > 0 && poll(&answer, 1, (int)left) > 0 ? read(fd, out + length, size - 1 - length) : 0;
      length += n > 0 ? (size_t)n : 0;
   }
   out[length] = '\0';
   length = strcspn(out, "\n");
   out[length] = '\0';
   return length;
}

bool vp_squeue_ask(const char *job, const char *format, char *out, size_t size)
{
   char jobs[64], fields[64];
   char *argv[] = {(char *)(uintptr_t) "squeue",
                   (char *)(uintptr_t) "--noheader",
                   (char *)(uintptr_t) "--states=all",
                   jobs,
                   fields,
                   NULL};
   int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
   pid_t pid;

   snprintf(jobs, sizeof(jobs), "--jobs=%s", job);
   snprintf(fields, sizeof(fields), "--format=%s", format);
   if (!srun_open_pipes(pipes))
      return false;
   const bool started = srun_spawn_with(&pid, argv, pipes) == 0;
   close(pipes[1][1]);
   pipes[1][1] = -1;
   const size_t length = started ? squeue_read_line(pipes[1][0], out, size) : 0;
   srun_close(pipes);
   if (started) {
      kill(pid, SIGKILL);
      waitpid(pid, NULL, 0);
   }
   return length > 0;
}
