/* SPDX-License-Identifier: MIT */

/* venus-bench: measures the Vulkan driver that the loader finds and prints the results as JSON. tools/bench runs it on
 * two drivers and compares. */

#include "tools/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: venus-bench record|threads|latency\n"
                            "       venus-bench memory [ROW REPETITIONS]   (without: says which rows there are)\n"
                            "Measures the Vulkan driver that the loader finds; tools/bench compares two.\n";

int main(int argc, char **argv)
{
   const char *what = argc > 1 ? argv[1] : "";

   if (argc == 2 && strcmp(what, "record") == 0) {
      bench_record();
   } else if (argc == 2 && strcmp(what, "threads") == 0) {
      bench_threads();
   } else if (argc == 2 && strcmp(what, "latency") == 0) {
      bench_latency();
   } else if (argc == 2 && strcmp(what, "memory") == 0) {
      bench_memory_list();
   } else if (argc == 4 && strcmp(what, "memory") == 0) {
      bench_memory(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
   } else {
      fputs(usage, stderr);
      return 2;
   }
   return 0;
}
