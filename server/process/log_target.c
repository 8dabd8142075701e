/* SPDX-License-Identifier: MIT */

/* Chooses how messages look from where they go. */

#include "server/process/log_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether standard error is what the variable says: it is inherited also by those whose messages go elsewhere. */
static bool goes_to_journal(void)
{
   const char *stream = getenv("JOURNAL_STREAM");
   char own[64];
   struct stat status;

   if (!stream || fstat(STDERR_FILENO, &status) != 0)
      return false;
   snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
   return strcmp(stream, own) == 0;
}

static enum vp_log_format choose_format(enum vps_log_format wanted)
{
   switch (wanted) {
   case VPS_LOG_PLAIN:
      return VP_LOG_PLAIN;
   case VPS_LOG_TEXT:
      return VP_LOG_TEXT;
   case VPS_LOG_JOURNAL:
      return VP_LOG_JOURNAL;
   case VPS_LOG_JSON:
      return VP_LOG_JSON;
   case VPS_LOG_AUTO:
      break;
   }
   return goes_to_journal() ? VP_LOG_JOURNAL : isatty(STDERR_FILENO) ? VP_LOG_PLAIN : VP_LOG_TEXT;
}

void vps_log_begin(const char *program, const struct vps_options *options)
{
   vp_log_init(program, options->log_level);
   vp_log_set_format(choose_format(options->log_format));
}
