/* SPDX-License-Identifier: MIT */

/* The program venus-ctl: shows what a server of this machine does, and tells it what to do. */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "server/control/place.h"
#include "server/ctl/ask.h"
#include "server/ctl/keys.h"
#include "server/ctl/show.h"

#define EXIT_USAGE 2
#define ASK_MS 5000
#define HEALTH_MS 900

/* As long as the server gives its own processes, and between two looks. */
#define RELOAD_MS 20000
#define RELOAD_LOOK_US 20000

static const char usage[] =
   "usage: venus-ctl [--control PATH] [--json] COMMAND\n"
   "\n"
   "Talks to the venus-server of this machine, as its user or as root.\n"
   "\n"
   "  status             what the server is and has refused\n"
   "  sessions           who uses it: user, peer, program, GPU, memory, frames and bytes in a second\n"
   "  kick SESSION [REASON]  end a session, with a reason that the client and the log get\n"
   "  drain              let nobody in any more; the server ends with its last session\n"
   "  reload             read the files of keys and certificates again, as on SIGHUP\n"
   "  bench [SERVER]     measure the way from here to a server, and say what it is good for; as\n"
   "                     venus-run --bench, with the same addresses and settings\n"
   "  health             exit status 0 when it takes clients and its GPUs work\n"
   "  key add IDENTITY   make a key, add it to the server's --keys file and print its line once,\n"
   "                     for the client's file\n"
   "  key list           whose keys there are\n"
   "  key revoke IDENTITY  take a key away; who is in stays in, unless --kick is given, too\n"
   "\n"
   "  --control PATH     the server's control socket (default: where it is without --control)\n"
   "  --json             status, sessions and bench for programs\n"
   "  --keys FILE        key: this file, also when no server runs\n"
   "  --kick             key revoke: end the sessions that this key has let in\n"
   "  --version, --help\n";

struct arguments {
   const char *control, *keys;
   bool json, kick;
   const char *words[4]; /* NULL after the last one */
   unsigned count;
   char place[128];
};

/* The server's option of a name, with its value in the next argument or after '='. */
static bool takes_value(const char *name, char *const **argv, const char **value)
{
   const char *argument = **argv;
   const size_t length = strlen(name);

   if (strncmp(argument, name, length) != 0 || (argument[length] != '=' && argument[length] != '\0'))
      return false;
   *value = argument[length] == '=' ? argument + length + 1 : *++*argv;
   return true;
}

/* False: they make no sense. */
static bool read_arguments(struct arguments *arguments, char *const *argv)
{
   while (*++argv) {
      if (takes_value("--control", &argv, &arguments->control)) {
         if (!arguments->control)
            return false;
      } else if (takes_value("--keys", &argv, &arguments->keys)) {
         if (!arguments->keys)
            return false;
      } else if (strcmp(*argv, "--json") == 0) {
         arguments->json = true;
      } else if (strcmp(*argv, "--kick") == 0) {
         arguments->kick = true;
      } else if ((*argv)[0] == '-' || arguments->count == sizeof(arguments->words) / sizeof(*arguments->words) - 1) {
         return false;
      } else {
         arguments->words[arguments->count++] = *argv;
      }
   }
   return arguments->count > 0;
}

/* The user's own server, or that of the machine. */
static const char *control_place(struct arguments *arguments)
{
   if (arguments->control)
      return arguments->control;
   if (!vps_control_place(arguments->place, sizeof(arguments->place)) || access(arguments->place, F_OK) != 0)
      return VPS_CONTROL_SYSTEM_PLACE;
   return arguments->place;
}

/* Asks for something of which the answer is that it was done. */
static bool ctl_tell(struct arguments *arguments, const char *request, int timeout_ms)
{
   struct ctl_answer answer;

   if (!ctl_ask(control_place(arguments), request, timeout_ms, &answer))
      return false;
   free(answer.data);
   return true;
}

/* Returns when those who come from now on meet what the files say. */
static bool ctl_reload(struct arguments *arguments)
{
   const int64_t deadline_ms = vp_clock_ms() + RELOAD_MS;

   if (!ctl_tell(arguments, "reload\n", ASK_MS))
      return false;
   while (vp_clock_ms() < deadline_ms) {
      struct ctl_answer answer;
      if (!ctl_ask(control_place(arguments), "reloaded\n", ASK_MS, &answer))
         return false;
      const char *line = ctl_next_line(&answer.lines);
      const bool done = line && strcmp(line, "yes") == 0;
      free(answer.data);
      if (done)
         return true;
      usleep(RELOAD_LOOK_US);
   }
   ctl_complain("the server takes long to read its files; its log says when it has");
   return false;
}

/* The request with what it is about; a line's end in it would be another request. */
static bool make_request(char request[512], const char *name, const char *what, const char *reason)
{
   const int length = snprintf(request, 512, "%s %s %s\n", name, what, reason ? reason : "");

   if (length > 0 && length < 512 && strchr(request, '\n') == request + length - 1)
      return true;
   ctl_complain("that is too long, or more than a line");
   return false;
}

/* How many sessions were ended; negative: that could not be said. */
static long ctl_kick(struct arguments *arguments, const char *name, const char *whom, const char *reason)
{
   struct ctl_answer answer;
   char request[512];

   if (!make_request(request, name, whom, reason) || !ctl_ask(control_place(arguments), request, ASK_MS, &answer))
      return -1;
   char *line = ctl_next_line(&answer.lines);
   const bool is_number = line && strcmp(ctl_next_value(&line), "ended") == 0;
   const long count = is_number ? strtol(line, NULL, 10) : 0;
   free(answer.data);
   return count;
}

static int ctl_kick_session(struct arguments *arguments)
{
   const long count = ctl_kick(arguments, "kick", arguments->words[1], arguments->words[2]);

   if (count == 0)
      ctl_complain("there is no session %s; see venus-ctl sessions", arguments->words[1]);
   return count > 0 ? 0 : 1;
}

/* --- keys --- */

/* The server knows which file it is. *answer is to be freed. */
static const char *key_file(struct arguments *arguments, struct ctl_answer *answer)
{
   *answer = (struct ctl_answer){0};
   if (arguments->keys)
      return arguments->keys;
   return ctl_ask(control_place(arguments), "keys\n", ASK_MS, answer) ? ctl_next_line(&answer->lines) : NULL;
}

/* With --keys there may be no server. */
static int have_them_read(struct arguments *arguments)
{
   if (arguments->keys && access(control_place(arguments), F_OK) != 0)
      return 0;
   return ctl_reload(arguments) ? 0 : 1;
}

static int change_keys(struct arguments *arguments, const char *path)
{
   const char *what = arguments->words[1], *identity = arguments->words[2];
   char user[128];

   if (strcmp(what, "list") == 0)
      return ctl_keys_list(path) ? 0 : 1;
   const bool is_add = strcmp(what, "add") == 0;
   if (!(is_add ? ctl_keys_add(path, identity) : ctl_keys_revoke(path, identity)))
      return 1;
   fflush(stdout);
   int status = have_them_read(arguments);
   if (status == 0 && !is_add && arguments->kick) {
      snprintf(user, sizeof(user), "key:%s", identity);
      const long count = ctl_kick(arguments, "kick-user", user, "its key is not valid any more");
      if (count >= 0)
         printf("%ld sessions ended\n", count);
      status = count < 0;
   }
   return status;
}

static int run_key(struct arguments *arguments)
{
   struct ctl_answer answer;
   const char *path = key_file(arguments, &answer);
   const int status = path ? change_keys(arguments, path) : 1;

   free(answer.data);
   return status;
}

/* --- the way to a server --- */

/* The client's part knows how servers are reached: it lies beside this program, or where programs are. Comes back only
 * when there is none. */
static int ctl_bench(const struct arguments *arguments)
{
   static char program[] = "venus-run";
   char bench[] = "--bench", json[] = "--json", path[PATH_MAX];
   char *words[5] = {program, bench};
   const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(program));

   if (arguments->json)
      words[2] = json;
   words[arguments->json ? 3 : 2] = (char *)(uintptr_t)arguments->words[1]; /* exec changes nothing */
   path[length > 0 ? length : 0] = '\0';
   char *name = strrchr(path, '/');
   if (name) {
      memcpy(name + 1, program, sizeof(program));
      execv(path, words);
   }
   execvp(program, words);
   ctl_complain("there is no program venus-run, which measures: install the driver, too");
   return 1;
}

/* --- */

/* Whether the words are these, with so many behind them. */
static bool is_command(const struct arguments *arguments, const char *name, const char *second, unsigned least,
                       unsigned most)
{
   const unsigned named = second ? 2 : 1;

   return strcmp(arguments->words[0], name) == 0 &&
          (!second || (arguments->words[1] && strcmp(arguments->words[1], second) == 0)) &&
          arguments->count >= named + least && arguments->count <= named + most;
}

static int ctl_run_command(struct arguments *arguments)
{
   if (is_command(arguments, "status", NULL, 0, 0))
      return ctl_show_status(control_place(arguments), arguments->json);
   if (is_command(arguments, "sessions", NULL, 0, 0))
      return ctl_show_sessions(control_place(arguments), arguments->json);
   if (is_command(arguments, "kick", NULL, 1, 2))
      return ctl_kick_session(arguments);
   if (is_command(arguments, "drain", NULL, 0, 0))
      return ctl_tell(arguments, "drain\n", ASK_MS) ? 0 : 1;
   if (is_command(arguments, "reload", NULL, 0, 0))
      return ctl_reload(arguments) ? 0 : 1;
   if (is_command(arguments, "bench", NULL, 0, 1))
      return ctl_bench(arguments);
   if (is_command(arguments, "health", NULL, 0, 0))
      return ctl_tell(arguments, "health\n", HEALTH_MS) ? 0 : 1;
   if (is_command(arguments, "key", "list", 0, 0) || is_command(arguments, "key", "add", 1, 1) ||
       is_command(arguments, "key", "revoke", 1, 1))
      return run_key(arguments);
   fputs(usage, stderr);
   return EXIT_USAGE;
}

int main(int argc, char *argv[])
{
   struct arguments arguments = {0};

   if (argc == 2 && strcmp(argv[1], "--help") == 0) {
      fputs(usage, stdout);
      return 0;
   }
   if (argc == 2 && strcmp(argv[1], "--version") == 0) {
      puts("venus-ctl " VP_VERSION);
      return 0;
   }
   if (!read_arguments(&arguments, argv)) {
      fputs(usage, stderr);
      return EXIT_USAGE;
   }
   return ctl_run_command(&arguments);
}
