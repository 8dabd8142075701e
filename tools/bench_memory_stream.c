/* SPDX-License-Identifier: MIT */

/* venus-bench memory, rows in which mapped memory is written again and again and the writing is timed too: frames, and
 * large data that goes through a staging buffer. */

#include <stddef.h>
#include <stdint.h>

#include "tools/bench_memory.h"

#define RING_PIECES 12
#define UPDATES ((size_t)64)
#define UPDATE_DISTANCE 256 /* bytes; the usual alignment of uniform buffers */
#define UPDATE_SIZE 64

/* --- frames --- */

/* The place of the next frame in a buffer of `pieces` for several frames; it is no longer in use. */
static struct bench_slot *next_frame(struct memory_run *run, unsigned pieces, size_t *offset)
{
   struct bench_slot *slot = &run->slots[++run->round % MEMORY_FRAMES_IN_FLIGHT];

   bench_wait(&run->on, slot);
   *offset = run->row->size / pieces * (run->round % pieces);
   return slot;
}

static void wait_for_frames(struct memory_run *run)
{
   for (unsigned i = 0; i < MEMORY_FRAMES_IN_FLIGHT; i++)
      bench_wait(&run->on, &run->slots[i]);
}

static void measure_ring(struct memory_run *run)
{
   const size_t piece = run->row->size / RING_PIECES;
   size_t offset;

   for (unsigned i = 0; i < run->row->operations; i++) {
      struct bench_slot *slot = next_frame(run, RING_PIECES, &offset);
      memory_write_pages(run, run->host.data + offset / 4, piece, 1);
      bench_record_copy(slot, &run->host, &run->gpu, offset, piece);
      bench_submit(&run->on, slot);
   }
   wait_for_frames(run);
}

static void measure_uniforms(struct memory_run *run)
{
   size_t offset;

   for (unsigned i = 0; i < run->row->operations; i++) {
      struct bench_slot *slot = next_frame(run, MEMORY_FRAMES_IN_FLIGHT, &offset);
      const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
      for (size_t k = 0; k < UPDATES; k++)
         memory_write_words(run->host.data + (offset + k * UPDATE_DISTANCE) / 4, UPDATE_SIZE / 4,
                            memory_page_key((uint32_t)k, run->round));
      run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
      bench_record_copy(slot, &run->host, &run->gpu, offset, UPDATES * UPDATE_DISTANCE);
      bench_submit(&run->on, slot);
   }
   wait_for_frames(run);
}

static void init_mapped_per_frame(struct memory_run *run)
{
   memory_init_buffers(run);
   bench_buffer_unmap(&run->on, &run->host);
}

static void measure_mapped_per_frame(struct memory_run *run)
{
   const size_t piece = run->row->size / MEMORY_FRAMES_IN_FLIGHT;
   size_t offset;

   for (unsigned i = 0; i < run->row->operations; i++) {
      struct bench_slot *slot = next_frame(run, MEMORY_FRAMES_IN_FLIGHT, &offset);
      bench_buffer_map(&run->on, &run->host);
      memory_write_pages(run, run->host.data + offset / 4, piece, 1);
      bench_buffer_unmap(&run->on, &run->host);
      bench_record_copy(slot, &run->host, &run->gpu, offset, piece);
      bench_submit(&run->on, slot);
   }
   wait_for_frames(run);
}

/* --- staging buffers --- */

/* Programs use one kind of buffer for both directions. */
static void init_staging(struct memory_run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size,
                          VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                             VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
}

/* As programs load large data: piece by piece through one staging buffer, each waited for before the next is written.
 */
static void measure_staging(struct memory_run *run)
{
   for (unsigned i = 0; i < run->row->operations; i++) {
      run->round++;
      memory_write_pages(run, run->host.data, run->row->size, 1);
      bench_record_copy(&run->slots[0], &run->host, &run->gpu, 0, run->row->size);
      memory_submit_and_wait(run);
   }
}

/* As a program loads the weights of a language model: layers of pieces of many sizes, through one staging buffer. */
#define LAYERS 5
#define WEIGHTS_KIB                                   \
   {                                                  \
      4352, 544, 544, 4352, 11968, 11968, 11968, 8, 8 \
   }
#define WEIGHTS_BYTES (LAYERS * ((2 * 4352 + 2 * 544 + 3 * 11968 + 2 * 8) * KIB))

static void measure_weights(struct memory_run *run)
{
   static const size_t pieces[] = WEIGHTS_KIB;
   const size_t count = sizeof(pieces) / sizeof(pieces[0]);

   for (unsigned i = 0; i < LAYERS * count; i++) {
      const size_t size = pieces[i % count] * KIB;
      run->round++;
      memory_write_pages(run, run->host.data, size, 1);
      bench_record_copy(&run->slots[0], &run->host, &run->gpu, 0, size);
      memory_submit_and_wait(run);
   }
}

/* --- the rows --- */

static const struct memory_row rows[] = {
   {
      .name = "ring buffer, 1 MiB per frame",
      .init = memory_init_buffers,
      .measure = measure_ring,
      .size = RING_PIECES * MIB,
      .operations = 24,
      .sent = 24 * MIB,
      .blocks = 24 * MIB / 64,
   },
   {
      .name = "64 uploads through one staging buffer of 4 MiB",
      .init = init_staging,
      .measure = measure_staging,
      .size = 4 * MIB,
      .operations = 64,
      .sent = 64 * (4 * MIB),
      .blocks = 64 * (4 * MIB) / 64,
   },
   {
      .name = "weights of a model through one staging buffer",
      .init = init_staging,
      .measure = measure_weights,
      .size = 64 * MIB,
      .operations = LAYERS * 9,
      .sent = WEIGHTS_BYTES,
      .blocks = WEIGHTS_BYTES / 64,
   },
   {
      .name = "64 uniform updates per frame",
      .init = memory_init_buffers,
      .measure = measure_uniforms,
      .size = MEMORY_FRAMES_IN_FLIGHT * UPDATES * UPDATE_DISTANCE,
      .operations = 100,
      .sent = 100 * UPDATES * UPDATE_SIZE,
      .blocks = 100 * UPDATES * UPDATE_SIZE / 64,
   },
   {
      .name = "map, write 64 KiB, unmap per frame",
      .init = init_mapped_per_frame,
      .measure = measure_mapped_per_frame,
      .size = 64 * KIB * MEMORY_FRAMES_IN_FLIGHT,
      .operations = 50,
      .sent = 50 * (64 * KIB),
      .blocks = 50 * KIB,
   },
};

const struct memory_rows memory_stream_rows = {rows, sizeof(rows) / sizeof(rows[0])};
