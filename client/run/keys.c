/* SPDX-License-Identifier: MIT */

/* The keys of client.conf, and what they are called; the file is its own manual. */

#include "client/run/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "VENUS_"

/* Of lines of the example. */
#define COLUMNS 100

/* Those that are no variables, from VP_VARIABLE_COUNT on. */
static const struct vp_variable own_keys[] = {
   {
      .name = "server-command",
      .kind = VP_VARIABLE_TEXT,
      .allowed = "",
      .otherwise = "venus-server --stdio --log warn",
      .meaning =
         "For `venus-run ssh HOST`: the command that starts the server there, which the shell of that machine runs.",
   },
   {
      .name = "job-command",
      .kind = VP_VARIABLE_TEXT,
      .allowed = "",
      .otherwise = "venus-server --job --log warn",
      .meaning = "For `venus-run slurm`: the command that starts the server in the job, which a shell there runs.",
   },
};

const struct vp_variable *vp_run_key(unsigned key)
{
   return key < VP_VARIABLE_COUNT ? &vp_variables[key] : &own_keys[key - VP_VARIABLE_COUNT];
}

bool vp_run_key_is_variable(unsigned key)
{
   return key < VP_VARIABLE_COUNT;
}

const char *vp_run_key_value(unsigned key)
{
   switch (key) {
   case VP_VARIABLE_REQUIRE:
   case VP_VARIABLE_ANNOUNCE:
      return "1";
   case VP_RUN_KEY_SERVER_COMMAND:
   case VP_RUN_KEY_JOB_COMMAND:
      return vp_run_key(key)->otherwise;
   default:
      return NULL;
   }
}

const char *vp_run_key_name(unsigned key, char name[VP_RUN_KEY_NAME_SIZE])
{
   const char *from = vp_run_key(key)->name;
   size_t length = 0;

   if (vp_run_key_is_variable(key))
      from += strlen(PREFIX);
   for (; from[length] && length < VP_RUN_KEY_NAME_SIZE - 1; length++)
      name[length] = (char)(from[length] == '_' ? '-' : tolower((unsigned char)from[length]));
   name[length] = '\0';
   return name;
}

int vp_run_key_find(const char *name, size_t length)
{
   char own[VP_RUN_KEY_NAME_SIZE];

   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++) {
      vp_run_key_name(key, own);
      if (strlen(own) == length && memcmp(own, name, length) == 0)
         return (int)key;
   }
   return -1;
}

/* --- the example --- */

/* The first sentence, without what is Markdown, and then what the values are, if that is not 1 and 0. */
static void key_explain(unsigned key, char *out, size_t size)
{
   const struct vp_variable *variable = vp_run_key(key);
   const char *end = strstr(variable->meaning, ". ");
   char allowed[128];
   size_t length = 0;

   for (const char *from = variable->meaning; *from && from != end && length < size - 1; from++) {
      if (*from != '`')
         out[length++] = *from;
   }
   if (length && out[length - 1] == '.')
      length--;
   vp_variable_describe(variable, allowed, sizeof(allowed));
   if (variable->kind == VP_VARIABLE_FLAG || !allowed[0])
      snprintf(out + length, size - length, ".");
   else
      snprintf(out + length, size - length, " (%s).", allowed);
}

/* As a comment. */
static void key_print_wrapped(const char *text)
{
   while (*text) {
      size_t length = strlen(text);
      if (length > COLUMNS - 2) {
         length = COLUMNS - 2;
         while (length > 1 && text[length] != ' ')
            length--;
      }
      printf("# %.*s\n", (int)length, text);
      text += length + strspn(text + length, " ");
   }
}

static void key_print_example(unsigned key)
{
   const struct vp_variable *variable = vp_run_key(key);
   const char *value = vp_run_key_value(key);
   char text[1024], name[VP_RUN_KEY_NAME_SIZE];

   key_explain(key, text, sizeof(text));
   putchar('\n');
   key_print_wrapped(text);
   value = value ? value : variable->otherwise;
   printf("#%s =%s%s\n", vp_run_key_name(key, name), value ? " " : "", value ? value : "");
}

void vp_run_keys_print_example(void)
{
   puts("# What venus-run(1) sets for the programs that it runs, if neither the environment nor its command line says\n"
        "# otherwise. What is in a user's ~/.config/venus-plus/client.conf goes before what is in the file of the\n"
        "# system. Each key is also a variable of the environment (VENUS_KEY_FILE for key-file) and an option\n"
        "# (--key-file). venus-run --check-config says what is wrong, --print-config what is set, and where.\n"
        "#\n"
        "# Lines are KEY = VALUE. One that begins with # is a comment, and so is what follows a ; after a blank. What\n"
        "# stands here is what is so without it. 1 is yes, 0 is no.\n"
        "\n"
        "[client]");
   for (unsigned key = 0; key < VP_RUN_KEY_COUNT; key++)
      key_print_example(key);
}
