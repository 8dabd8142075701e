/* SPDX-License-Identifier: MIT */

/* A table with a row for each option, by which the command line is read; and the command line that workers get. */

#include "server/process/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/socket.h"
#include "server/process/spawn.h"
#include "server/process/unix_socket.h"

#define DEFAULT_MAX_CLIENTS 64
#define LIMIT_MAX_CLIENTS 4096
#define DEFAULT_READY 2
#define LIMIT_READY 64

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* clang-format off */
const char vps_usage[] =
   "usage: venus-server [OPTION]...\n"
   "\n"
   "Offers the GPUs of this machine to Vulkan programs on other machines.\n"
   "\n"
   "  --port N         listen on this port (default " STRING(VP_DEFAULT_PORT) "; 0: any free one, see the output)\n"
   "  --host ADDR      listen on this address (default 127.0.0.1: this machine only;\n"
   "                   another one only with --insecure)\n"
   "  --insecure       allow --host to name one address that others can reach: whoever\n"
   "                   does can use the GPUs and read and change what is sent\n"
   "  --unix PATH      listen on a Unix socket for programs of this machine and this user;\n"
   "                   then not on TCP, unless --port or --host is given too\n"
   "  --stdio          serve one client on standard input and output and end with it, as\n"
   "                   with VENUS_SERVER='exec:ssh HOST venus-server --stdio'\n"
   "  --gpu GPU        offer only this GPU: its index or a part of its name, as --list\n"
   "                   shows them; may be given several times\n"
   "  --max-clients N  serve at most N clients at the same time (default " STRING(DEFAULT_MAX_CLIENTS) ")\n"
   "  --ready N        have N processes for clients to come (default " STRING(DEFAULT_READY) "), which have loaded\n"
   "                   the Vulkan driver; 0: start each when its client comes. They\n"
   "                   start anew on SIGHUP, as after an update of the driver\n"
   "  --compress MODE  compress memory that goes to clients: auto (default; where the link\n"
   "                   is slow enough that it pays), none, lz4, zstd\n"
   "  --user NAME      workers, which load the GPU driver, have the rights of this user;\n"
   "                   for a server that root starts\n"
   "  --sandbox on|off take from workers what a GPU driver does not need: capabilities,\n"
   "                   files, network, system calls (default on)\n"
   "  --cache DIR      where GPU drivers keep what they have compiled: a folder that only\n"
   "                   the workers' user can use (default ~/.cache/venus-server); none\n"
   "  --validate       run the validation layer on everything that clients do and log\n"
   "                   its messages\n"
   "  --log LEVEL      write messages up to this level: error, warn, info (default), debug\n"
   "  --list           show the GPUs and exit\n"
   "  --version        show the version and exit\n"
   "  --help           show this and exit\n";
/* clang-format on */

/* One row an option. A row without `set` sets the mode. */
struct option {
   const char *name;
   bool has_value;
   enum vps_mode mode;
   bool (*set)(struct vps_options *options, const char *value);
   const char *expected; /* the value that `set` takes, for messages */
};

static bool parse_number(const char *text, unsigned min, unsigned max, unsigned *number)
{
   unsigned value = 0;

   if (!*text || strlen(text) > 9)
      return false;
   for (; *text; text++) {
      if (*text < '0' || *text > '9')
         return false;
      value = value * 10 + (unsigned)(*text - '0');
   }
   if (value < min || value > max)
      return false;
   *number = value;
   return true;
}

static bool set_port(struct vps_options *options, const char *value)
{
   unsigned port;

   if (!parse_number(value, 0, UINT16_MAX, &port))
      return false;
   options->port = (uint16_t)port;
   options->tcp = true;
   return true;
}

static bool set_host(struct vps_options *options, const char *value)
{
   options->host = value;
   options->tcp = true;
   return *value != '\0';
}

static bool set_unix(struct vps_options *options, const char *value)
{
   options->unix_path = value;
   return *value != '\0' && vps_unix_socket_path_fits(value);
}

static bool set_insecure(struct vps_options *options, const char *value)
{
   (void)value;
   options->insecure = true;
   return true;
}

static bool set_gpu(struct vps_options *options, const char *value)
{
   options->gpus[options->gpu_count++] = value;
   return *value != '\0';
}

static bool set_max_clients(struct vps_options *options, const char *value)
{
   return parse_number(value, 1, LIMIT_MAX_CLIENTS, &options->max_clients);
}

static bool set_ready(struct vps_options *options, const char *value)
{
   return parse_number(value, 0, LIMIT_READY, &options->ready);
}

static bool set_validate(struct vps_options *options, const char *value)
{
   (void)value;
   options->validate = true;
   return true;
}

static bool set_compress(struct vps_options *options, const char *value)
{
   return vp_compression_parse(value, &options->compression);
}

static bool set_user(struct vps_options *options, const char *value)
{
   options->user = value;
   return *value != '\0';
}

static bool set_sandbox(struct vps_options *options, const char *value)
{
   options->sandbox = strcmp(value, "on") == 0;
   return options->sandbox || strcmp(value, "off") == 0;
}

static bool set_cache(struct vps_options *options, const char *value)
{
   options->cache = value;
   return (value[0] == '/' && strlen(value) < PATH_MAX) || strcmp(value, "none") == 0;
}

static bool set_log(struct vps_options *options, const char *value)
{
   return vp_log_parse_level(value, &options->log_level);
}

static bool set_worker_fd(struct vps_options *options, const char *value)
{
   unsigned fd;

   if (!parse_number(value, 3, 999999, &fd))
      return false;
   options->mode = VPS_MODE_WORKER;
   options->worker_fd = (int)fd;
   return true;
}

static const struct option option_table[] = {
   {.name = "--port", .has_value = true, .set = set_port, .expected = "a number from 0 to 65535"},
   {.name = "--host", .has_value = true, .set = set_host, .expected = "an address of this machine"},
   {.name = "--unix", .has_value = true, .set = set_unix, .expected = "a path of at most 107 bytes"},
   {.name = "--insecure", .set = set_insecure},
   {.name = "--gpu", .has_value = true, .set = set_gpu, .expected = "the index or a part of the name of a GPU"},
   {.name = "--max-clients",
    .has_value = true,
    .set = set_max_clients,
    .expected = "a number from 1 to " STRING(LIMIT_MAX_CLIENTS)},
   {.name = "--ready", .has_value = true, .set = set_ready, .expected = "a number from 0 to " STRING(LIMIT_READY)},
   {.name = "--compress", .has_value = true, .set = set_compress, .expected = "auto, none, lz4 or zstd"},
   {.name = "--user", .has_value = true, .set = set_user, .expected = "the name of a user of this machine"},
   {.name = "--sandbox", .has_value = true, .set = set_sandbox, .expected = "on or off"},
   {.name = "--cache", .has_value = true, .set = set_cache, .expected = "the full path of a folder, or none"},
   {.name = "--validate", .set = set_validate},
   {.name = "--log", .has_value = true, .set = set_log, .expected = "error, warn, info or debug"},
   {.name = "--stdio", .mode = VPS_MODE_STDIO},
   {.name = "--list", .mode = VPS_MODE_LIST},
   {.name = "--version", .mode = VPS_MODE_VERSION},
   {.name = "--help", .mode = VPS_MODE_HELP},
   /* not for people */
   {.name = "--check-gpus", .mode = VPS_MODE_CHECK_GPUS},
   {.name = "--worker-fd", .has_value = true, .set = set_worker_fd, .expected = "an open socket"},
};

/* The row of an argument "--name" or "--name=value"; *value becomes the value or NULL. */
static const struct option *find_option(const char *argument, const char **value)
{
   const char *equals = strchr(argument, '=');
   const size_t length = equals ? (size_t)(equals - argument) : strlen(argument);

   *value = equals ? equals + 1 : NULL;
   for (size_t i = 0; i < sizeof(option_table) / sizeof(option_table[0]); i++) {
      const struct option *option = &option_table[i];
      if (strlen(option->name) == length && strncmp(option->name, argument, length) == 0)
         return option;
   }
   return NULL;
}

bool vps_options_parse(struct vps_options *options, int argc, char *const argv[], char *error, size_t error_size)
{
   *options = (struct vps_options){
      .mode = VPS_MODE_LISTEN,
      .host = "127.0.0.1",
      .port = VP_DEFAULT_PORT,
      .max_clients = DEFAULT_MAX_CLIENTS,
      .ready = DEFAULT_READY,
      .compression = VP_COMPRESS_AUTO,
      .sandbox = true,
      .log_level = VP_LOG_INFO,
      .worker_fd = -1,
   };

   /* No more GPUs than arguments can be named. */
   options->gpus = calloc(argc > 0 ? (size_t)argc : 1, sizeof(*options->gpus));
   if (!options->gpus) {
      snprintf(error, error_size, "out of memory");
      return false;
   }

   for (int i = 1; i < argc; i++) {
      const char *value;
      const struct option *option = find_option(argv[i], &value);
      if (!option) {
         snprintf(error, error_size, "unknown option \"%s\"; see venus-server --help", argv[i]);
         return false;
      }
      if (!option->has_value && value) {
         snprintf(error, error_size, "option %s takes no value", option->name);
         return false;
      }
      if (option->has_value && !value && i + 1 < argc)
         value = argv[++i];
      if (option->has_value && !value) {
         snprintf(error, error_size, "option %s needs a value: %s", option->name, option->expected);
         return false;
      }
      if (!option->set) {
         options->mode = option->mode;
      } else if (!option->set(options, value)) {
         snprintf(error, error_size, "option %s needs %s, not \"%s\"", option->name, option->expected, value);
         return false;
      }
   }
   if (options->mode == VPS_MODE_STDIO && (options->tcp || options->unix_path)) {
      snprintf(error, error_size,
               "--stdio serves standard input and output alone: leave out --port, --host and --unix");
      return false;
   }
   options->tcp = options->tcp || !options->unix_path;
   return true;
}

void vps_options_finish(struct vps_options *options)
{
   free(options->gpus);
   options->gpus = NULL;
   options->gpu_count = 0;
}

char **vps_options_make_argv(const struct vps_options *options, enum vps_mode mode)
{
   enum { MAX_FIXED = 16 };
   char **argv = calloc(MAX_FIXED + 2 * (size_t)options->gpu_count, sizeof(*argv));
   size_t n = 0;

   if (!argv)
      return NULL;

      /* exec takes them as char *, but changes nothing */
#define ADD(text) argv[n++] = (char *)(uintptr_t)(text)
   ADD("venus-server");
   ADD(mode == VPS_MODE_WORKER ? "--worker-fd=" STRING(VPS_SPAWN_FD) : "--check-gpus");
   if (options->validate)
      ADD("--validate");
   ADD(options->sandbox ? "--sandbox=on" : "--sandbox=off");
   if (options->user) {
      ADD("--user");
      ADD(options->user);
   }
   if (options->cache) {
      ADD("--cache");
      ADD(options->cache);
   }
   ADD("--compress");
   ADD(vp_compression_name(options->compression));
   ADD("--log");
   ADD(vp_log_level_name(options->log_level));
   for (unsigned i = 0; i < options->gpu_count; i++) {
      ADD("--gpu");
      ADD(options->gpus[i]);
   }
#undef ADD
   return argv;
}
