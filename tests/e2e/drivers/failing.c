/* SPDX-License-Identifier: MIT */
/* Part of a driver whose allocations fail: VP_FAIL_AT is the number of the first that does, VP_FAIL_COUNT how many do.
 * When the process ends, it says on stderr how many there were. */
#include <stdio.h>

#include "tests/e2e/failing_allocations.h"

static unsigned read_number(const char *variable, unsigned otherwise)
{
   const char *text = getenv(variable);
   return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
   if (getenv("VP_FAIL_AT"))
      fail_allocations(read_number("VP_FAIL_AT", 0), read_number("VP_FAIL_COUNT", 1));
}

__attribute__((destructor)) static void end(void)
{
   fprintf(stderr, "allocations: %u\n", atomic_load(&allocations));
}
