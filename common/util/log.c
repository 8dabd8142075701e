/* SPDX-License-Identifier: MIT */

/* Each message becomes one line, which is written to standard error at once, so that processes do not mix theirs. */

#include "common/util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/text.h"

/* A pipe takes up to 4096 bytes in one piece (PIPE_BUF); a longer line could
 * be torn apart by another process. */
#define LINE_SIZE 4096

static const char *const level_names[] = {
   [VP_LOG_ERROR] = "error",
   [VP_LOG_WARN] = "warn",
   [VP_LOG_INFO] = "info",
   [VP_LOG_DEBUG] = "debug",
};

static const char *log_program = "venus-plus";
static enum vp_log_level log_level = VP_LOG_INFO;

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

void vp_log(enum vp_log_level level, const char *format, ...)
{
   if (!vp_log_enabled(level))
      return;

   const int saved_errno = errno;
   char line[LINE_SIZE];
   int prefix = snprintf(line, sizeof(line), "%s: %s: ", log_program, level_names[level]);
   if (prefix < 0 || (size_t)prefix > sizeof(line) / 2)
      prefix = 0;

   va_list args;
   va_start(args, format);
   const size_t room = sizeof(line) - (size_t)prefix - 1; /* one byte stays for the line's end */
   const int needed = vsnprintf(line + prefix, room, format, args);
   va_end(args);

   if (needed >= 0) {
      if ((size_t)needed >= room)
         memcpy(line + sizeof(line) - 5, "...", 4);
      vp_text_make_line(line);
      const size_t length = strlen(line);
      line[length] = '\n';
      ssize_t written;
      do {
         written = write(STDERR_FILENO, line, length + 1);
      } while (written < 0 && errno == EINTR);
   }
   errno = saved_errno;
}
