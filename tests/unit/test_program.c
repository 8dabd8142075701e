/* SPDX-License-Identifier: MIT */
/* A command whose standard input and output are a connection: what it gets, and that the application does not notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/process/program.h"
#include "common/net/error_frame.h"
#include "common/net/frame.h"
#include "tests/unit/check.h"

static volatile sig_atomic_t children_ended, handlers_run;

static void on_child(int number)
{
   (void)number;
   children_ended++;
}

static void on_fork(void)
{
   handlers_run++;
}

/* What a command says until it ends. */
static const char *run(const char *command, char *said, size_t size)
{
   char error[VP_SOCKET_ERROR_SIZE] = "";
   size_t have = 0;
   ssize_t n = 1;

   const int fd = vp_program_start(command, error);
   if (!CHECK(fd > STDERR_FILENO))
      fprintf(stderr, "  %s\n", error);
   while (fd >= 0 && n > 0 && have < size - 1) {
      n = read(fd, said + have, size - 1 - have);
      have += n > 0 ? (size_t)n : 0;
   }
   said[have] = '\0';
   close(fd);
   return said;
}

static void test_connection(void)
{
   char error[VP_SOCKET_ERROR_SIZE], said[16] = "";
   const int fd = vp_program_start("cat", error);

   CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && !(fcntl(fd, F_GETFL) & O_NONBLOCK));
   CHECK(write(fd, "hello", 5) == 5);
   CHECK(recv(fd, said, 5, MSG_WAITALL) == 5 && strcmp(said, "hello") == 0);
   CHECK(shutdown(fd, SHUT_WR) == 0 && read(fd, said, 1) == 0);
   close(fd);
}

static void *wait_for_any(void *status)
{
   wait(status);
   return NULL;
}

/* A thread of the application waits for the application's own child. */
static void test_unseen(void)
{
   char said[64];
   int pipe_ends[2], status = 0;
   pthread_t thread;

   signal(SIGCHLD, on_child);
   CHECK(pipe(pipe_ends) == 0);
   const pid_t child = fork();
   if (child == 0) {
      close(pipe_ends[1]);
      _exit(read(pipe_ends[0], said, 1) == 0 ? 7 : 8);
   }
   CHECK(pthread_create(&thread, NULL, wait_for_any, &status) == 0);
   handlers_run = 0; /* for the child */
   for (int i = 0; i < 20; i++)
      CHECK(strcmp(run("echo $((40 + 2))", said, sizeof(said)), "42\n") == 0);
   poll(NULL, 0, 200);
   CHECK(children_ended == 0 && handlers_run == 0);
   CHECK(waitpid(-1, NULL, WNOHANG) == 0);
   close(pipe_ends[1]);
   close(pipe_ends[0]);
   pthread_join(thread, NULL);
   CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
   CHECK(children_ended == 1);
   CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
   CHECK(waitpid(-1, NULL, __WALL) == -1 && errno == ECHILD);
   signal(SIGCHLD, SIG_IGN);
   CHECK(strcmp(run("echo again", said, sizeof(said)), "again\n") == 0);
   signal(SIGCHLD, SIG_DFL);
}

static bool says(const char *status, const char *name)
{
   const char *line = strstr(status, name);
   return line && strtoull(line + strlen(name), NULL, 16) == 0;
}

static void test_fresh(void)
{
   static char said[8192];
   sigset_t blocked, still;

   signal(SIGUSR1, on_child);
   signal(SIGPIPE, SIG_IGN);
   signal(SIGRTMAX, SIG_IGN);
   sigemptyset(&blocked);
   sigaddset(&blocked, SIGUSR2);
   sigprocmask(SIG_SETMASK, &blocked, NULL);
   CHECK(dup2(STDERR_FILENO, 50) == 50); /* not close-on-exec */
   run("cat /proc/self/status", said, sizeof(said));
   CHECK(says(said, "SigBlk:") && says(said, "SigIgn:") && says(said, "SigCgt:"));
   sigprocmask(SIG_SETMASK, NULL, &still);
   CHECK(sigismember(&still, SIGUSR2) && !sigismember(&still, SIGUSR1));
   /* The last one is of the folder. */
   CHECK(strcmp(run("ls /proc/self/fd", said, sizeof(said)), "0\n1\n2\n3\n") == 0);
   setenv("VP_TEST_WORD", "two words", 1);
   CHECK(strcmp(run("echo \"$VP_TEST_WORD\"", said, sizeof(said)), "two words\n") == 0);
   close(50);
   sigemptyset(&blocked);
   sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* In a process that has closed them, what the command writes on standard error must not get into its files. */
static void test_closed_standard_descriptors(void)
{
   char said[128];
   int status;

   const pid_t child = fork();
   if (child == 0) {
      close(STDIN_FILENO);
      close(STDOUT_FILENO);
      close(STDERR_FILENO);
      const bool ok = strcmp(run("echo lost >&2; readlink /proc/$$/fd/2", said, sizeof(said)), "/dev/null\n") == 0;
      _exit(ok && fcntl(STDERR_FILENO, F_GETFD) < 0 ? 0 : 1);
   }
   CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_errors(void)
{
   char error[VP_SOCKET_ERROR_SIZE] = "", command[2000];
   struct rlimit before, none = {0};

   memset(command, 'x', sizeof(command) - 1);
   command[sizeof(command) - 1] = '\0';
   CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
   none.rlim_max = before.rlim_max;
   CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
   CHECK(vp_program_start(command, error) == -1);
   CHECK(strstr(error, "cannot start \"xxx") && strstr(error, strerror(EMFILE)));
   CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

/* Execution fails, here because the environment is too long. */
static void test_not_executed(void)
{
   static char huge[1 << 20];
   char error[VP_SOCKET_ERROR_SIZE];
   struct vp_frame frame = {0};
   struct vp_error said;

   memset(huge, 'x', sizeof(huge) - 1);
   setenv("VP_TEST_HUGE", huge, 1);
   const int fd = vp_program_start("true", error);
   unsetenv("VP_TEST_HUGE");
   CHECK(vp_frame_read(&VP_CHANNEL(fd), &frame, 5000) == VP_FRAME_OK && frame.header.type == VP_FRAME_ERROR);
   CHECK(vp_error_load(&said, frame.payload, frame.header.length) && strstr(said.text, "cannot be executed"));
   CHECK(vp_frame_read(&VP_CHANNEL(fd), &frame, 5000) == VP_FRAME_CLOSED);
   vp_frame_finish(&frame);
   close(fd);
}

int main(void)
{
   pthread_atfork(on_fork, on_fork, on_fork);
   test_connection();
   test_unseen();
   test_fresh();
   test_closed_standard_descriptors();
   test_errors();
   test_not_executed();
   return check_finish();
}
