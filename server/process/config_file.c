/* SPDX-License-Identifier: MIT */

/* Reads configuration files, which are INI, and shows what came of them. */

#include "server/process/config_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/ini_file.h"
#include "common/util/log.h"
#include "server/process/option_table.h"

#define SECTION "server"
#define MACHINE_FILE VPS_CONFIG_FOLDER "/server.conf"

/* A file while it is read. */
struct config_reader {
   struct vps_options *options;
   const char *path;
   enum vps_layer layer;
   unsigned faults;
   bool ignores_entrance; /* of --stdio and --job */
};

static void config_fault(void *context, unsigned line, const char *what)
{
   struct config_reader *reader = context;

   if (line > 0)
      vp_log(VP_LOG_ERROR, "%s:%u: %s", reader->path, line, what);
   else
      vp_log(VP_LOG_ERROR, "cannot read the configuration %s: %s", reader->path, what);
   reader->faults++;
}

static const struct vps_option *find_setting(const char *key)
{
   char name[64];
   const int length = snprintf(name, sizeof(name), "--%s", key);
   const struct vps_option *option =
      length > 0 && (size_t)length < sizeof(name) ? vps_option_find(name, (size_t)length) : NULL;

   return option && option->uses & VPS_OPTION_FILE ? option : NULL;
}

static void config_entry(void *context, unsigned line, const char *key, const char *value)
{
   struct config_reader *reader = context;
   const struct vps_option *option = find_setting(key);
   char what[512];

   if (!option) {
      snprintf(what, sizeof(what), "there is no \"%.60s\"; venus-server --example-config shows what there is", key);
      config_fault(reader, line, what);
      return;
   }
   if (option->uses & VPS_OPTION_ENTRANCE && reader->ignores_entrance)
      return;
   const struct vps_given given = {
      .layer = reader->layer, .text = vps_options_keep(reader->options, value), .file = reader->path, .line = line};
   if (!given.text)
      config_fault(reader, line, "out of memory");
   else if (!vps_options_give(reader->options, option, &given, what, sizeof(what)))
      config_fault(reader, line, what);
}

/* Returns how much is wrong with it. Only one that was asked for must be there. */
static unsigned read_config_file(struct vps_options *options, const char *path, enum vps_layer layer, bool must_be,
                                 bool ignores_entrance)
{
   struct config_reader reader = {.options = options,
                                  .path = vps_options_keep(options, path),
                                  .layer = layer,
                                  .ignores_entrance = ignores_entrance};
   const struct vp_ini_listener listener = {
      .section = SECTION, .context = &reader, .entry = config_entry, .fault = config_fault};

   if (!reader.path) {
      vp_log(VP_LOG_ERROR, "cannot read the configuration %s: out of memory", path);
      return 1;
   }
   if (!vp_ini_read(path, &listener) && must_be)
      config_fault(&reader, 0, strerror(ENOENT));
   return reader.faults;
}

/* False: there is none. */
static bool find_user_file(char path[PATH_MAX])
{
   const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
   int length = -1;

   if (geteuid() == 0)
      return false;
   if (folder && folder[0] == '/')
      length = snprintf(path, PATH_MAX, "%s/venus-plus/server.conf", folder);
   else if (home && home[0] == '/')
      length = snprintf(path, PATH_MAX, "%s/.config/venus-plus/server.conf", home);
   return length > 0 && length < PATH_MAX;
}

static unsigned read_config_files(struct vps_options *options, const char *named, enum vps_mode mode)
{
   const bool ignores_entrance = mode == VPS_MODE_STDIO || mode == VPS_MODE_JOB;
   char user[PATH_MAX];

   if (named)
      return read_config_file(options, named, VPS_LAYER_SYSTEM, true, ignores_entrance);
   unsigned faults = read_config_file(options, MACHINE_FILE, VPS_LAYER_SYSTEM, false, ignores_entrance);
   if (find_user_file(user))
      faults += read_config_file(options, user, VPS_LAYER_USER, false, ignores_entrance);
   return faults;
}

static bool wants_files(enum vps_mode mode)
{
   return mode == VPS_MODE_LISTEN || mode == VPS_MODE_STDIO || mode == VPS_MODE_JOB || mode == VPS_MODE_LIST ||
          mode == VPS_MODE_CHECK_CONFIG || mode == VPS_MODE_PRINT_CONFIG;
}

static bool has_file_values(const struct vps_options *options)
{
   bool any = false;

   for (size_t i = 0; i < vps_option_count; i++)
      any = any || options->given[i].file;
   return any;
}

static int say_config_fault(const char *error, int status)
{
   vp_log(VP_LOG_ERROR, "%s", error);
   return status;
}

int vps_config_read(struct vps_options *options, int argc, char *const argv[])
{
   char error[512];

   /* The command line says which files there are, and goes before them. */
   if (!vps_options_begin(options, error, sizeof(error)) ||
       !vps_options_give_arguments(options, argc, argv, error, sizeof(error)))
      return say_config_fault(error, VPS_EXIT_USAGE);
   const enum vps_mode mode = options->mode;
   const char *named = options->config;
   if (wants_files(mode)) {
      vps_options_finish(options);
      if (!vps_options_begin(options, error, sizeof(error)))
         return say_config_fault(error, VPS_EXIT_USAGE);
      const unsigned faults = read_config_files(options, named, mode);
      if (!vps_options_give_arguments(options, argc, argv, error, sizeof(error)))
         return say_config_fault(error, VPS_EXIT_USAGE);
      if (faults > 0)
         return VPS_EXIT_CONFIG;
   }
   if (!vps_options_end(options, error, sizeof(error)))
      return say_config_fault(error, has_file_values(options) ? VPS_EXIT_CONFIG : VPS_EXIT_USAGE);
   return 0;
}

void vps_config_print(const struct vps_options *options, FILE *out)
{
   fprintf(out, "[" SECTION "]\n");
   for (size_t i = 0; i < vps_option_count; i++) {
      const struct vps_option *option = &vps_option_table[i];
      const struct vps_given *given = &options->given[i];
      char from[PATH_MAX + 16] = "built in";
      if (!(option->uses & VPS_OPTION_FILE))
         continue;
      if (given->file)
         snprintf(from, sizeof(from), "%s:%u", given->file, given->line);
      else if (given->layer == VPS_LAYER_COMMAND_LINE)
         snprintf(from, sizeof(from), "command line");
      fprintf(out, "%s%s = %s  ; %s\n", given->text ? "" : "#", option->name + 2,
              given->text ? given->text : option->argument, from);
   }
}

static const char example_head[] =
   "# The configuration of venus-server: lines NAME = VALUE under [" SECTION
   "]. The names are those of its options, and\n"
   "# what stands here is the default. A # begins a comment, in a line of its own; a ; also after a value.\n"
   "#\n"
   "# The order is: this file, then for a server that a user starts ~/.config/venus-plus/server.conf, then the "
   "command\n"
   "# line. venus-server --check-config says what is wrong, --print-config what holds and why. SIGHUP (systemctl "
   "reload\n"
   "# venus-server) reads it anew; a value that says \"restart\" stays as it is until one.\n"
   "\n"
   "[" SECTION "]\n";

void vps_config_print_example(FILE *out)
{
   fputs(example_head, out);
   for (size_t i = 0; i < vps_option_count; i++) {
      const struct vps_option *option = &vps_option_table[i];
      if (!(option->uses & VPS_OPTION_FILE))
         continue;
      fputc('\n', out);
      for (const char *line = option->help; line;) {
         const size_t length = strcspn(line, "\n");
         const bool is_last = !line[length];
         fprintf(out, "# %.*s%s\n", (int)length, line,
                 is_last && !(option->uses & VPS_OPTION_LIVE) ? " (restart)" : "");
         line = is_last ? NULL : line + length + 1;
      }
      fprintf(out, "#%s = %s\n", option->name + 2, option->fallback ? option->fallback : option->argument);
   }
}

static bool same_text(const char *a, const char *b)
{
   return a == b || (a && b && strcmp(a, b) == 0);
}

/* What can be changed has a fallback, and so a value. */
static bool change_option(struct vps_options *options, const struct vps_option *option, const struct vps_given *given)
{
   struct vps_given own = *given;
   char error[256];

   own.text = vps_options_keep(options, given->text);
   own.file = given->file ? vps_options_keep(options, given->file) : NULL;
   const bool ok =
      own.text && (!given->file || own.file) && vps_options_give(options, option, &own, error, sizeof(error));
   if (ok)
      vp_log(VP_LOG_INFO, "configuration: %s is %s now", option->name + 2, given->text);
   return ok;
}

bool vps_config_reload(struct vps_options *options)
{
   struct vps_options fresh;
   const bool ok = vps_config_read(&fresh, options->argc, options->argv) == 0;

   for (size_t i = 0; ok && i < vps_option_count; i++) {
      const struct vps_option *option = &vps_option_table[i];
      const struct vps_given *given = &fresh.given[i];
      if (!(option->uses & VPS_OPTION_FILE) || same_text(given->text, options->given[i].text))
         continue;
      if (!(option->uses & VPS_OPTION_LIVE))
         vp_log(VP_LOG_WARN, "configuration: %s has changed to %s, for which the server must be started anew",
                option->name + 2, given->text ? given->text : "nothing");
      else if (!change_option(options, option, given))
         vp_log(VP_LOG_ERROR, "configuration: out of memory to change %s", option->name + 2);
   }
   if (!ok)
      vp_log(VP_LOG_ERROR, "the configuration stays as it was");
   vps_options_finish(&fresh);
   return ok;
}
