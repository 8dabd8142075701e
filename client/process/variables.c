/* SPDX-License-Identifier: MIT */

/* The table of the environment variables, and the one place where their values are understood. */

#include "client/process/variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/util/text.h"

const struct vp_variable vp_variables[VP_VARIABLE_COUNT] = {
   [VP_VARIABLE_SERVER] = {.name = "VENUS_SERVER",
                           .kind = VP_VARIABLE_TEXT,
                           .allowed = "",
                           .unset = "none: the driver offers no GPU and opens no connection",
                           .meaning = "The servers, several separated by commas (at most 16): their GPUs appear one "
                                      "after another. See [below](#servers)."},
   [VP_VARIABLE_POLICY] = {.name = "VENUS_POLICY",
                           .kind = VP_VARIABLE_CHOICE,
                           .allowed = "first least-loaded all",
                           .unset = "`all` of a list; of the servers of `srv:NAME` the `first`",
                           .meaning = "Which of several servers are used: the first that can be reached, the one with "
                                      "the fewest sessions for each GPU, or all. See [below](#several-servers)."},
   [VP_VARIABLE_REQUIRE] = {.name = "VENUS_REQUIRE",
                            .kind = VP_VARIABLE_FLAG,
                            .allowed = "",
                            .otherwise = "0",
                            .meaning = "Where no server gives a GPU, the program gets an error and not whatever other "
                                       "GPU there is. See [below](#beside-other-drivers)."},
   [VP_VARIABLE_DISABLE] = {.name = "VENUS_DISABLE",
                            .kind = VP_VARIABLE_FLAG,
                            .allowed = "",
                            .otherwise = "0",
                            .meaning = "As if `VENUS_SERVER` and `VENUS_REQUIRE` were not set."},
   [VP_VARIABLE_GPU] = {.name = "VENUS_GPU",
                        .kind = VP_VARIABLE_TEXT,
                        .allowed = "",
                        .unset = "all",
                        .meaning =
                           "The program sees only these GPUs, several separated by commas: each is an index, in "
                           "the order in which they appear without this, or a part of a name."},
   [VP_VARIABLE_TIMEOUT] = {.name = "VENUS_TIMEOUT",
                            .kind = VP_VARIABLE_SECONDS,
                            .allowed = "0.001 3600",
                            .otherwise = "5",
                            .meaning = "How long to wait for servers to answer when connecting, for all of them "
                                       "together."},
   [VP_VARIABLE_RESUME] = {.name = "VENUS_RESUME",
                           .kind = VP_VARIABLE_SECONDS,
                           .allowed = "0 3600",
                           .otherwise = "3600",
                           .meaning = "When a connection through TCP or TLS breaks, how long it is tried to go on with "
                                      "the session over another one, while calls wait. No longer than the server "
                                      "keeps it (`--resume`); `0`: the device is lost at once."},
   [VP_VARIABLE_KEY_FILE] = {.name = "VENUS_KEY_FILE",
                             .kind = VP_VARIABLE_PATH,
                             .allowed = "",
                             .unset = "`venus-plus/keys` in `$XDG_CONFIG_HOME` or `~/.config`",
                             .meaning = "The file with the key for `tls://IDENTITY@HOST`: lines `IDENTITY:HEXKEY`, "
                                        "mode 0600."},
   [VP_VARIABLE_TLS_CA] = {.name = "VENUS_TLS_CA",
                           .kind = VP_VARIABLE_PATH,
                           .allowed = "",
                           .unset = "none: `VENUS_TLS_PIN` must be there",
                           .meaning = "For `tls://HOST`: the authorities, in PEM, one of which must have signed the "
                                      "server's certificate, which must be for this host."},
   [VP_VARIABLE_TLS_PIN] = {.name = "VENUS_TLS_PIN",
                            .kind = VP_VARIABLE_TEXT,
                            .allowed = "",
                            .unset = "none",
                            .meaning = "For `tls://HOST`: `sha256:` and 64 hexadecimal digits, the hash of the "
                                       "server's public key. See [BUILD_AND_RUN.md](BUILD_AND_RUN.md#certificates); "
                                       "with `VENUS_TLS_CA` both must be right."},
   [VP_VARIABLE_TLS_CERT] = {.name = "VENUS_TLS_CERT",
                             .kind = VP_VARIABLE_PATH,
                             .allowed = "",
                             .unset = "none: it must be there",
                             .meaning = "For `tls://HOST`: this client's certificate, with those that lead to its "
                                        "authority, in PEM."},
   [VP_VARIABLE_TLS_KEY] = {.name = "VENUS_TLS_KEY",
                            .kind = VP_VARIABLE_PATH,
                            .allowed = "",
                            .unset = "none: it must be there",
                            .meaning = "For `tls://HOST`: the private key of that certificate, without a password "
                                       "(mode 0600), in PEM."},
   [VP_VARIABLE_LOG] = {.name = "VENUS_LOG",
                        .kind = VP_VARIABLE_CHOICE,
                        .allowed = "error warn info debug",
                        .otherwise = "warn",
                        .meaning = "How much to say on standard error. `info`: which servers were reached, how long "
                                   "that took, which GPUs they have, or why not; `debug`: more of the same."},
   [VP_VARIABLE_ANNOUNCE] = {.name = "VENUS_ANNOUNCE",
                             .kind = VP_VARIABLE_FLAG,
                             .allowed = "",
                             .otherwise = "0",
                             .meaning = "A process says in one line on standard error which GPU it uses first."},
   [VP_VARIABLE_DEBUG] = {.name = "VENUS_DEBUG",
                          .kind = VP_VARIABLE_CHOICE,
                          .allowed = "stats",
                          .unset = "none",
                          .meaning = "`stats`: print counters on standard error when a connection or the process ends. "
                                     "They are calls by kind, blocking round trips by command, waits for what the "
                                     "server says by itself, frames and bytes each way, and what became of presented "
                                     "frames."},
   [VP_VARIABLE_HUD] = {.name = "VENUS_HUD",
                        .kind = VP_VARIABLE_FLAG,
                        .allowed = "",
                        .otherwise = "0",
                        .meaning = "Each second a line on standard error for each swapchain: frames shown and not "
                                   "shown, codec, size, and how long the stages of a frame took."},
   [VP_VARIABLE_PRESENT] = {.name = "VENUS_PRESENT",
                            .kind = VP_VARIABLE_CHOICE,
                            .allowed = "lossless auto fast",
                            .otherwise = "lossless",
                            .meaning = "How the pictures of windows may be compressed. See "
                                       "[below](#pictures-of-windows)."},
   [VP_VARIABLE_COMPRESS] = {.name = "VENUS_COMPRESS",
                             .kind = VP_VARIABLE_CHOICE,
                             .allowed = "auto none lz4 zstd",
                             .otherwise = "auto",
                             .meaning = "How mapped memory is compressed on its way to the server; `auto`: where the "
                                        "link is slow enough for it to pay. Commands are packed with zstd: `auto` "
                                        "where the link is slow, `none` never, else always."},
   [VP_VARIABLE_TRACK] = {.name = "VENUS_TRACK",
                          .kind = VP_VARIABLE_CHOICE,
                          .allowed = "async signal compare",
                          .unset = "`async` where the kernel has it, else `compare`",
                          .meaning = "How changes of mapped memory are found. See "
                                     "[MAPPED_MEMORY.md](MAPPED_MEMORY.md), and "
                                     "[below](#memory-that-devices-write-to)."},
   [VP_VARIABLE_BAR_MEMORY] = {.name = "VENUS_BAR_MEMORY",
                               .kind = VP_VARIABLE_FLAG,
                               .allowed = "",
                               .otherwise = "0",
                               .meaning = "Memory types that are both device-local and host-visible stay host-visible. "
                                          "`0`: they are only device-local, if there is other memory to map."},
   [VP_VARIABLE_EARLY_WAITS] = {.name = "VENUS_EARLY_WAITS",
                                .kind = VP_VARIABLE_FLAG,
                                .allowed = "",
                                .otherwise = "1",
                                .meaning = "A wait for the GPU may return before the server has said that the GPU is "
                                           "done, when the application could not tell, as after a copy to memory that "
                                           "cannot be mapped. See [ARCHITECTURE.md](ARCHITECTURE.md#progress)."},
   [VP_VARIABLE_SPIN] = {.name = "VENUS_SPIN",
                         .kind = VP_VARIABLE_FLAG,
                         .allowed = "",
                         .unset = "`1` with four or more processor cores, else `0`",
                         .meaning = "Who waits for the server looks for up to 0.1 ms before it sleeps, which answers "
                                    "sooner."},
};

/* --- values --- */

static bool parse_flag(const char *text, bool *flag)
{
   static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};

   for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
      if (!strcasecmp(text, words[i])) {
         *flag = i % 2;
         return true;
      }
   }
   return false;
}

static bool parse_choice(const char *words, const char *text, unsigned *choice)
{
   const size_t length = strlen(text);

   for (*choice = 0; length && *words; ++*choice) {
      const size_t word = strcspn(words, " ");
      if (word == length && !memcmp(words, text, length))
         return true;
      words += word + strspn(words + word, " ");
   }
   return false;
}

/* The two numbers of a range. */
static void read_range(const char *allowed, char least[VP_TEXT_DECIMAL_SIZE], char most[VP_TEXT_DECIMAL_SIZE])
{
   const size_t length = strcspn(allowed, " ");

   vp_text_copy(least, VP_TEXT_DECIMAL_SIZE, allowed, length);
   vp_text_copy(most, VP_TEXT_DECIMAL_SIZE, allowed + length + 1, VP_TEXT_DECIMAL_SIZE);
}

static bool parse_seconds(const char *allowed, const char *text, double *seconds)
{
   char least[VP_TEXT_DECIMAL_SIZE], most[VP_TEXT_DECIMAL_SIZE];
   double bounds[2];

   read_range(allowed, least, most);
   return vp_text_parse_decimal(least, &bounds[0]) && vp_text_parse_decimal(most, &bounds[1]) &&
          vp_text_parse_decimal(text, seconds) && *seconds >= bounds[0] && *seconds <= bounds[1];
}

bool vp_variable_parse(const struct vp_variable *variable, const char *text, union vp_variable_value *value)
{
   switch (variable->kind) {
   case VP_VARIABLE_FLAG:
      return parse_flag(text, &value->flag);
   case VP_VARIABLE_CHOICE:
      return parse_choice(variable->allowed, text, &value->choice);
   case VP_VARIABLE_SECONDS:
      return parse_seconds(variable->allowed, text, &value->seconds);
   case VP_VARIABLE_PATH:
   case VP_VARIABLE_TEXT:
      return true;
   }
   return false;
}

/* "auto, none or zstd" */
static void list_choices(const char *words, char *out, size_t size)
{
   size_t length = 0;

   out[0] = '\0';
   while (*words && length < size) {
      const size_t word = strcspn(words, " ");
      const char *next = words + word + strspn(words + word, " ");
      const char *between = length == 0 ? "" : *next ? ", " : " or ";
      length += (size_t)snprintf(out + length, size - length, "%s%.*s", between, (int)word, words);
      words = next;
   }
}

void vp_variable_describe(const struct vp_variable *variable, char *out, size_t size)
{
   char least[VP_TEXT_DECIMAL_SIZE], most[VP_TEXT_DECIMAL_SIZE];

   out[0] = '\0';
   if (variable->kind == VP_VARIABLE_FLAG) {
      snprintf(out, size, "1, true, yes or on, nor 0, false, no or off");
   } else if (variable->kind == VP_VARIABLE_CHOICE) {
      list_choices(variable->allowed, out, size);
   } else if (variable->kind == VP_VARIABLE_SECONDS) {
      read_range(variable->allowed, least, most);
      snprintf(out, size, "a number of seconds from %s to %s, with a point before decimals", least, most);
   }
}

void vp_variable_explain(const struct vp_variable *variable, const char *text, char *out, size_t size)
{
   char allowed[128];

   vp_variable_describe(variable, allowed, sizeof(allowed));
   if (variable->otherwise)
      snprintf(out, size, "%s=%s is not %s; %s is used", variable->name, text, allowed, variable->otherwise);
   else
      snprintf(out, size, "%s=%s is not %s; it is as if it were not set", variable->name, text, allowed);
}

/* --- the environment --- */

const char *vp_variable_text(enum vp_variable_id id)
{
   const char *text = getenv(vp_variables[id].name);

   return text && *text ? text : NULL;
}

bool vp_variable_read(enum vp_variable_id id, union vp_variable_value *value)
{
   const struct vp_variable *variable = &vp_variables[id];
   const char *text = vp_variable_text(id);

   return (text && vp_variable_parse(variable, text, value)) ||
          (variable->otherwise && vp_variable_parse(variable, variable->otherwise, value));
}

bool vp_variable_flag(enum vp_variable_id id)
{
   union vp_variable_value value = {.seconds = 0};

   return vp_variable_read(id, &value) && value.flag;
}

unsigned vp_variable_choice(enum vp_variable_id id)
{
   union vp_variable_value value = {.seconds = 0};

   return vp_variable_read(id, &value) ? value.choice : 0;
}

double vp_variable_seconds(enum vp_variable_id id)
{
   union vp_variable_value value = {.seconds = 0};

   return vp_variable_read(id, &value) ? value.seconds : 0;
}
