/* SPDX-License-Identifier: MIT */

/* venus-bench memory, rows in which a shader writes mapped memory, which is then read. */

#include <stddef.h>

#include "tools/bench_memory.h"

static void init_compute(struct memory_run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   memory_fill_init(run, &run->host);
}

static void measure_compute(struct memory_run *run)
{
   memory_fill_and_wait(run, 1);
   memory_check_pages(run, 1, 1);
}

/* A workgroup in 64 writes its pages. */
static void measure_sparse_compute(struct memory_run *run)
{
   const size_t group = MEMORY_WORKGROUP_BYTES / MEMORY_PAGE;

   memory_fill_and_wait(run, MEMORY_SPARSE_PAGES);
   memory_check_pages(run, group, group * MEMORY_SPARSE_PAGES);
}

static const struct memory_row rows[] = {
   {
      .name = "compute writes 64 KiB that are read",
      .init = init_compute,
      .measure = measure_compute,
      .size = 64 * KIB,
      .operations = 1,
      .received = 64 * KIB,
      .blocks = KIB,
   },
   {
      .name = "compute writes a page in 64, of 256 MiB",
      .init = init_compute,
      .measure = measure_sparse_compute,
      .size = 256 * MIB,
      .operations = 1,
      .received = 256 * MIB / 64,
      .blocks = 256 * MIB / 64 / 64,
   },
};

const struct memory_rows memory_compute_rows = {rows, sizeof(rows) / sizeof(rows[0])};
