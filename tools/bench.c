/* SPDX-License-Identifier: MIT */

/* venus-bench: measures the Vulkan driver that the loader finds and prints the results as JSON. tools/bench runs it on
 * two drivers and compares. */

#include "tools/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: venus-bench record|threads|latency\n"
                            "       venus-bench memory [ROW REPETITIONS]   (without: says which rows there are)\n"
                            "       venus-bench gpu ROW [SECONDS]          (rows of tools/bench_gpu)\n"
                            "       venus-bench tcp listen|ADDRESS         (raw TCP, to one that listens)\n"
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
   } else if ((argc == 3 || argc == 4) && strcmp(what, "gpu") == 0) {
      const double seconds = argc == 4 ? strtod(argv[3], NULL) : 1;
      if (!bench_gpu(argv[2], seconds) && !bench_frames(argv[2], seconds) && !bench_pipelines(argv[2], seconds))
         bench_die("finding the row", 0);
   } else if (argc == 3 && strcmp(what, "tcp") == 0 && strcmp(argv[2], "listen") == 0) {
      bench_tcp_listen();
   } else if (argc == 3 && strcmp(what, "tcp") == 0) {
      bench_tcp(argv[2]);
   } else {
      fputs(usage, stderr);
      return 2;
   }
   return 0;
}
