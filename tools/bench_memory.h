/* SPDX-License-Identifier: MIT */
#ifndef VP_TOOLS_BENCH_MEMORY_H
#define VP_TOOLS_BENCH_MEMORY_H

#include "tools/bench.h"

/* What the files bench_memory*.c share. */

#define MEMORY_PAGE 4096
#define MEMORY_SPARSE_PAGES 64            /* of which one changes, in rows in which little does */
#define MEMORY_WORKGROUP_BYTES (16 * KIB) /* of bench_fill.comp */
#define MEMORY_FRAMES_IN_FLIGHT 2

/* What fills a buffer on the GPU. */
struct memory_fill {
   struct bench_buffer noise;
   struct bench_set set;
   VkDescriptorSet buffers;
   VkPipeline pipeline;
};

/* One row in its process. */
struct memory_run {
   const struct memory_row *row;
   struct bench_device on;
   VkCommandPool pool;
   struct bench_slot slots[MEMORY_FRAMES_IN_FLIGHT];
   struct bench_buffer host, gpu;
   struct memory_fill fill; /* only in rows that fill on the GPU */
   uint32_t round;          /* which data; counts repetitions or frames */
   double own_ns;           /* CPU time in which the program itself read or wrote mapped memory */
};

/* What is done in each repetition: `prepare` first, if there is one, and then `measure`, whose time is taken. */
struct memory_row {
   const char *name;
   void (*init)(struct memory_run *run);
   void (*prepare)(struct memory_run *run);
   void (*measure)(struct memory_run *run);
   size_t size;           /* of the buffers */
   unsigned operations;   /* frames or submissions in a repetition */
   size_t sent, received; /* bytes that change in a repetition: written by the CPU, by the GPU */
   size_t blocks;         /* blocks of 64 bytes in which they lie */
};

/* Rows of one kind, in the order in which they are listed. */
struct memory_rows {
   const struct memory_row *rows;
   size_t count;
};

extern const struct memory_rows memory_copy_rows, memory_stream_rows, memory_compute_rows, memory_idle_rows;

/* What is recorded in the first slot. */
void memory_submit_and_wait(struct memory_run *run);
/* `host`, mapped, and `gpu`, for copies from the one to the other. */
void memory_init_buffers(struct memory_run *run);

/* The data is incompressible, new in each round (with the bytes that remain the same by chance, one in 256), and made
 * at the speed of memory: pages of noise from changing places, with a changing key. The functions that write and check
 * pages add the time that they take to `own_ns`. */

void memory_data_init(void);
uint32_t memory_page_key(uint32_t page, uint32_t round);
void memory_write_words(uint32_t *to, size_t words, uint32_t key);
/* Every `step`th page. */
void memory_write_pages(struct memory_run *run, uint32_t *to, size_t size, size_t step);
/* Those of `host`: the first `group` pages of every `step`. */
void memory_check_pages(struct memory_run *run, size_t group, size_t step);

/* For a buffer as large as the row says. */
void memory_fill_init(struct memory_run *run, const struct bench_buffer *target);
/* Fills it with the same data, for a new round: every `step`th of the workgroups does. Uses the first slot. */
void memory_fill_and_wait(struct memory_run *run, uint32_t step);
void memory_fill_finish(struct memory_run *run);

#endif
