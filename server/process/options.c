/* SPDX-License-Identifier: MIT */

/* Gives options their values, one after another, from the built-in ones to the command line; and makes the command
 * line that other processes of the server get. */

#include "server/process/options.h"

#include <stdlib.h>
#include <string.h>

#include "server/process/option_table.h"
#include "server/process/spawn.h"

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

struct vps_kept_text {
   struct vps_kept_text *next;
   char text[];
};

const char *vps_options_keep(struct vps_options *options, const char *text)
{
   const size_t size = strlen(text) + 1;
   struct vps_kept_text *kept = malloc(sizeof(*kept) + size);

   if (!kept)
      return NULL;
   memcpy(kept->text, text, size);
   kept->next = options->texts;
   options->texts = kept;
   return kept->text;
}

static bool say_no_memory(char *error, size_t error_size)
{
   snprintf(error, error_size, "out of memory");
   return false;
}

bool vps_options_begin(struct vps_options *options, char *error, size_t error_size)
{
   *options =
      (struct vps_options){.mode = VPS_MODE_LISTEN, .worker_fd = -1, .job_in = -1, .job_out = -1, .gate_fd = -1};
   options->given = calloc(vps_option_count, sizeof(*options->given));
   if (!options->given)
      return say_no_memory(error, error_size);
   for (size_t i = 0; i < vps_option_count; i++) {
      const struct vps_given built_in = {.layer = VPS_LAYER_BUILT_IN, .text = vps_option_table[i].fallback};
      if (built_in.text && !vps_options_give(options, &vps_option_table[i], &built_in, error, error_size))
         return false;
   }
   return true;
}

/* What an option has been given together with what it had: of a list all, of the timeouts each. */
static const char *sum_up(struct vps_options *options, const struct vps_option *option, const char *text)
{
   char timeouts[VPS_SUBMIT_TIMEOUT_SIZE];

   if (option->uses & VPS_OPTION_MANY && options->gpu_count > 1) {
      const char *before = options->given[option - vps_option_table].text;
      const size_t size = strlen(before) + strlen(text) + sizeof(", ");
      char *both = malloc(size);
      if (!both)
         return NULL;
      snprintf(both, size, "%s, %s", before, text);
      text = vps_options_keep(options, both);
      free(both);
   } else if (strcmp(option->name, "--submit-timeout") == 0) {
      vps_option_write_submit_timeout(options, timeouts);
      text = vps_options_keep(options, timeouts);
   }
   return text;
}

bool vps_options_give(struct vps_options *options, const struct vps_option *option, const struct vps_given *given,
                      char *error, size_t error_size)
{
   struct vps_given *before = &options->given[option - vps_option_table];

   if (option->uses & VPS_OPTION_MANY && before->layer != given->layer)
      options->gpu_count = 0;
   if (!option->set(options, option, given->text)) {
      snprintf(error, error_size, "%s needs %s, not \"%s\"", given->file ? option->name + 2 : option->name,
               option->expected, given->text);
      return false;
   }
   const char *text = sum_up(options, option, given->text);
   *before = *given;
   before->text = text;
   return text || say_no_memory(error, error_size);
}

/* One argument, and perhaps its value, which is the next. Returns how many were used; 0: it is wrong. */
static int give_argument(struct vps_options *options, char *const argv[], int left, char *error, size_t error_size)
{
   const char *equals = strchr(argv[0], '='), *value = equals ? equals + 1 : NULL;
   const struct vps_option *option = vps_option_find(argv[0], equals ? (size_t)(equals - argv[0]) : strlen(argv[0]));
   int used = 1;

   if (!option) {
      snprintf(error, error_size, "unknown option \"%s\"; see venus-server --help", argv[0]);
      return 0;
   }
   if (!option->set && value) {
      snprintf(error, error_size, "option %s takes no value", option->name);
      return 0;
   }
   if (option->argument && !value && left > 1) {
      value = argv[1];
      used = 2;
   }
   if (option->argument && !value) {
      snprintf(error, error_size, "option %s needs a value: %s", option->name, option->expected);
      return 0;
   }
   if (!option->set) {
      options->mode = option->mode;
      return used;
   }
   const struct vps_given given = {.layer = VPS_LAYER_COMMAND_LINE, .text = value ? value : "on"};
   return vps_options_give(options, option, &given, error, error_size) ? used : 0;
}

bool vps_options_give_arguments(struct vps_options *options, int argc, char *const argv[], char *error,
                                size_t error_size)
{
   int used;

   options->argc = argc;
   options->argv = argv;
   for (int i = 1; i < argc; i += used) {
      used = give_argument(options, argv + i, argc - i, error, error_size);
      if (used == 0)
         return false;
   }
   return true;
}

bool vps_options_have_credentials(const struct vps_options *options)
{
   return options->keys || options->tls_cert;
}

bool vps_options_is_given(const struct vps_options *options, const char *name)
{
   const struct vps_option *option = vps_option_find(name, strlen(name));

   return options->given[option - vps_option_table].layer != VPS_LAYER_BUILT_IN;
}

/* NULL, or why the options make no sense together. */
static bool options_want_tcp(const struct vps_options *options)
{
   return vps_options_is_given(options, "--port") || vps_options_is_given(options, "--host");
}

static const char *find_contradiction(const struct vps_options *options)
{
   const bool has_tls = vps_options_have_credentials(options);
   const bool wants_tcp = options_want_tcp(options);

   if (options->mode == VPS_MODE_STDIO && (wants_tcp || options->unix_path || has_tls))
      return "--stdio serves standard input and output alone: leave out --port, --host, --unix, --keys and "
             "--tls-cert";
   if (options->mode == VPS_MODE_JOB && (options->unix_path || has_tls || options->insecure))
      return "--job gets its keys on standard input and listens with TLS: leave out --unix, --keys, --tls-cert and "
             "--insecure";
   if (!options->tls_cert != !options->tls_key || !options->tls_cert != !options->tls_client_ca)
      return "--tls-cert, --tls-key and --tls-client-ca belong together: the server shows its certificate, and "
             "clients must have one";
   if (has_tls && options->unix_path && !wants_tcp)
      return "--keys and --tls-cert are for TCP: add --port or --host, since --unix alone has none";
   if (has_tls && options->insecure)
      return "--insecure lets everybody in, without --keys and --tls-cert: leave out the one or the others";
   if (options->tls_only && !has_tls)
      return "--tls-only lets nobody in without --keys or --tls-cert";
   return NULL;
}

bool vps_options_end(struct vps_options *options, char *error, size_t error_size)
{
   const char *contradiction = find_contradiction(options);

   options->tcp = options_want_tcp(options) || !options->unix_path;
   if (contradiction)
      snprintf(error, error_size, "%s", contradiction);
   return !contradiction;
}

bool vps_options_parse(struct vps_options *options, int argc, char *const argv[], char *error, size_t error_size)
{
   return vps_options_begin(options, error, error_size) &&
          vps_options_give_arguments(options, argc, argv, error, error_size) &&
          vps_options_end(options, error, error_size);
}

void vps_options_finish(struct vps_options *options)
{
   while (options->texts) {
      struct vps_kept_text *next = options->texts->next;
      free(options->texts);
      options->texts = next;
   }
   free(options->given);
   free(options->gpus);
   *options = (struct vps_options){.worker_fd = -1, .job_in = -1, .job_out = -1, .gate_fd = -1};
}

/* Nobody has to be told of what is built in. Returns how many arguments the option makes. */
static size_t hand_on(const struct vps_options *options, const struct vps_option *option, char **argv)
{
   const struct vps_given *given = &options->given[option - vps_option_table];
   size_t n = 0;

   /* exec takes them as char *, but changes nothing */
#define ADD(text) argv[n++] = (char *)(uintptr_t)(text)
   if (option->uses & VPS_OPTION_MANY) {
      for (unsigned i = 0; i < options->gpu_count; i++) {
         ADD(option->name);
         ADD(options->gpus[i]);
      }
   } else if (!option->argument && strcmp(given->text, "on") == 0) {
      ADD(option->name);
   } else if (option->argument && given->layer != VPS_LAYER_BUILT_IN) {
      ADD(option->name);
      ADD(given->text);
   }
   return n;
}

char **vps_options_make_argv(const struct vps_options *options, enum vps_mode mode)
{
   enum { FIRST = 4 };
   const unsigned wanted = mode == VPS_MODE_GATE ? VPS_OPTION_WORKERS | VPS_OPTION_GATE : VPS_OPTION_WORKERS;
   char **argv = calloc(FIRST + 2 * (vps_option_count + options->gpu_count) + 1, sizeof(*argv));
   size_t n = 0;

   if (!argv)
      return NULL;
   ADD("venus-server");
   ADD(mode == VPS_MODE_WORKER     ? "--worker-fd=" STRING(VPS_SPAWN_FD)
       : mode == VPS_MODE_GATE     ? "--gate-fd=" STRING(VPS_SPAWN_FD)
       : mode == VPS_MODE_TRY_GPUS ? "--try-gpus"
                                   : "--check-gpus");
   /* Which may have been settled without anybody having said so. */
   if (options->cache) {
      ADD("--cache");
      ADD(options->cache);
   }
#undef ADD
   for (size_t i = 0; i < vps_option_count; i++) {
      if (vps_option_table[i].uses & wanted)
         n += hand_on(options, &vps_option_table[i], argv + n);
   }
   return argv;
}

/* Of the text of an option, if there is room beside its name. */
#define TEXT_COLUMN 19

void vps_options_print_usage(FILE *out)
{
   fputs("usage: venus-server [OPTION]...\n\nOffers the GPUs of this machine to Vulkan programs on other machines.\n\n",
         out);
   for (size_t i = 0; i < vps_option_count; i++) {
      const struct vps_option *option = &vps_option_table[i];
      if (!option->help)
         continue;
      int column =
         fprintf(out, "  %s%s%s", option->name, option->argument ? " " : "", option->argument ? option->argument : "");
      if (column + 2 > TEXT_COLUMN) {
         fputc('\n', out);
         column = 0;
      }
      for (const char *line = option->help; line;) {
         const size_t length = strcspn(line, "\n");
         fprintf(out, "%*s%.*s\n", TEXT_COLUMN - column, "", (int)length, line);
         column = 0;
         line = line[length] ? line + length + 1 : NULL;
      }
   }
   fputs("\nAll but the last rows can stand in " VPS_CONFIG_FOLDER "/server.conf, which --example-config shows.\n",
         out);
}
