/* SPDX-License-Identifier: MIT */

/* The options of venus-server: a row for each with all that there is to know of it, and how its value is read. */

#include "server/process/option_table.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/limits.h"
#include "common/net/socket.h"
#include "server/process/unix_socket.h"

#define LIMIT_TIMEOUT 1000000

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

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

static void *field_of(struct vps_options *options, const struct vps_option *option)
{
   return (char *)options + option->field;
}

static bool set_text(struct vps_options *options, const struct vps_option *option, const char *value)
{
   *(const char **)field_of(options, option) = value;
   return *value != '\0';
}

static bool set_switch(struct vps_options *options, const struct vps_option *option, const char *value)
{
   bool *on = field_of(options, option);

   *on = strcmp(value, "on") == 0;
   return *on || strcmp(value, "off") == 0;
}

static bool set_number(struct vps_options *options, const struct vps_option *option, const char *value)
{
   return parse_number(value, option->min, option->max, field_of(options, option));
}

static bool parse_timeout(const char *text, unsigned *seconds)
{
   if (strcmp(text, "off") != 0)
      return parse_number(text, 1, LIMIT_TIMEOUT, seconds);
   *seconds = 0;
   return true;
}

static bool set_timeout(struct vps_options *options, const struct vps_option *option, const char *value)
{
   return parse_timeout(value, field_of(options, option));
}

static bool set_port(struct vps_options *options, const struct vps_option *option, const char *value)
{
   unsigned port;

   (void)option;
   if (!parse_number(value, 0, UINT16_MAX, &port))
      return false;
   options->port = (uint16_t)port;
   return true;
}

static bool set_unix(struct vps_options *options, const struct vps_option *option, const char *value)
{
   return set_text(options, option, value) && vps_unix_socket_path_fits(value);
}

static bool set_gpu(struct vps_options *options, const struct vps_option *option, const char *value)
{
   const char **gpus = realloc(options->gpus, ((size_t)options->gpu_count + 1) * sizeof(*gpus));

   (void)option;
   if (!gpus)
      return false;
   options->gpus = gpus;
   options->gpus[options->gpu_count++] = value;
   return *value != '\0';
}

/* The next of "NAME=TIMEOUT,NAME=TIMEOUT"; NULL: there is none. */
static const char *set_next_limit(struct vps_options *options, const char *value)
{
   const size_t length = strcspn(value, ",");
   const bool draws = strncmp(value, "graphics=", 9) == 0;
   const size_t name = draws ? 9 : 8;
   char text[16];

   if ((!draws && strncmp(value, "compute=", 8) != 0) || length - name >= sizeof(text))
      return NULL;
   memcpy(text, value + name, length - name);
   text[length - name] = '\0';
   if (!parse_timeout(text, draws ? &options->graphics_timeout_s : &options->compute_timeout_s))
      return NULL;
   return value + length;
}

/* One for both, or each by its name. */
static bool set_submit_timeout(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   if (parse_timeout(value, &options->graphics_timeout_s)) {
      options->compute_timeout_s = options->graphics_timeout_s;
      return true;
   }
   while ((value = set_next_limit(options, value)) && *value == ',')
      value++;
   return value;
}

static void write_timeout(char text[12], unsigned seconds)
{
   if (seconds)
      snprintf(text, 12, "%u", seconds);
   else
      snprintf(text, 12, "off");
}

void vps_option_write_submit_timeout(const struct vps_options *options, char text[VPS_SUBMIT_TIMEOUT_SIZE])
{
   char graphics[12], compute[12];

   write_timeout(graphics, options->graphics_timeout_s);
   write_timeout(compute, options->compute_timeout_s);
   snprintf(text, VPS_SUBMIT_TIMEOUT_SIZE, "graphics=%s,compute=%s", graphics, compute);
}

static bool set_resume(struct vps_options *options, const struct vps_option *option, const char *value)
{
   if (strcmp(value, "auto") != 0)
      return set_number(options, option, value);
   options->resume_s = VPS_RESUME_AUTO;
   return true;
}

static bool set_compress(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   return vp_compression_parse(value, &options->compression);
}

static bool set_quota(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   options->quota = vps_client_quota;
   return vps_quota_parse(&options->quota, value);
}

/* How many allocations there can be is a limit of the GPU that a client is told of at its start. */
static bool set_user_quota(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   options->user_quota = vps_user_quota;
   return vps_quota_parse(&options->user_quota, value) &&
          options->user_quota.of[VPS_QUOTA_ALLOCATIONS] == VPS_QUOTA_NONE;
}

static bool set_control(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   options->control = value;
   return *value != '\0' && vps_unix_socket_path_fits(value);
}

static bool set_cache(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   options->cache = value;
   return (value[0] == '/' && strlen(value) < PATH_MAX) || strcmp(value, "none") == 0;
}

/* -1: it is none of these. */
static int find_word(const char *const *names, int count, const char *value)
{
   for (int i = 0; i < count; i++) {
      if (strcmp(value, names[i]) == 0)
         return i;
   }
   return -1;
}

static bool set_clear_memory(struct vps_options *options, const struct vps_option *option, const char *value)
{
   static const char *const names[] = {
      [VPS_CLEAR_MEMORY_AUTO] = "auto",
      [VPS_CLEAR_MEMORY_ALWAYS] = "always",
      [VPS_CLEAR_MEMORY_OFF] = "off",
   };
   const int found = find_word(names, sizeof(names) / sizeof(names[0]), value);

   (void)option;
   if (found >= 0)
      options->clear_memory = (enum vps_clear_memory)found;
   return found >= 0;
}

static bool set_log_format(struct vps_options *options, const struct vps_option *option, const char *value)
{
   static const char *const names[] = {
      [VPS_LOG_AUTO] = "auto",       [VPS_LOG_PLAIN] = "plain", [VPS_LOG_TEXT] = "text",
      [VPS_LOG_JOURNAL] = "journal", [VPS_LOG_JSON] = "json",
   };
   const int found = find_word(names, sizeof(names) / sizeof(names[0]), value);

   (void)option;
   if (found >= 0)
      options->log_format = (enum vps_log_format)found;
   return found >= 0;
}

static bool set_log(struct vps_options *options, const struct vps_option *option, const char *value)
{
   (void)option;
   return vp_log_parse_level(value, &options->log_level);
}

static bool set_internal_fd(struct vps_options *options, const struct vps_option *option, const char *value)
{
   unsigned number;

   if (!parse_number(value, 3, 999999, &number))
      return false;
   options->mode = option->mode;
   *(int *)field_of(options, option) = (int)number;
   return true;
}

#define FIELD(name) offsetof(struct vps_options, name)
#define FILE_ENTRANCE (VPS_OPTION_FILE | VPS_OPTION_ENTRANCE)
#define FILE_GATE (FILE_ENTRANCE | VPS_OPTION_GATE)
#define FILE_WORKERS (VPS_OPTION_FILE | VPS_OPTION_WORKERS)
#define LIVE_WORKERS (FILE_WORKERS | VPS_OPTION_LIVE)

const struct vps_option vps_option_table[] = {
   {.name = "--port",
    .argument = "N",
    .help = "listen on this port (default " STRING(VP_DEFAULT_PORT) "; 0: any free one, see the output)",
    .fallback = STRING(VP_DEFAULT_PORT),
    .expected = "a number from 0 to 65535",
    .uses = FILE_ENTRANCE,
    .set = set_port},
   {.name = "--host",
    .argument = "ADDR",
    .help = "listen on this address (default 127.0.0.1: this machine only;\n"
            "another one only with --keys, --tls-cert or --insecure)",
    .fallback = "127.0.0.1",
    .expected = "an address of this machine",
    .uses = FILE_ENTRANCE,
    .set = set_text,
    .field = FIELD(host)},
   {.name = "--keys",
    .argument = "FILE",
    .help = "let in, with TLS, who has one of these keys: lines IDENTITY:HEXKEY.\n"
            "SIGHUP reads it and the next three anew",
    .expected = "a file of lines IDENTITY:HEXKEY",
    .uses = FILE_GATE,
    .set = set_text,
    .field = FIELD(keys)},
   {.name = "--tls-cert",
    .argument = "FILE",
    .help = "let in, with TLS, who has a certificate that --tls-client-ca signs;\n"
            "this is the server's, and those that lead to its signer's, in PEM",
    .expected = "a file in PEM",
    .uses = FILE_GATE,
    .set = set_text,
    .field = FIELD(tls_cert)},
   {.name = "--tls-key",
    .argument = "FILE",
    .help = "the key of --tls-cert, in PEM",
    .expected = "a file in PEM",
    .uses = FILE_GATE,
    .set = set_text,
    .field = FIELD(tls_key)},
   {.name = "--tls-client-ca",
    .argument = "FILE",
    .help = "the certificates of those that sign clients' certificates, in PEM,\n"
            "and their revocation lists",
    .expected = "a file in PEM",
    .uses = FILE_GATE,
    .set = set_text,
    .field = FIELD(tls_client_ca)},
   {.name = "--tls-only",
    .help = "no TCP without TLS; else programs of this machine need none",
    .fallback = "off",
    .expected = "on or off",
    .uses = FILE_ENTRANCE,
    .set = set_switch,
    .field = FIELD(tls_only)},
   {.name = "--insecure",
    .help = "allow --host to name one address that others can reach: whoever\n"
            "does can use the GPUs and read and change what is sent",
    .fallback = "off",
    .expected = "on or off",
    .uses = FILE_ENTRANCE,
    .set = set_switch,
    .field = FIELD(insecure)},
   {.name = "--unix",
    .argument = "PATH",
    .help = "listen on a Unix socket for programs of this machine and this user;\n"
            "then not on TCP, unless --port or --host is given too",
    .expected = "a path of at most 107 bytes",
    .uses = FILE_ENTRANCE,
    .set = set_unix,
    .field = FIELD(unix_path)},
   {.name = "--stdio",
    .help = "serve one client on standard input and output and end with it, as\n"
            "with VENUS_SERVER='exec:ssh HOST venus-server --stdio'",
    .mode = VPS_MODE_STDIO},
   {.name = "--job",
    .help = "serve the program that starts the server, as venus-run slurm does in a\n"
            "job: its key comes on standard input, with which the server ends, and\n"
            "where it listens, with TLS, it says on standard output",
    .mode = VPS_MODE_JOB},
   {.name = "--gpu",
    .argument = "GPU",
    .help = "offer only this GPU: its index, a part of its name, or pci:ADDRESS, as\n"
            "--list shows them; may be given several times",
    .expected = "the index, a part of the name, or pci: and the PCI address of a GPU",
    .uses = FILE_WORKERS | VPS_OPTION_MANY,
    .set = set_gpu},
   {.name = "--max-clients",
    .argument = "N",
    .help = "serve at most N clients at the same time (default 64)",
    .fallback = "64",
    .expected = "a number from 1 to 4096",
    .uses = VPS_OPTION_FILE | VPS_OPTION_LIVE,
    .set = set_number,
    .field = FIELD(max_clients),
    .min = 1,
    .max = 4096},
   {.name = "--ready",
    .argument = "N",
    .help = "have N processes for clients to come (default 2), which have loaded\n"
            "the Vulkan driver; 0: start each when its client comes. With a\n"
            "cache, they are for the users who came last. They start anew on\n"
            "SIGHUP, as after an update of the driver",
    .fallback = "2",
    .expected = "a number from 0 to 64",
    .uses = VPS_OPTION_FILE | VPS_OPTION_LIVE,
    .set = set_number,
    .field = FIELD(ready),
    .max = 64},
   {.name = "--resume",
    .argument = "SECONDS",
    .help = "keep the session of a client whose connection breaks for so long, so\n"
            "that it can go on over another one; 0: end it. Default: " STRING(
               VPS_RESUME_S) ", but 0 for\n"
                             "those that connect from this machine, as through a tunnel (auto)",
    .fallback = "auto",
    .expected = "auto, or a number of seconds from 0 to 3600",
    .uses = LIVE_WORKERS,
    .set = set_resume,
    .field = FIELD(resume_s),
    .max = VP_MAX_RESUME_S},
   {.name = "--compress",
    .argument = "MODE",
    .help = "compress memory that goes to clients: auto (default; where the link\n"
            "is slow enough that it pays), none, lz4, zstd",
    .fallback = "auto",
    .expected = "auto, none, lz4 or zstd",
    .uses = LIVE_WORKERS,
    .set = set_compress},
   {.name = "--quota",
    .argument = "LIST",
    .help = "what a client may have, as device-memory=8G,objects=1M,bandwidth=20M;\n"
            "of device-memory, allocations, host-memory, objects, threads,\n"
            "swapchains, pictures, bandwidth; K, M, G, T or none",
    .fallback = "host-memory=8G,objects=2M,threads=256,swapchains=64,pictures=1024",
    .expected = "a list like device-memory=8G,host-memory=2G,objects=1M",
    .uses = LIVE_WORKERS,
    .set = set_quota},
   {.name = "--user-quota",
    .argument = "LIST",
    .help = "what all clients of one user may have together (default none)",
    .fallback = "device-memory=none",
    .expected = "a list like device-memory=8G,bandwidth=20M, without allocations",
    .uses = LIVE_WORKERS,
    .set = set_user_quota},
   {.name = "--submit-timeout",
    .argument = "SECONDS|off|graphics=...,compute=...",
    .help = "what a client submits may execute for so long on a GPU (default\n"
            "graphics=10,compute=off); if it takes longer, the session ends.\n"
            "Only submissions that draw are graphics",
    .fallback = "graphics=10,compute=off",
    .expected = "seconds or off, for all or as in graphics=10,compute=off",
    .uses = LIVE_WORKERS,
    .set = set_submit_timeout},
   {.name = "--stall-timeout",
    .argument = "SECONDS|off",
    .help = "end the session of a client that takes nothing of what it is sent for\n"
            "so long (default 600), as one in a debugger may",
    .fallback = "600",
    .expected = "a number of seconds, or off",
    .uses = LIVE_WORKERS,
    .set = set_timeout,
    .field = FIELD(stall_timeout_s)},
   {.name = "--idle-timeout",
    .argument = "SECONDS|off",
    .help = "end the session of a client that says nothing for so long and for\n"
            "which no GPU is busy (default off)",
    .fallback = "off",
    .expected = "a number of seconds, or off",
    .uses = LIVE_WORKERS,
    .set = set_timeout,
    .field = FIELD(idle_timeout_s)},
   {.name = "--drain-timeout",
    .argument = "SECONDS",
    .help = "on SIGTERM or SIGINT let no more clients in, and those that are there go\n"
            "on for so long (default 0); a second signal ends them at once",
    .fallback = "0",
    .expected = "a number of seconds from 0 to 1000000",
    .uses = VPS_OPTION_FILE | VPS_OPTION_LIVE,
    .set = set_number,
    .field = FIELD(drain_timeout_s),
    .max = LIMIT_TIMEOUT},
   {.name = "--user",
    .argument = "NAME",
    .help = "workers, which load the GPU driver, have the rights of this user;\n"
            "for a server that root starts",
    .expected = "the name of a user of this machine",
    .uses = FILE_WORKERS,
    .set = set_text,
    .field = FIELD(user)},
   {.name = "--sandbox",
    .argument = "on|off",
    .help = "take from workers what a GPU driver does not need: capabilities,\n"
            "files, network, system calls (default on)",
    .fallback = "on",
    .expected = "on or off",
    .uses = FILE_WORKERS,
    .set = set_switch,
    .field = FIELD(sandbox)},
   {.name = "--cache",
    .argument = "DIR",
    .help = "where GPU drivers keep what they have compiled, in a folder for each\n"
            "user: one that only the workers' user can use (default\n"
            "~/.cache/venus-server); none",
    .expected = "the full path of a folder, or none",
    .uses = VPS_OPTION_FILE,
    .set = set_cache},
   {.name = "--clear-memory",
    .argument = "MODE",
    .help = "clear the GPU's memory before a client gets it: auto (default; where\n"
            "the kernel is not known to), always, off",
    .fallback = "auto",
    .expected = "auto, always or off",
    .uses = LIVE_WORKERS,
    .set = set_clear_memory},
   {.name = "--control",
    .argument = "PATH",
    .help = "the socket of venus-ctl (default /run/venus-server/control for root,\n"
            "else in $XDG_RUNTIME_DIR/venus-server); none",
    .expected = "a path of at most 107 bytes, or none",
    .uses = VPS_OPTION_FILE | VPS_OPTION_ENTRANCE,
    .set = set_control},
   {.name = "--metrics",
    .argument = "ADDR:PORT|unix:PATH",
    .help = "metrics for Prometheus over HTTP, on a loopback address",
    .expected = "ADDRESS:PORT or unix:PATH",
    .uses = VPS_OPTION_FILE | VPS_OPTION_ENTRANCE,
    .set = set_text,
    .field = FIELD(metrics)},
   {.name = "--validate",
    .help = "run the validation layer on everything that clients do and log\n"
            "its messages",
    .fallback = "off",
    .expected = "on or off",
    .uses = LIVE_WORKERS,
    .set = set_switch,
    .field = FIELD(validate)},
   {.name = "--log",
    .argument = "LEVEL",
    .help = "write messages up to this level: error, warn, info (default), debug",
    .fallback = "info",
    .expected = "error, warn, info or debug",
    .uses = LIVE_WORKERS,
    .set = set_log},
   {.name = "--log-format",
    .argument = "FORMAT",
    .help = "of messages: plain, text (with the time), journal (with a priority),\n"
            "json (an object a line), auto (default: journal if they go there, plain\n"
            "on a terminal, else text)",
    .fallback = "auto",
    .expected = "auto, plain, text, journal or json",
    .uses = FILE_WORKERS,
    .set = set_log_format},
   {.name = "--config",
    .argument = "FILE",
    .help = "read this configuration instead of " VPS_CONFIG_FOLDER "/server.conf\n"
            "and the user's venus-plus/server.conf; /dev/null: none",
    .expected = "a configuration file",
    .set = set_text,
    .field = FIELD(config)},
   {.name = "--check-config",
    .help = "say what is wrong with the configuration and exit",
    .mode = VPS_MODE_CHECK_CONFIG},
   {.name = "--print-config",
    .help = "show all values and where each comes from, and exit",
    .mode = VPS_MODE_PRINT_CONFIG},
   {.name = "--example-config",
    .help = "show a configuration with all there is, commented out, and exit",
    .mode = VPS_MODE_EXAMPLE_CONFIG},
   {.name = "--list", .help = "show the GPUs and exit", .mode = VPS_MODE_LIST},
   {.name = "--version", .help = "show the version and exit", .mode = VPS_MODE_VERSION},
   {.name = "--help", .help = "show this and exit", .mode = VPS_MODE_HELP},
   {.name = "--check-gpus", .mode = VPS_MODE_CHECK_GPUS},
   {.name = "--try-gpus", .mode = VPS_MODE_TRY_GPUS},
   {.name = "--worker-fd",
    .argument = "N",
    .expected = "an open socket",
    .mode = VPS_MODE_WORKER,
    .set = set_internal_fd,
    .field = FIELD(worker_fd)},
   {.name = "--gate-fd",
    .argument = "N",
    .expected = "an open socket",
    .mode = VPS_MODE_GATE,
    .set = set_internal_fd,
    .field = FIELD(gate_fd)},
};

const size_t vps_option_count = sizeof(vps_option_table) / sizeof(vps_option_table[0]);

const struct vps_option *vps_option_find(const char *name, size_t length)
{
   for (size_t i = 0; i < vps_option_count; i++) {
      if (strlen(vps_option_table[i].name) == length && strncmp(vps_option_table[i].name, name, length) == 0)
         return &vps_option_table[i];
   }
   return NULL;
}
