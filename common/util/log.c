/* SPDX-License-Identifier: MIT */

/* Each message becomes one line, which is written to standard error at once, so that processes do not mix theirs. */

#include "common/util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/util/text.h"

/* A pipe takes up to 4096 bytes in one piece (PIPE_BUF); a longer line could
 * be torn apart by another process. */
#define LINE_SIZE 4096

/* At the end of one that is longer. */
#define CUT "..."

#define TIME_SIZE ((size_t)48)

static const char *const level_names[] = {
   [VP_LOG_ERROR] = "error",
   [VP_LOG_WARN] = "warn",
   [VP_LOG_INFO] = "info",
   [VP_LOG_DEBUG] = "debug",
};

static const char *log_program = "venus-plus";
static enum vp_log_level log_level = VP_LOG_INFO;
static enum vp_log_format log_format = VP_LOG_PLAIN;
static _Atomic(const char *) log_peer, log_user;

void vp_log_init(const char *program, enum vp_log_level level)
{
   log_program = program;
   log_level = level;
}

bool vp_log_parse_level(const char *text, enum vp_log_level *level)
{
   if (!text)
      return false;

   for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
      if (strcmp(text, level_names[i]) == 0) {
         *level = (enum vp_log_level)i;
         return true;
      }
   }
   return false;
}

const char *vp_log_level_name(enum vp_log_level level)
{
   return level_names[level];
}

bool vp_log_enabled(enum vp_log_level level)
{
   return level <= log_level;
}

void vp_log_set_format(enum vp_log_format format)
{
   tzset();
   log_format = format;
}

void vp_log_set_client(const char *peer, const char *user)
{
   atomic_store(&log_peer, peer);
   atomic_store(&log_user, user);
}

/* Local, as in ISO 8601, with milliseconds. */
static void write_time(char text[TIME_SIZE])
{
   struct timespec now;
   struct tm local = {0};
   char seconds[24], zone[8];

   clock_gettime(CLOCK_REALTIME, &now);
   localtime_r(&now.tv_sec, &local);
   strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &local);
   strftime(zone, sizeof(zone), "%z", &local);
   snprintf(text, TIME_SIZE, "%s.%03d%.3s:%.2s", seconds, (int)(now.tv_nsec / 1000000), zone,
            strlen(zone) == 5 ? zone + 3 : "00");
}

struct log_message {
   enum vp_log_level level;
   bool is_asked_for; /* then no level is said */
   const char *peer, *user;
};

/* A line while it is made. What is put when there is no room for it, with CUT and the end behind it, is left out. */
struct log_line {
   char *text;
   size_t length;
   bool is_cut;
};

static void put_bytes(struct log_line *line, const char *text, size_t length)
{
   line->is_cut = line->is_cut || length > LINE_SIZE - line->length - strlen(CUT "\"}\n");
   if (line->is_cut)
      return;
   memcpy(line->text + line->length, text, length);
   line->length += length;
}

/* Text from anywhere, as one line, in pieces that are not torn apart. */
static void put_text(struct log_line *line, const char *text)
{
   for (; *text; text++) {
      const char byte[2] = {*text, '\0'};
      char escaped[8], quoted[16];
      size_t n = 0;
      const size_t length = vp_text_escape(escaped, sizeof(escaped), byte);
      for (size_t i = 0; i < length; i++) {
         if (log_format == VP_LOG_JSON && (escaped[i] == '"' || escaped[i] == '\\'))
            quoted[n++] = '\\';
         quoted[n++] = escaped[i];
      }
      put_bytes(line, quoted, n);
   }
}

/* The next member of an object. */
static void put_member(struct log_line *line, const char *name, const char *text)
{
   put_bytes(line, "\"", 1);
   put_bytes(line, name, strlen(name));
   put_bytes(line, "\":\"", 3);
   put_text(line, text);
   put_bytes(line, "\",", 2);
}

static void put_object(struct log_line *line, const struct log_message *message)
{
   char when[TIME_SIZE];

   write_time(when);
   put_bytes(line, "{", 1);
   put_member(line, "time", when);
   put_member(line, "level", level_names[message->level]);
   put_member(line, "process", log_program);
   if (message->peer)
      put_member(line, "peer", message->peer);
   if (message->user && *message->user)
      put_member(line, "user", message->user);
   put_bytes(line, "\"message\":\"", 11);
}

static void put_head(struct log_line *line, const struct log_message *message)
{
   static const char *const priorities[] = {
      [VP_LOG_ERROR] = "<3>", [VP_LOG_WARN] = "<4>", [VP_LOG_INFO] = "<6>", [VP_LOG_DEBUG] = "<7>"};
   char when[TIME_SIZE];

   if (log_format == VP_LOG_TEXT) {
      write_time(when);
      put_bytes(line, when, strlen(when));
      put_bytes(line, " ", 1);
   } else if (log_format == VP_LOG_JOURNAL) {
      put_bytes(line, priorities[message->level], 3);
   }
   put_bytes(line, log_program, strlen(log_program));
   put_bytes(line, ": ", 2);
   if (message->is_asked_for)
      return;
   put_bytes(line, level_names[message->level], strlen(level_names[message->level]));
   put_bytes(line, ": ", 2);
}

/* Makes the line, with its end, from its text. Returns its length. */
static size_t make_line(char out[LINE_SIZE], const struct log_message *message, const char *text, bool is_cut)
{
   struct log_line line = {.text = out};
   const bool is_json = log_format == VP_LOG_JSON;

   if (is_json)
      put_object(&line, message);
   else
      put_head(&line, message);
   put_text(&line, text);
   is_cut = is_cut || line.is_cut;
   return line.length + (size_t)snprintf(out + line.length, LINE_SIZE - line.length, "%s%s\n", is_cut ? CUT : "",
                                         is_json ? "\"}" : "");
}

static void write_message(const struct log_message *message, const char *format, va_list args)
{
   const int saved_errno = errno;
   char text[LINE_SIZE], line[LINE_SIZE];
   const int needed = vsnprintf(text, sizeof(text), format, args);

   if (needed >= 0) {
      const size_t length = make_line(line, message, text, (size_t)needed >= sizeof(text));
      ssize_t written;
      do {
         written = write(STDERR_FILENO, line, length);
      } while (written < 0 && errno == EINTR);
   }
   errno = saved_errno;
}

void vp_log(enum vp_log_level level, const char *format, ...)
{
   const struct log_message message = {.level = level, .peer = atomic_load(&log_peer), .user = atomic_load(&log_user)};
   va_list args;

   if (!vp_log_enabled(level))
      return;
   va_start(args, format);
   write_message(&message, format, args);
   va_end(args);
}

void vp_log_say(const char *format, ...)
{
   const struct log_message message = {.level = VP_LOG_INFO, .is_asked_for = true};
   va_list args;

   va_start(args, format);
   write_message(&message, format, args);
   va_end(args);
}

void vp_log_about(enum vp_log_level level, const char *peer, const char *user, const char *format, ...)
{
   const struct log_message message = {.level = level, .peer = peer, .user = user};
   va_list args;

   if (!vp_log_enabled(level))
      return;
   va_start(args, format);
   write_message(&message, format, args);
   va_end(args);
}
