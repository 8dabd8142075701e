/* SPDX-License-Identifier: MIT */

/* The program's signals are for its own threads: whatever thread the driver has started by the time that a copy is done
 * blocks them all, though the program blocks none. */

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/e2e/copy.h"
#include "tests/e2e/need.h"

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))
/* SIGKILL and SIGSTOP, those that the C library keeps to itself, and SIGSYS: whoever blocks it is killed by a sandbox.
 */
#define NEVER_BLOCKED (SIGNAL_BIT(9) | SIGNAL_BIT(19) | SIGNAL_BIT(31) | SIGNAL_BIT(32) | SIGNAL_BIT(33))

static bool blocks_all(long thread)
{
   char path[64], line[256], name[32] = "";
   uint64_t blocked = 0;
   snprintf(path, sizeof(path), "/proc/self/task/%ld/status", thread);
   FILE *file = fopen(path, "r");
   NEED(file);
   while (fgets(line, sizeof(line), file)) {
      sscanf(line, "Name: %31[^\n]", name);
      sscanf(line, "SigBlk: %" SCNx64, &blocked);
   }
   fclose(file);
   printf("thread %ld, %s, blocks %016" PRIx64 "\n", thread, name, blocked);
   return (blocked | NEVER_BLOCKED) == UINT64_MAX;
}

int main(void)
{
   struct copier copier = {0};
   unsigned count = 0;
   bool ok = true;
   copier_create_device(&copier);
   copier_map(&copier);
   NEED(copier_copies(&copier, 1));
   DIR *folder = opendir("/proc/self/task");
   NEED(folder);
   for (const struct dirent *entry; (entry = readdir(folder));) {
      const long thread = strtol(entry->d_name, NULL, 10);
      if (thread <= 0 || thread == getpid())
         continue;
      ok = blocks_all(thread) && ok;
      count++;
   }
   closedir(folder);
   copier_finish(&copier);
   return !ok || count == 0;
}
