/* SPDX-License-Identifier: MIT */

/* venus-bench memory, rows with one submission that copies a buffer from mapped memory to the GPU's or back, in which
 * all, nothing or little is new. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tools/bench_memory.h"

#define SPARSE_STEP ((size_t)MEMORY_SPARSE_PAGES * MEMORY_PAGE)

/* --- all of it --- */

static void init_upload(struct memory_run *run)
{
   memory_init_buffers(run);
   bench_record_copy(&run->slots[0], &run->host, &run->gpu, 0, run->row->size);
}

static void write_new(struct memory_run *run)
{
   run->round++;
   memory_write_pages(run, run->host.data, run->row->size, 1);
}

static void write_same(struct memory_run *run)
{
   memory_write_pages(run, run->host.data, run->row->size, 1);
}

static void init_download(struct memory_run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size,
                         VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
   memory_fill_init(run, &run->gpu);
}

/* Makes new data on the GPU and gets ready to copy it. */
static void fill_new(struct memory_run *run)
{
   memory_fill_and_wait(run, 1);
   bench_record_copy(&run->slots[0], &run->gpu, &run->host, 0, run->row->size);
}

static void init_download_same(struct memory_run *run)
{
   init_download(run);
   fill_new(run);
}

static void measure_download(struct memory_run *run)
{
   memory_submit_and_wait(run);
   memory_check_pages(run, 1, 1);
}

/* --- little of it --- */

/* Copies only what the row changes, so that the GPU has no more to do than the network. */
static void init_sparse(struct memory_run *run)
{
   static VkBufferCopy regions[256 * MIB / SPARSE_STEP];
   const uint32_t count = (uint32_t)(run->row->size / SPARSE_STEP);

   memory_init_buffers(run);
   memset(run->host.data, 1, run->row->size);
   for (uint32_t i = 0; i < count; i++)
      regions[i] = (VkBufferCopy){i * SPARSE_STEP, i * SPARSE_STEP, MEMORY_PAGE};
   bench_begin(&run->slots[0]);
   vkCmdCopyBuffer(run->slots[0].commands, run->host.buffer, run->gpu.buffer, count, regions);
   bench_end(&run->slots[0]);
}

static void write_sparse_pages(struct memory_run *run)
{
   run->round++;
   memory_write_pages(run, run->host.data, run->row->size, MEMORY_SPARSE_PAGES);
}

static void write_sparse_bytes(struct memory_run *run)
{
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   run->round++;
   for (size_t at = 0; at < run->row->size; at += SPARSE_STEP)
      *(uint8_t *)(run->host.data + at / 4) = (uint8_t)run->round;
   run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* --- the rows --- */

#define UPLOAD(mib)                                                                                                 \
   {                                                                                                                \
      .name = "upload, " #mib " MiB", .init = init_upload, .prepare = write_new, .measure = memory_submit_and_wait, \
      .size = (mib)*MIB, .operations = 1, .sent = (mib)*MIB, .blocks = (mib)*MIB / 64                               \
   }
#define DOWNLOAD(mib)                                                                                            \
   {                                                                                                             \
      .name = "download, " #mib " MiB", .init = init_download, .prepare = fill_new, .measure = measure_download, \
      .size = (mib)*MIB, .operations = 1, .received = (mib)*MIB, .blocks = (mib)*MIB / 64                        \
   }

static const struct memory_row rows[] = {
   UPLOAD(1),
   UPLOAD(4),
   UPLOAD(16),
   UPLOAD(64),
   UPLOAD(256),
   DOWNLOAD(1),
   DOWNLOAD(4),
   DOWNLOAD(16),
   DOWNLOAD(64),
   DOWNLOAD(256),
   {
      .name = "the same again, upload, 64 MiB",
      .init = init_upload,
      .prepare = write_same,
      .measure = memory_submit_and_wait,
      .size = 64 * MIB,
      .operations = 1,
   },
   {
      .name = "the same again, download, 64 MiB",
      .init = init_download_same,
      .measure = measure_download,
      .size = 64 * MIB,
      .operations = 1,
   },
   {
      .name = "one page in 64, of 256 MiB",
      .init = init_sparse,
      .prepare = write_sparse_pages,
      .measure = memory_submit_and_wait,
      .size = 256 * MIB,
      .operations = 1,
      .sent = 256 * MIB / 64,
      .blocks = 256 * MIB / 64 / 64,
   },
   {
      .name = "one byte in 64 pages, of 256 MiB",
      .init = init_sparse,
      .prepare = write_sparse_bytes,
      .measure = memory_submit_and_wait,
      .size = 256 * MIB,
      .operations = 1,
      .sent = 256 * MIB / SPARSE_STEP,
      .blocks = 256 * MIB / SPARSE_STEP,
   },
};

const struct memory_rows memory_copy_rows = {rows, sizeof(rows) / sizeof(rows[0])};
