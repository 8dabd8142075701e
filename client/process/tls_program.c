/* SPDX-License-Identifier: MIT */

/* TLS is spoken by a program of its own: the application may have another OpenSSL in its process, to which a driver's
 * calls would be bound. */

#include "client/process/tls_program.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/process/config.h"
#include "client/process/program.h"

#define PROGRAM "venus-plus/venus-tls"

enum { MOST_ARGUMENTS = 9 };

/* Of the program; the last is NULL. */
struct arguments {
   char *texts[MOST_ARGUMENTS + 1];
   unsigned count;
   bool failed; /* no memory */
};

static const char *first_folder; /* NULL: there is none */

void vp_tls_program_look_in(const char *folder)
{
   first_folder = folder;
}

/* Beside the library in which this function is, if it is not in the other folder. False with errno. */
static bool find_program(char path[PATH_MAX])
{
   Dl_info own;
   char real[PATH_MAX];

   if (first_folder && snprintf(path, PATH_MAX, "%s/" PROGRAM, first_folder) < PATH_MAX && access(path, X_OK) == 0)
      return true;

   if (!dladdr(PROGRAM, &own) || !own.dli_fname || !realpath(own.dli_fname, real))
      return false;
   char *name = strrchr(real, '/') + 1;
   if ((size_t)(name - real) + sizeof(PROGRAM) > sizeof(real)) {
      errno = ENAMETOOLONG;
      return false;
   }
   memcpy(name, PROGRAM, sizeof(PROGRAM));
   memcpy(path, real, sizeof(real));
   return access(path, X_OK) == 0;
}

static void add_argument(struct arguments *arguments, const char *name, const char *value)
{
   if (!value || !*value || arguments->failed)
      return;
   arguments->failed = asprintf(&arguments->texts[arguments->count], "%s%s", name, value) < 0;
   if (arguments->failed)
      arguments->texts[arguments->count] = NULL;
   else
      arguments->count++;
}

static void fill_arguments(struct arguments *arguments, const struct vp_server_address *address, int timeout_ms)
{
   struct vp_tls_config config;
   char number[32];

   vp_config_read_tls(&config);
   add_argument(arguments, "venus-", "tls");
   add_argument(arguments, "--host=", address->place);
   add_argument(arguments, "--name=", address->service);
   snprintf(number, sizeof(number), "%u", (unsigned)address->port);
   add_argument(arguments, "--port=", number);
   snprintf(number, sizeof(number), "%d", timeout_ms);
   add_argument(arguments, "--timeout=", number);
   if (address->identity[0]) {
      add_argument(arguments, "--identity=", address->identity);
      add_argument(arguments, "--keys=", config.keys);
   } else {
      add_argument(arguments, "--ca=", config.ca);
      add_argument(arguments, "--pin=", config.pin);
      add_argument(arguments, "--cert=", config.certificate);
      add_argument(arguments, "--key=", config.key);
   }
}

static void finish_arguments(struct arguments *arguments)
{
   while (arguments->count > 0)
      free(arguments->texts[--arguments->count]);
}

int vp_tls_program_start(const struct vp_server_address *address, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE])
{
   struct arguments arguments = {0};
   char path[PATH_MAX] = PROGRAM;
   int fd = -1;

   if (!find_program(path)) {
      snprintf(error, VP_SOCKET_ERROR_SIZE,
               "cannot use tls://: %.140s: %s; a build without TLS (VP_TLS) does not have it", path, strerror(errno));
      return -1;
   }
   fill_arguments(&arguments, address, timeout_ms);
   if (arguments.failed)
      snprintf(error, VP_SOCKET_ERROR_SIZE, "cannot use tls://: out of memory");
   else
      fd = vp_program_execute(path, arguments.texts, error);
   finish_arguments(&arguments);
   return fd;
}
