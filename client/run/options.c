/* SPDX-License-Identifier: MIT */

/* Tells apart what stands on the command line: options, which server, and the program with its arguments, which is left
 * as it is. */

#include "client/run/options.h"

#include <stdio.h>
#include <string.h>

#define SEPARATOR "--"

static const char help[] =
   "usage: venus-run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
   "       venus-run [OPTION]... SERVER -- PROGRAM [ARGUMENT]...\n"
   "       venus-run [OPTION]... ssh [SSH-OPTION]... HOST -- PROGRAM [ARGUMENT]...\n"
   "       venus-run [OPTION]... --bench [SERVER]\n"
   "       venus-run [OPTION]... slurm [SRUN-OPTION]... -- PROGRAM [ARGUMENT]...\n"
   "\n"
   "Runs a program with the GPU of another machine: of the server that client.conf or VENUS_SERVER\n"
   "names, of SERVER, or of one that ssh starts on HOST or Slurm in a job, and that ends with the\n"
   "program.\n"
   "\n"
   "SERVER is HOST, HOST:PORT, [IPV6]:PORT or srv:NAME, each also after tls:// or tls://IDENTITY@,\n"
   "unix:/PATH or exec:COMMAND; or several of them with commas between.\n"
   "\n"
   "  --server SERVER   the same as SERVER --\n"
   "  --policy WHICH    of several servers: the first that can be reached, the least-loaded, or all\n"
   "  --gpu GPU         only this GPU: its index or a part of its name; several with commas between\n"
   "  --present HOW     pictures of windows: lossless (default), auto or fast\n"
   "  --hud             say each second what windows show\n"
   "  --stats           say at the end what the connection has done\n"
   "  --no-require      do not fail without a server: the program then finds no GPU\n"
   "  --quiet           do not say which GPU is used\n"
   "  --KEY VALUE       any other setting of client.conf; --KEY and --no-KEY where it is 1 or 0\n"
   "\n"
   "  --bench           measure the way to the server, and say what it is good for; --json for programs\n"
   "  --config FILE     this file in place of the system's and the user's client.conf\n"
   "  --check-config    only say what is wrong with the settings\n"
   "  --print-config    only print all settings, and where each is from\n"
   "  --example-config  only print a client.conf that explains all and sets nothing\n"
   "  --help, --version\n"
   "\n"
   "The exit status is the program's; or 2: the command line is wrong; 125: a setting is wrong, or the\n"
   "driver is missing; 126: the program cannot be executed; 127: there is none. See venus-run(1).\n";

void vp_run_options_print_help(void)
{
   fputs(help, stdout);
}

/* Options that are not a setting. */
static bool options_take_action(struct vp_run_options *options, const char *name)
{
   static const struct {
      const char *name;
      enum vp_run_action action;
   } actions[] = {
      {"help", VP_RUN_HELP},
      {"version", VP_RUN_VERSION},
      {"check-config", VP_RUN_CHECK_CONFIG},
      {"print-config", VP_RUN_PRINT_CONFIG},
      {"example-config", VP_RUN_EXAMPLE_CONFIG},
      {"bench", VP_RUN_BENCH},
   };
   for (unsigned i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
      if (strcmp(name, actions[i].name) == 0) {
         options->action = actions[i].action;
         return true;
      }
   }
   return false;
}

/* Other words for settings, and what is no setting. */
static bool options_take_short(struct vp_run_options *options, const char *name)
{
   static const struct {
      const char *name;
      enum vp_variable_id key;
      const char *value;
   } words[] = {
      {"stats", VP_VARIABLE_DEBUG, "stats"},
      {"quiet", VP_VARIABLE_ANNOUNCE, "0"},
   };
   options->json = options->json || strcmp(name, "json") == 0;
   if (strcmp(name, "json") == 0)
      return true;
   for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
      if (strcmp(name, words[i].name) == 0) {
         options->values[words[i].key] = words[i].value;
         return true;
      }
   }
   return false;
}

/* --KEY and --no-KEY. False: it is no switch. */
static bool options_take_switch(struct vp_run_options *options, const char *name)
{
   const bool off = strncmp(name, "no-", 3) == 0;
   const int key = vp_run_key_find(off ? name + 3 : name, strlen(off ? name + 3 : name));

   if (key < 0 || vp_run_key((unsigned)key)->kind != VP_VARIABLE_FLAG)
      return false;
   options->values[key] = off ? "0" : "1";
   return true;
}

/* One option, without its dashes; `next` is the word after it, or NULL. The number of words that it takes; 0: it is
 * wrong. */
static int options_take(struct vp_run_options *options, const char *name, const char *next, char *error,
                        size_t error_size)
{
   const size_t length = strcspn(name, "=");
   const char *value = name[length] ? name + length + 1 : NULL;
   const int key = vp_run_key_find(name, length);
   const bool is_file = length == strlen("config") && strncmp(name, "config", length) == 0;

   if (!value &&
       (options_take_action(options, name) || options_take_short(options, name) || options_take_switch(options, name)))
      return 1;
   if (key < 0 && !is_file) {
      snprintf(error, error_size, "there is no option --%.100s", name);
      return 0;
   }
   const int words = value ? 1 : 2;
   value = value ? value : next;
   if (!value || !*value) {
      snprintf(error, error_size, "--%.*s needs a value", (int)length, name);
      return 0;
   }
   if (is_file)
      options->config = value;
   else
      options->values[key] = value;
   return words;
}

/* Those up to the separator are for another program. Where it is; NULL: there is none. */
static char **options_take_words(struct vp_run_options *options, char **words)
{
   options->words = words;
   while (*words && strcmp(*words, SEPARATOR) != 0)
      words++;
   options->word_count = (unsigned)(words - options->words);
   return *words ? words : NULL;
}

/* ssh [SSH-OPTION]... HOST -- */
static bool options_take_ssh(struct vp_run_options *options, char ***words, char *error, size_t error_size)
{
   char **word = options_take_words(options, *words);

   options->place = VP_PLACE_SSH;
   if (!word)
      snprintf(error, error_size, "there is no -- between the host for ssh and the program");
   else if (options->word_count == 0)
      snprintf(error, error_size, "ssh is not told to which host");
   else if (word[-1][0] == '-')
      snprintf(error, error_size, "'%.100s' cannot be a host for ssh", word[-1]);
   else if (options->word_count > 1 && options->words[0][0] != '-')
      snprintf(error, error_size, "'%.100s' stands where an option of ssh is to be, before the host",
               options->words[0]);
   else {
      *words = word + 1;
      return true;
   }
   return false;
}

/* What stands behind --bench. */
static bool options_take_bench(struct vp_run_options *options, char **words, char *error, size_t error_size)
{
   options->program = words;
   if (!*words)
      return true;
   options->place = VP_PLACE_HOST;
   options->words = words;
   options->word_count = 1;
   if (words[1])
      snprintf(error, error_size, "behind the server for --bench stands '%.100s'", words[1]);
   else if (options->values[VP_VARIABLE_SERVER])
      snprintf(error, error_size, "the server is named twice, by --server and by '%.100s'", words[0]);
   else
      return true;
   return false;
}

/* slurm [SRUN-OPTION]... -- */
static bool options_take_slurm(struct vp_run_options *options, char ***words, char *error, size_t error_size)
{
   char **word = options_take_words(options, *words);

   options->place = VP_PLACE_SLURM;
   if (!word)
      snprintf(error, error_size, "there is no -- between the options for srun and the program");
   else if (options->word_count > 0 && options->words[0][0] != '-')
      snprintf(error, error_size, "'%.100s' stands where an option of srun is to be", options->words[0]);
   else {
      *words = word + 1;
      return true;
   }
   return false;
}

/* What stands behind the options: where, and what. */
static bool options_take_rest(struct vp_run_options *options, char **words, char *error, size_t error_size)
{
   if (*words && strcmp(*words, "ssh") == 0) {
      words++;
      if (!options_take_ssh(options, &words, error, error_size))
         return false;
   } else if (*words && strcmp(*words, "slurm") == 0) {
      words++;
      if (!options_take_slurm(options, &words, error, error_size))
         return false;
   } else if (*words && strcmp(*words, SEPARATOR) == 0) {
      words++;
   } else if (*words && words[1] && strcmp(words[1], SEPARATOR) == 0) {
      options->place = VP_PLACE_HOST;
      options->words = words;
      options->word_count = 1;
      words += 2;
   }
   options->program = words;
   if (options->place != VP_PLACE_CONFIGURED && options->values[VP_VARIABLE_SERVER]) {
      snprintf(error, error_size, "the server is named twice, by --server and by '%.100s'",
               options->place == VP_PLACE_SLURM ? "slurm" : options->words[0]);
      return false;
   }
   if (options->action == VP_RUN_PROGRAM && !*words) {
      snprintf(error, error_size, "there is no program to run");
      return false;
   }
   return true;
}

bool vp_run_options_parse(struct vp_run_options *options, int argc, char **argv, char *error, size_t error_size)
{
   int i = 1;

   *options = (struct vp_run_options){0};
   while (i < argc && argv[i][0] == '-' && strcmp(argv[i], SEPARATOR) != 0) {
      if (argv[i][1] != '-') {
         snprintf(error, error_size, "there is no option %.100s", argv[i]);
         return false;
      }
      const int words = options_take(options, argv[i] + 2, argv[i + 1], error, error_size);
      if (words == 0)
         return false;
      i += words;
   }
   return options->action == VP_RUN_BENCH ? options_take_bench(options, argv + i, error, error_size)
                                          : options_take_rest(options, argv + i, error, error_size);
}
