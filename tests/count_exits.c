/* SPDX-License-Identifier: MIT */
/* Part of every program of a build that counts which lines run: processes that end at once leave their counts, too. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);

__attribute__((visibility("default"))) void _exit(int status)
{
   __gcov_dump();
   for (;;)
      syscall(SYS_exit_group, status);
}
