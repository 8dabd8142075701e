/* SPDX-License-Identifier: MIT */

/* One loop that hears srun, the server in its job, and whether the program still lives. */

#include "client/run/job.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/process/server_address.h"
#include "client/run/job_key.h"
#include "client/run/slurm.h"
#include "client/run/srun.h"
#include "client/run/srun_words.h"
#include "common/net/socket.h"
#include "common/util/clock.h"

/* A job that starts at once says nothing of that it had to wait. */
#define PATIENCE_MS 2000

/* How long the job may take to end with the program; then srun is told to end it, and then srun ends, too. */
#define END_MS 10000

#define LINE_SIZE 1024

/* Of lines that come in pieces. */
struct reader {
   int fd;
   size_t length;
   char line[LINE_SIZE];
};

struct job {
   const struct vp_job_order *order;
   int signal_fd; /* SIGTERM is as if the program had ended */
   struct vp_srun srun;
   struct reader out, err;
   struct vp_slurm_server server;
   char number[VP_JOB_NUMBER_SIZE]; /* empty: not known yet */
   char error[LINE_SIZE];           /* what srun has said last that was wrong */
   char cancelled[LINE_SIZE];       /* what Slurm says of having ended the job */
   bool is_announced;               /* the program knows of the server */
   bool is_step; /* of an allocation that somebody else ends, perhaps as soon as the program has ended */
   bool is_program_gone;
   bool was_cancelled_first; /* when Slurm said so, the program had not ended */
   bool is_told_to_end;      /* srun has been told to end, since something took too long */
   int64_t waiting_ms;       /* when to say that the job waits; 0: it does not, or that has been said */
   int64_t deadline_ms;      /* of the end; 0: there is none yet */
};

/* --- what is said --- */

static void job_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As one piece: the program writes there, too. */
static void job_say(const char *format, ...)
{
   char line[3 * LINE_SIZE];
   va_list arguments;
   int length = snprintf(line, sizeof(line), "venus-run: ");

   va_start(arguments, format);
   length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
   va_end(arguments);
   if ((size_t)length > sizeof(line) - 2)
      length = (int)sizeof(line) - 2;
   line[length] = '\n';
   (void)!write(STDERR_FILENO, line, (size_t)length + 1);
}

static void job_say_waiting(struct job *job)
{
   char text[256], *reason;

   job->waiting_ms = 0;
   const bool known = vp_squeue_ask(job->number, "%P %r", text, sizeof(text)) && (reason = strchr(text, ' '));
   if (known) {
      *reason++ = '\0';
      job_say("waiting for job %s in partition %s (%s)", job->number, text, reason);
   } else {
      job_say("waiting for job %s", job->number);
   }
}

/* The program goes on, or has ended when it lost its GPU. */
static void job_say_lost(const struct job *job, int status)
{
   char why[LINE_SIZE] = "";

   if (job->cancelled[0])
      snprintf(why, sizeof(why), "%s", job->cancelled);
   else if (job->error[0])
      snprintf(why, sizeof(why), "%s", job->error);
   else if (!vp_squeue_ask(job->number, "%T", why, sizeof(why)))
      snprintf(why, sizeof(why), "srun has ended with status %d", status);
   job_say("job %s with the server has ended before the program: %s", job->number, why);
}

/* --- lines --- */

/* The next whole line, or what there is of one that is too long or that nothing follows. NULL: there is none. */
static const char *reader_next(struct reader *reader, char line[LINE_SIZE], bool is_last)
{
   const char *end = memchr(reader->line, '\n', reader->length);
   const size_t length = end ? (size_t)(end - reader->line) : reader->length;
   const size_t used = end ? length + 1 : length;

   if (!end && (length == 0 || (length < LINE_SIZE - 1 && !is_last)))
      return NULL;
   memcpy(line, reader->line, length);
   line[length] = '\0';
   if (length > 0 && line[length - 1] == '\r')
      line[length - 1] = '\0';
   memmove(reader->line, reader->line + used, reader->length - used);
   reader->length -= used;
   return line;
}

/* What can be read without waiting. False: there is nothing more now. */
static bool reader_fill(struct reader *reader)
{
   if (reader->fd < 0 || reader->length >= LINE_SIZE - 1)
      return false;
   const ssize_t n = read(reader->fd, reader->line + reader->length, LINE_SIZE - 1 - reader->length);
   if (n > 0) {
      reader->length += (size_t)n;
   } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      close(reader->fd);
      reader->fd = -1;
   }
   return n > 0;
}

/* --- the server --- */

static bool job_resolves(const char *host)
{
   struct addrinfo *list = NULL;
   const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
   const bool ok = strcmp(host, "-") != 0 && getaddrinfo(host, NULL, &hints, &list) == 0;

   if (list)
      freeaddrinfo(list);
   return ok;
}

static bool job_is_port(const char *text)
{
   return text[0] && strspn(text, "0123456789") == strlen(text) && atoi(text) > 0 && atoi(text) <= UINT16_MAX;
}

/* False: that is no address of a server. */
static bool job_make_address(struct job *job, const struct vp_job_place *place)
{
   const char *host = strcmp(place->route, "-") == 0 || job_resolves(place->host) ? place->host : place->route;
   struct vp_server_address parsed;
   char address[300];

   if (!job_is_port(place->port))
      return false;
   vp_socket_format_address(host, (uint16_t)atoi(place->port), address, sizeof(address));
   const int length =
      snprintf(job->server.address, sizeof(job->server.address), "tls://" VP_JOB_IDENTITY "@%s", address);
   return length > 0 && (size_t)length < sizeof(job->server.address) &&
          (size_t)length == vp_server_address_length(job->server.address) &&
          vp_server_address_parse(&parsed, job->server.address, (size_t)length);
}

/* The program waits for it, and so takes it all. */
static void job_answer(const struct job *job)
{
   const struct vp_slurm_server server = job->server;

   (void)!write(job->order->answer, &server, sizeof(server));
   close(job->order->answer);
}

static void job_announce(struct job *job, const struct vp_job_place *place)
{
   if (!job_make_address(job, place)) {
      snprintf(job->error, sizeof(job->error), "the server says that it is at %s, port %s", place->host, place->port);
      kill(job->srun.pid, SIGTERM);
      return;
   }
   snprintf(job->number, sizeof(job->number), "%s", place->job);
   job->is_announced = true;
   job->waiting_ms = 0;
   job->error[0] = '\0';
   job_answer(job);
}

static void job_hear_server(struct job *job, bool is_last)
{
   struct vp_job_place place;
   char line[LINE_SIZE];

   do {
      while (reader_next(&job->out, line, is_last)) {
         if (!job->is_announced && vp_job_place_parse(&place, line))
            job_announce(job, &place);
      }
   } while (reader_fill(&job->out));
}

/* --- srun --- */

static bool job_has_program_ended(const struct job *job)
{
   struct pollfd program = {.fd = job->order->program_end, .events = POLLIN};

   return poll(&program, 1, 0) > 0;
}

static void job_take_line(struct job *job, const char *line)
{
   char text[LINE_SIZE];

   switch (vp_srun_understand(line, text, sizeof(text))) {
   case VP_SRUN_QUEUED:
      snprintf(job->number, sizeof(job->number), "%.31s", text);
      job->waiting_ms = vp_clock_ms() + PATIENCE_MS;
      return;
   case VP_SRUN_ALLOCATED:
      job->waiting_ms = 0;
      return;
   case VP_SRUN_CANCELLED:
      snprintf(job->cancelled, sizeof(job->cancelled), "%s", text);
      job->was_cancelled_first = !job_has_program_ended(job);
      return;
   case VP_SRUN_ERROR:
      snprintf(job->error, sizeof(job->error), "%s", text);
      return;
   case VP_SRUN_NOTE:
      return;
   case VP_SRUN_OTHER:
      dprintf(STDERR_FILENO, "%s\n", line);
      return;
   }
}

static void job_hear_srun(struct job *job, bool is_last)
{
   char line[LINE_SIZE];

   do {
      while (reader_next(&job->err, line, is_last))
         job_take_line(job, line);
   } while (reader_fill(&job->err));
}

/* The server ends when its standard input does; a job that waits, or has only just begun, is srun's to end. */
static void job_end_with_program(struct job *job)
{
   job->is_program_gone = true;
   job->waiting_ms = 0;
   close(job->srun.in);
   job->srun.in = -1;
   job->deadline_ms = vp_clock_ms() + END_MS;
   if (!job->is_announced) {
      job->is_told_to_end = true;
      kill(job->srun.pid, SIGTERM);
   }
}

static void job_hurry(struct job *job)
{
   kill(job->srun.pid, job->is_told_to_end ? SIGKILL : SIGTERM);
   job->is_told_to_end = true;
   job->deadline_ms = vp_clock_ms() + END_MS;
}

/* Returns its exit status. */
static int job_wait_for_srun(const struct job *job)
{
   int status = 0;

   while (waitpid(job->srun.pid, &status, 0) < 0 && errno == EINTR)
      ;
   return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The program has ended first, and so the job: as it is to be. The server's status is another one when something else
 * than the end of its standard input has ended it. */
static bool job_has_ended_with_program(const struct job *job, int status)
{
   if (!job->is_program_gone || job->is_told_to_end)
      return job->is_program_gone;
   return job->cancelled[0] ? job->is_step && !job->was_cancelled_first : status == 0;
}

/* srun has ended. Nobody wants to know of it when that was only to be expected. */
static void job_conclude(struct job *job)
{
   const int status = job_wait_for_srun(job);

   job_hear_server(job, true);
   job_hear_srun(job, true);
   if (!job->is_announced && !job->is_program_gone && (job->error[0] || job->cancelled[0]))
      job_say("there is no job with a server: %s", job->error[0] ? job->error : job->cancelled);
   else if (!job->is_announced && !job->is_program_gone)
      job_say("there is no job with a server: srun has ended with status %d", status);
   else if (job->is_announced && !job_has_ended_with_program(job, status))
      job_say_lost(job, status);
}

/* --- the loop --- */

static int job_timeout(const struct job *job)
{
   const int64_t due = job->deadline_ms ? job->deadline_ms : job->waiting_ms, now = vp_clock_ms();

   return !due ? -1 : due > now ? (int)(due - now) : 0;
}

/* False when srun has ended. */
static bool job_step(struct job *job)
{
   struct pollfd fds[] = {
      {.fd = job->srun.end, .events = POLLIN},
      {.fd = job->is_program_gone ? -1 : job->order->program_end, .events = POLLIN},
      {.fd = job->out.fd, .events = POLLIN},
      {.fd = job->err.fd, .events = POLLIN},
      {.fd = job->is_program_gone ? -1 : job->signal_fd, .events = POLLIN},
   };

   if (poll(fds, sizeof(fds) / sizeof(*fds), job_timeout(job)) < 0)
      return errno == EINTR;
   if (fds[2].revents)
      job_hear_server(job, false);
   if (fds[3].revents)
      job_hear_srun(job, false);
   if (fds[1].revents || fds[4].revents)
      job_end_with_program(job);
   if (fds[0].revents)
      return false;
   if (job->deadline_ms && vp_clock_ms() >= job->deadline_ms)
      job_hurry(job);
   else if (job->waiting_ms && vp_clock_ms() >= job->waiting_ms)
      job_say_waiting(job);
   return true;
}

/* Whoever reads the program's output, or writes its input, is not to wait for this process. */
static bool job_leave_standard(void)
{
   int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

   while (fd >= 0 && fd <= STDERR_FILENO) /* one of them was closed */
      fd = fcntl(fd, F_DUPFD, fd + 1);
   const bool ok = fd >= 0 && dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0;
   if (fd >= 0)
      close(fd);
   return ok;
}

/* The server takes it when it starts; there is room in a pipe for it until then. */
static bool job_send_key(const struct job *job, char line[VP_JOB_KEY_LINE_SIZE])
{
   const ssize_t length = (ssize_t)strlen(line);
   const bool ok = write(job->srun.in, line, (size_t)length) == length && write(job->srun.in, "\n", 1) == 1;

   explicit_bzero(line, (size_t)length);
   return ok;
}

/* The terminal is the program's alone. False with errno. */
static bool job_watch_signals(struct job *job)
{
   sigset_t signals;

   signal(SIGPIPE, SIG_IGN);
   signal(SIGHUP, SIG_IGN);
   signal(SIGINT, SIG_IGN);
   signal(SIGQUIT, SIG_IGN);
   sigemptyset(&signals);
   sigaddset(&signals, SIGTERM);
   sigprocmask(SIG_BLOCK, &signals, NULL);
   job->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
   return job->signal_fd >= 0;
}

static bool job_start(struct job *job)
{
   char key[VP_JOB_KEY_LINE_SIZE], error[LINE_SIZE];
   const struct vp_job_order *order = job->order;

   if (!vp_job_key_make(key, job->server.key_file)) {
      job_say("cannot write the key for the job to %s: %s", job->server.key_file, strerror(errno));
      job->server.key_file[0] = '\0';
      return false;
   }
   if (!vp_srun_start(&job->srun, order->words, order->word_count, order->command, error, sizeof(error))) {
      job_say("%s", error);
      return false;
   }
   job->out.fd = job->srun.out;
   job->err.fd = job->srun.err;
   if (job->srun.end >= 0 && fcntl(job->out.fd, F_SETFL, O_NONBLOCK) == 0 &&
       fcntl(job->err.fd, F_SETFL, O_NONBLOCK) == 0 && (job_send_key(job, key) || errno == EPIPE))
      return true; /* one that has ended already says why */
   job_say("srun cannot be told of the key: %s", strerror(errno));
   kill(job->srun.pid, SIGTERM);
   return false;
}

void vp_job_keep(const struct vp_job_order *order)
{
   struct job job = {.order = order, .out = {.fd = -1}, .err = {.fd = -1}, .is_step = getenv("SLURM_JOB_ID")};

   if (!job_leave_standard() || !job_watch_signals(&job)) {
      job_say("cannot begin to look after the job: %s", strerror(errno));
   } else if (job_start(&job)) {
      (void)!chdir("/"); /* now that srun is where the program is */
      while (job_step(&job))
         ;
      job_conclude(&job);
   }
   if (job.server.key_file[0])
      unlink(job.server.key_file);
}
