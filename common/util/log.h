/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_LOG_H
#define VP_UTIL_LOG_H

#include <stdbool.h>

enum vp_log_level {
   VP_LOG_ERROR,
   VP_LOG_WARN,
   VP_LOG_INFO,
   VP_LOG_DEBUG,
};

enum vp_log_format {
   VP_LOG_PLAIN,   /* "program: level: text" */
   VP_LOG_TEXT,    /* the same after the time */
   VP_LOG_JOURNAL, /* the same after a priority that systemd's journal takes off, as <6> */
   VP_LOG_JSON,    /* an object: time, level, process, message; peer and user where they are known */
};

/* Sets the name that starts every line and the most detailed level that is
 * written. `program` is kept, not copied. Call once, before other threads. */
void vp_log_init(const char *program, enum vp_log_level level);

/* How lines look; until then they are plain. Before a sandbox, in which the time zone cannot be read. */
void vp_log_set_format(enum vp_log_format format);

/* Whom the lines of this process are about from now on, unless they say something else. Kept, not copied. */
void vp_log_set_client(const char *peer, const char *user);

/* "error", "warn", "info" or "debug" -> level. False, and *level untouched,
 * for anything else (NULL included). */
bool vp_log_parse_level(const char *text, enum vp_log_level *level);

/* The other way round; static text. */
const char *vp_log_level_name(enum vp_log_level level);

bool vp_log_enabled(enum vp_log_level level);

/* Writes one line to stderr in a single write, so that
 * lines of several threads and processes do not mix. Whatever is in the text, it stays
 * one line of printable ASCII (vp_text_escape); one over 4 KiB is cut and ends with "...". Thread-safe;
 * keeps errno. */
void vp_log(enum vp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what somebody has asked to be told, whatever the level is, which is not in the line. */
void vp_log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of this client. */
void vp_log_about(enum vp_log_level level, const char *peer, const char *user, const char *format, ...)
   __attribute__((format(printf, 4, 5)));

#endif
