/* SPDX-License-Identifier: MIT */
#ifndef VP_UNIT_CHECK_H
#define VP_UNIT_CHECK_H

#include <stdbool.h>
#include <stdio.h>

/* A unit test is a program: CHECK what should hold, end with
 * `return check_finish();`, which is 0 only when something was checked and all
 * of it held. Checks are made by one thread at a time. */

static unsigned check_count, check_failures;

static inline bool check_record(bool ok, const char *file, int line, const char *text)
{
   check_count++;
   if (!ok) {
      check_failures++;
      fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
   }
   return ok;
}

/* Its value is the condition's: `if (!CHECK(p)) return;` */
#define CHECK(cond) check_record((cond) ? true : false, __FILE__, __LINE__, #cond)

static inline int check_finish(void)
{
   fprintf(stderr, "%u checks, %u failed\n", check_count, check_failures);
   return check_count > 0 && check_failures == 0 ? 0 : 1;
}

/* Instead, where something is not installed. */
static inline int check_skip(const char *reason)
{
   printf("SKIP: %s\n", reason);
   return 77;
}

#endif
