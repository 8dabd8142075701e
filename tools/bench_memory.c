/* SPDX-License-Identifier: MIT */

/* venus-bench memory: what mapped memory costs. A row of the table is one kind of use. Its process makes what it
 * needs, does some repetitions that do not count, and then those that do. How often one of them waits for the server is
 * the difference between the driver's counters of processes with many and with no repetitions. The rows are in
 * bench_memory_*.c, by kind. */

#include "tools/bench_memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Repetitions that do not count: some, since pages that were written to are compared for a while; but not when each
 * takes long. */
#define WARM_UP 8
#define WARM_UP_BYTES (16 * MIB)

static const struct memory_rows *const kinds[] = {&memory_copy_rows, &memory_stream_rows, &memory_compute_rows,
                                                  &memory_idle_rows};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- what rows share --- */

void memory_submit_and_wait(struct memory_run *run)
{
   bench_submit_and_wait(&run->on, &run->slots[0]);
}

void memory_init_buffers(struct memory_run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
}

/* --- running one --- */

static void run_init(struct memory_run *run, const struct memory_row *row)
{
   *run = (struct memory_run){.row = row};
   bench_device_init(&run->on, NULL);
   run->pool = bench_slots_init(&run->on, run->slots, MEMORY_FRAMES_IN_FLIGHT);
   memory_data_init();
   row->init(run);
}

static void run_finish(struct memory_run *run)
{
   memory_fill_finish(run);
   bench_buffer_finish(&run->on, &run->host);
   bench_buffer_finish(&run->on, &run->gpu);
   bench_slots_finish(&run->on, run->pool, run->slots, MEMORY_FRAMES_IN_FLIGHT);
   bench_device_finish(&run->on);
}

struct cost {
   double ns, cpu_ns;
   struct bench_traffic traffic; /* without that of `prepare` */
};

static struct cost repeat(struct memory_run *run)
{
   struct cost cost;

   run->own_ns = 0;
   const double cpu_start = bench_now(CLOCK_PROCESS_CPUTIME_ID);
   if (run->row->prepare)
      run->row->prepare(run);
   const struct bench_traffic before = bench_traffic();
   const double start = bench_now(CLOCK_MONOTONIC);
   run->row->measure(run);
   cost.ns = bench_now(CLOCK_MONOTONIC) - start;
   cost.cpu_ns = bench_now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start - run->own_ns;
   const struct bench_traffic after = bench_traffic();
   cost.traffic = (struct bench_traffic){after.sent - before.sent, after.received - before.received};
   return cost;
}

static void warm_up(struct memory_run *run)
{
   const unsigned count = run->row->sent + run->row->received < WARM_UP_BYTES ? WARM_UP : 1;
   for (unsigned i = 0; i < count; i++)
      repeat(run);
}

static const struct memory_row *find_row(const char *name)
{
   for (size_t i = 0; i < KINDS; i++) {
      for (const struct memory_row *row = kinds[i]->rows; row < kinds[i]->rows + kinds[i]->count; row++) {
         if (strcmp(row->name, name) == 0)
            return row;
      }
   }
   bench_die("finding the row", 0);
}

void bench_memory(const char *name, unsigned repetitions)
{
   struct memory_run run;

   run_init(&run, find_row(name));
   warm_up(&run);
   printf("{\"device\": \"%s\", \"results\": [", run.on.properties.deviceName);
   for (unsigned i = 0; i < repetitions; i++) {
      const struct cost cost = repeat(&run);
      printf("%s\n  {\"ns\": %.0f, \"cpu_ns\": %.0f, \"own_ns\": %.0f, \"sent\": %" PRIu64 ", \"received\": %" PRIu64
             "}",
             i ? "," : "", cost.ns, cost.cpu_ns, run.own_ns, cost.traffic.sent, cost.traffic.received);
   }
   printf("]}\n");
   run_finish(&run);
}

static void list_row(const struct memory_row *row, bool first)
{
   printf("%s\n  {\"name\": \"%s\", \"size\": %zu, \"operations\": %u, \"sent\": %zu, \"received\": %zu, "
          "\"blocks\": %zu}",
          first ? "" : ",", row->name, row->size, row->operations, row->sent, row->received, row->blocks);
}

void bench_memory_list(void)
{
   printf("[");
   for (size_t i = 0; i < KINDS; i++) {
      for (size_t k = 0; k < kinds[i]->count; k++)
         list_row(&kinds[i]->rows[k], i + k == 0);
   }
   printf("]\n");
}
