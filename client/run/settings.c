/* SPDX-License-Identifier: MIT */

/* Collects what is set in client.conf, the environment and on the command line, in this order, so that the last one to
 * say something is right. */

#include "client/run/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/process/server_address.h"
#include "client/run/own_path.h"
#include "common/config/ini_file.h"

#define SECTION "client"

/* Of a file that is being read. */
struct settings_file {
   struct vp_settings *settings;
   enum vp_origin origin;
};

static void settings_fault(struct vp_settings *settings, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void settings_fault(struct vp_settings *settings, const char *format, ...)
{
   va_list arguments;

   settings->faults++;
   fputs("venus-run: ", stderr);
   va_start(arguments, format);
   vfprintf(stderr, format, arguments);
   va_end(arguments);
   fputc('\n', stderr);
}

/* --- one value --- */

/* Every server of a list. */
static bool settings_are_servers(const char *list, char *error, size_t error_size)
{
   while (*list) {
      const size_t length = vp_server_address_length(list);
      struct vp_server_address address;
      if (length && !vp_server_address_parse(&address, list, length)) {
         snprintf(error, error_size, "a list of servers, which are " VP_SERVER_ADDRESS_FORMS);
         return false;
      }
      list += length + strspn(list + length, VP_SERVER_ADDRESS_SEPARATORS);
   }
   return true;
}

/* False: what it is to be. */
static bool settings_is_value(unsigned key, const char *value, char *error, size_t error_size)
{
   union vp_variable_value parsed;

   if (key == VP_VARIABLE_SERVER)
      return settings_are_servers(value, error, error_size);
   vp_variable_describe(vp_run_key(key), error, error_size);
   return vp_variable_parse(vp_run_key(key), value, &parsed);
}

/* An empty value is none. */
static void settings_take(struct vp_settings *settings, unsigned key, const char *value, enum vp_origin origin,
                          unsigned line)
{
   struct vp_setting *setting = &settings->of[key];
   char expected[256], name[VP_RUN_KEY_NAME_SIZE];

   if (!value || !*value)
      return;
   if (settings_is_value(key, value, expected, sizeof(expected))) {
      char *copy = strdup(value);
      if (!copy)
         settings_fault(settings, "out of memory");
      free(setting->value);
      *setting = (struct vp_setting){.value = copy, .origin = origin, .line = line};
      return;
   }
   vp_run_key_name(key, name);
   if (line)
      settings_fault(settings, "%s:%u: %s = %s is not %s", settings->files[origin], line, name, value, expected);
   else if (origin == VP_ORIGIN_ENVIRONMENT)
      settings_fault(settings, "%s=%s is not %s", vp_run_key(key)->name, value, expected);
   else
      settings_fault(settings, "--%s=%s is not %s", name, value, expected);
}

/* --- files --- */

static void settings_file_fault(void *context, unsigned line, const char *what)
{
   const struct settings_file *file = context;
   const char *path = file->settings->files[file->origin];

   if (line)
      settings_fault(file->settings, "%s:%u: %s", path, line, what);
   else
      settings_fault(file->settings, "%s: %s", path, what);
}

static void settings_file_entry(void *context, unsigned line, const char *name, const char *value)
{
   const struct settings_file *file = context;
   struct vp_settings *settings = file->settings;
   const int key = vp_run_key_find(name, strlen(name));
   char what[256];

   if (key < 0) {
      snprintf(what, sizeof(what), "there is no \"%.100s\"; venus-run --example-config shows what there is", name);
      settings_file_fault(context, line, what);
   } else if (settings->of[key].line && settings->of[key].origin == file->origin) {
      snprintf(what, sizeof(what), "%s is set in line %u already", name, settings->of[key].line);
      settings_file_fault(context, line, what);
   } else {
      settings_take(settings, (unsigned)key, value, file->origin, line);
   }
}

/* Takes the path over. */
static void settings_read_file(struct vp_settings *settings, enum vp_origin origin, char *path)
{
   struct settings_file file = {.settings = settings, .origin = origin};
   const struct vp_ini_listener listener = {
      .section = SECTION, .context = &file, .entry = settings_file_entry, .fault = settings_file_fault};

   settings->files[origin] = path;
   settings->is_there[origin] = path && vp_ini_read(path, &listener);
}

/* NULL: it is nowhere. */
static char *settings_user_file(void)
{
   const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
   char *path = NULL;
   int length = -1;

   if (folder && folder[0] == '/')
      length = asprintf(&path, "%s/venus-plus/client.conf", folder);
   else if (home && home[0] == '/')
      length = asprintf(&path, "%s/.config/venus-plus/client.conf", home);
   return length < 0 ? NULL : path;
}

static void settings_read_files(struct vp_settings *settings, const char *named)
{
   if (!named) {
      settings_read_file(settings, VP_ORIGIN_SYSTEM_FILE, vp_own_path(VP_RUN_SYSTEM_CONFIG));
      settings_read_file(settings, VP_ORIGIN_USER_FILE, settings_user_file());
      return;
   }
   settings_read_file(settings, VP_ORIGIN_USER_FILE, strdup(named));
   if (!settings->is_there[VP_ORIGIN_USER_FILE])
      settings_fault(settings, "%s: there is no such file", named);
}

/* --- all of it --- */

void vp_settings_read(struct vp_settings *settings, const struct vp_run_options *options)
{
   *settings = (struct vp_settings){0};
   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++)
      settings_take(settings, key, vp_run_key_value(key), VP_ORIGIN_BUILT_IN, 0);
   settings_read_files(settings, options->config);
   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++) {
      if (vp_run_key_is_variable(key))
         settings_take(settings, key, getenv(vp_run_key(key)->name), VP_ORIGIN_ENVIRONMENT, 0);
      settings_take(settings, key, options->values[key], VP_ORIGIN_OPTION, 0);
   }
}

void vp_settings_set(struct vp_settings *settings, unsigned key, const char *value)
{
   settings_take(settings, key, value, VP_ORIGIN_OPTION, 0);
}

bool vp_settings_flag(const struct vp_settings *settings, unsigned key)
{
   union vp_variable_value value;

   return settings->of[key].value && vp_variable_parse(vp_run_key(key), settings->of[key].value, &value) && value.flag;
}

static void settings_print_one(const struct vp_settings *settings, unsigned key)
{
   const struct vp_setting *setting = &settings->of[key];
   const char *otherwise = vp_run_key(key)->otherwise;
   char name[VP_RUN_KEY_NAME_SIZE];

   vp_run_key_name(key, name);
   if (!setting->value) {
      printf("#%s =%s%s  ; built in\n", name, otherwise ? " " : "", otherwise ? otherwise : "");
      return;
   }
   printf("%s = %s  ; ", name, setting->value);
   switch (setting->origin) {
   case VP_ORIGIN_BUILT_IN:
      puts("built in");
      break;
   case VP_ORIGIN_ENVIRONMENT:
      puts(vp_run_key(key)->name);
      break;
   case VP_ORIGIN_OPTION:
      puts("command line");
      break;
   default:
      printf("%s:%u\n", settings->files[setting->origin], setting->line);
   }
}

void vp_settings_print(const struct vp_settings *settings)
{
   for (unsigned i = 0; i < VP_ORIGIN_COUNT; i++) {
      if (settings->files[i])
         printf("# %s%s\n", settings->files[i], settings->is_there[i] ? "" : " is not there");
   }
   puts("[" SECTION "]");
   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++)
      settings_print_one(settings, key);
}

void vp_settings_finish(struct vp_settings *settings)
{
   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++)
      free(settings->of[key].value);
   for (unsigned i = 0; i < VP_ORIGIN_COUNT; i++)
      free(settings->files[i]);
}
