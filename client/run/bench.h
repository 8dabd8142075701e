/* SPDX-License-Identifier: MIT */
#ifndef VP_RUN_BENCH_H
#define VP_RUN_BENCH_H

#include <stdbool.h>

#include "client/process/greeting.h"
#include "client/process/server_address.h"

/* What the way to a server is like. */
struct vp_bench_result {
   char address[300];
   struct vp_hello server;
   double connect_ms;             /* until the server's greeting was there */
   double round_trip_ms, best_ms; /* the median, and the shortest */
   double up_rate, down_rate;     /* bits in a second: to the server, and from it */
};

/* Connects to it as a program would and measures. False with a sentence in `error`. */
bool vp_bench_measure(struct vp_bench_result *result, const struct vp_server_address *address, int timeout_ms,
                      char error[VP_GREETING_ERROR_SIZE]);

/* On standard output. */
void vp_bench_print(const struct vp_bench_result *result);
void vp_bench_print_json(const struct vp_bench_result *result);

/* Measures all servers that VENUS_SERVER of the environment names, and prints what there is to be known. The exit
 * status: 0, or 1 when one of them cannot be measured, which is said. */
int vp_bench_run(bool json);

#endif
