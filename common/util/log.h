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

/* Sets the name that starts every line and the most detailed level that is
 * written. `program` is kept, not copied. Call once, before other threads. */
void vp_log_init(const char *program, enum vp_log_level level);

/* "error", "warn", "info" or "debug" -> level. False, and *level untouched,
 * for anything else (NULL included). */
bool vp_log_parse_level(const char *text, enum vp_log_level *level);

/* The other way round; static text. */
const char *vp_log_level_name(enum vp_log_level level);

bool vp_log_enabled(enum vp_log_level level);

/* Writes one line ("program: level: text") to stderr in a single write, so that
 * lines of several threads and processes do not mix. Control characters in the
 * text become spaces; a line over 4 KiB is cut and ends with "...". Thread-safe;
 * keeps errno. */
void vp_log(enum vp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
