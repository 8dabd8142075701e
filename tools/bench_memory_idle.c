/* SPDX-License-Identifier: MIT */

/* venus-bench memory, rows in which nothing changes: what memory costs that is only mapped. */

#include <string.h>

#include "tools/bench_memory.h"

static void init_nothing(struct memory_run *run)
{
   bench_begin(&run->slots[0]);
   bench_end(&run->slots[0]);
}

/* Mapped, touched once, and then left alone. */
static void init_idle(struct memory_run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   memset(run->host.data, 1, run->row->size);
   init_nothing(run);
}

static void measure_empty_submits(struct memory_run *run)
{
   for (unsigned i = 0; i < run->row->operations; i++)
      memory_submit_and_wait(run);
}

static const struct memory_row rows[] = {
   {
      .name = "empty submit, nothing mapped",
      .init = init_nothing,
      .measure = measure_empty_submits,
      .operations = 20,
   },
   {
      .name = "empty submit, 256 MiB mapped",
      .init = init_idle,
      .measure = measure_empty_submits,
      .size = 256 * MIB,
      .operations = 20,
   },
};

const struct memory_rows memory_idle_rows = {rows, sizeof(rows) / sizeof(rows[0])};
