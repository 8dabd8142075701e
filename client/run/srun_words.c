/* SPDX-License-Identifier: MIT */

/* Understands the lines of srun(1), which are the same in all languages, and the one of venus-server --job. */

#include "client/run/srun_words.h"

#include <stdio.h>
#include <string.h>

#define PLACE "venus-job: "
#define STARS "*** "

/* A copy of what begins there, and ends with `end`, or with the line. */
static void words_copy(char *text, size_t size, const char *from, const char *end)
{
   const char *found = end ? strstr(from, end) : NULL;
   const size_t length = found ? (size_t)(found - from) : strlen(from);

   snprintf(text, size, "%.*s", (int)length, from);
}

/* "srun: job 12 is..." */
static bool words_take_job(const char *line, const char *what, char *text, size_t size)
{
   const char *number = line + strlen("srun: job ");
   const size_t digits = strspn(number, "0123456789");

   if (digits == 0 || strncmp(number + digits, what, strlen(what)) != 0)
      return false;
   snprintf(text, size, "%.*s", (int)digits, number);
   return true;
}

enum vp_srun_word vp_srun_understand(const char *line, char *text, size_t size)
{
   const bool is_srun = strncmp(line, "srun: ", strlen("srun: ")) == 0;
   const bool is_step = strncmp(line, "slurmstepd", strlen("slurmstepd")) == 0;
   const char *stars = strstr(line, STARS), *error = strstr(line, ": error: ");

   text[0] = '\0';
   if (!is_srun && !is_step)
      return VP_SRUN_OTHER;
   if (strncmp(line, "srun: job ", strlen("srun: job ")) == 0) {
      if (words_take_job(line, " queued and waiting", text, size))
         return VP_SRUN_QUEUED;
      if (words_take_job(line, " has been allocated", text, size))
         return VP_SRUN_ALLOCATED;
   }
   if (is_step && stars) {
      words_copy(text, size, stars + strlen(STARS), " ***");
      return VP_SRUN_CANCELLED;
   }
   if (error) {
      words_copy(text, size, error + strlen(": error: "), NULL);
      return VP_SRUN_ERROR;
   }
   words_copy(text, size, is_srun ? line + strlen("srun: ") : line, NULL);
   return VP_SRUN_NOTE;
}

bool vp_job_place_parse(struct vp_job_place *place, const char *line)
{
   /* srun may have written something before it, as with --label, and programs that start with the job, too. */
   const char *text = strstr(line, PLACE);

   return text && sscanf(text + strlen(PLACE), "%255s %15s %255s %31s", place->host, place->port, place->route,
                         place->job) == 4;
}
