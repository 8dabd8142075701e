/* SPDX-License-Identifier: MIT */

/* Takes the keys of --job from standard input, says on standard output where the server is, and notices that standard
 * input has ended. */

#include "server/process/job.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/socket.h"
#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/process/job_gpus.h"
#include "server/process/option_table.h"

/* A line for each of a few keys. */
#define KEYS_SIZE 4096

#define NOTHING "-"

/* Host names have at most 64 bytes, addresses fewer. */
#define HOST_SIZE 256

/* --- the options --- */

static bool job_set(struct vps_options *options, const char *name, const char *value)
{
   const struct vps_given given = {.layer = VPS_LAYER_COMMAND_LINE, .text = vps_options_keep(options, value)};
   char error[256] = "out of memory";

   if (given.text && vps_options_give(options, vps_option_find(name, strlen(name)), &given, error, sizeof(error)))
      return true;
   vp_log(VP_LOG_ERROR, "--job: %s", error);
   return false;
}

static bool job_set_default(struct vps_options *options, const char *name, const char *value)
{
   return vps_options_is_given(options, name) || job_set(options, name, value);
}

/* All addresses, of both kinds where there are both. */
static const char *wildcard(void)
{
   char error[VP_SOCKET_ERROR_SIZE];
   uint16_t port;
   const int fd = vp_socket_bind("::", 0, &port, error);

   if (fd < 0)
      return "0.0.0.0";
   close(fd);
   return "::";
}

/* What belongs to a server that is there for all is a matter of its own: two jobs can be on one machine. */
static bool complete_options(struct vps_options *options)
{
   return job_set(options, "--tls-only", "on") && job_set_default(options, "--port", "0") &&
          job_set_default(options, "--host", wildcard()) && job_set_default(options, "--control", "none") &&
          (options->gpu_count > 0 || vps_job_gpus_choose(options, VPS_JOB_GPUS_FOLDER));
}

/* --- the keys --- */

/* False with errno, 0: it has ended before. Byte for byte what comes is few. */
static bool read_until_empty_line(int fd, char text[KEYS_SIZE], size_t *size)
{
   *size = 0;
   while (*size < KEYS_SIZE) {
      const ssize_t n = read(fd, text + *size, 1);
      if (n < 0 && errno == EINTR)
         continue;
      if (n <= 0) {
         errno = n == 0 ? 0 : errno;
         return false;
      }
      *size += 1;
      if (text[*size - 1] == '\n' && (*size == 1 || text[*size - 2] == '\n'))
         return true;
   }
   errno = E2BIG;
   return false;
}

/* The gate gets a path, and reads it as the file of --keys. */
static bool keep_keys(struct vps_options *options, const char *text, size_t size)
{
   const int fd = vp_descriptor_memory_file("venus-keys", size);
   char path[64];

   if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0 || pwrite(fd, text, size, 0) != (ssize_t)size) {
      vp_log(VP_LOG_ERROR, "cannot keep the keys: %s", strerror(errno));
      return false;
   }
   snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
   return job_set(options, "--keys", path);
}

static bool take_keys(struct vps_options *options)
{
   char text[KEYS_SIZE];
   size_t size;
   bool ok = read_until_empty_line(options->job_in, text, &size);

   if (!ok)
      vp_log(VP_LOG_ERROR,
             "no key comes on standard input (%s): --job is for programs that start the server, as venus-run slurm",
             errno ? strerror(errno) : "it has ended");
   ok = ok && keep_keys(options, text, size);
   explicit_bzero(text, sizeof(text));
   return ok;
}

/* --- standard input and output --- */

/* What others read and print is not to get in between. */
static int take_over(int standard, int substitute)
{
   const int fd = fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

   return fd >= 0 && dup2(substitute, standard) >= 0 ? fd : -1;
}

bool vps_job_begin(struct vps_options *options)
{
   const int nothing = vp_descriptor_open("/dev/null", O_RDONLY);

   options->job_in = take_over(STDIN_FILENO, nothing);
   options->job_out = take_over(STDOUT_FILENO, STDERR_FILENO);
   if (nothing >= 0)
      close(nothing);
   if (options->job_in < 0 || options->job_out < 0) {
      vp_log(VP_LOG_ERROR, "cannot take over standard input and output: %s", strerror(errno));
      return false;
   }
   return take_keys(options) && complete_options(options);
}

bool vps_job_is_over(const struct vps_options *options)
{
   struct pollfd input = {.fd = options->job_in, .events = POLLIN};
   char more[256];

   if (poll(&input, 1, 0) <= 0)
      return false;
   const ssize_t n = read(options->job_in, more, sizeof(more));
   return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

/* --- where it is --- */

/* The address of this machine from which the one is reached that has submitted the job. */
static void find_own_address(char out[HOST_SIZE])
{
   const char *submitter = getenv("SLURM_LAUNCH_NODE_IPADDR");
   const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
   struct addrinfo *list = NULL;
   struct sockaddr_storage own;
   socklen_t size = sizeof(own);

   snprintf(out, HOST_SIZE, NOTHING);
   if (!submitter || getaddrinfo(submitter, "9", &hints, &list) != 0)
      return;
   const int fd = vp_descriptor_keep(socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, list->ai_protocol));
   /* Which sends nothing, but chooses a route. */
   if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) == 0 &&
       getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
       getnameinfo((struct sockaddr *)&own, size, out, HOST_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
      snprintf(out, HOST_SIZE, NOTHING);
   freeaddrinfo(list);
   if (fd >= 0)
      close(fd);
}

void vps_job_announce(const struct vps_options *options, const char *address)
{
   const char *colon = strrchr(address, ':'), *job = getenv("SLURM_JOB_ID");
   const bool is_everywhere = strcmp(options->host, "::") == 0 || strcmp(options->host, "0.0.0.0") == 0;
   char host[HOST_SIZE] = "", route[HOST_SIZE] = NOTHING, line[3 * HOST_SIZE];

   if (!is_everywhere)
      snprintf(host, sizeof(host), "%s", options->host);
   else if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
      snprintf(host, sizeof(host), NOTHING);
   if (is_everywhere)
      find_own_address(route);
   const int length = snprintf(line, sizeof(line), VPS_JOB_LINE "%s %s %s %.32s\n", host, colon ? colon + 1 : NOTHING,
                               route, job && *job ? job : NOTHING);
   if (length < 0 || write(options->job_out, line, (size_t)length) != length)
      vp_log(VP_LOG_ERROR, "cannot say on standard output where the server is: %s", strerror(errno));
}
