/* SPDX-License-Identifier: MIT */

/* venus-bench memory: what mapped memory costs. A row of the table is one kind of use. Its process makes what it
 * needs, does some repetitions that do not count, and then those that do. How often one of them waits for the server is
 * the difference between the driver's counters of processes with many and with no repetitions.
 *
 * The data is incompressible, new in each repetition (with the bytes that remain the same by chance, one in 256), and
 * made at the speed of memory: pages of noise from changing places, with a changing key. */

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench_fill.comp.h"
#include "tools/bench.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define PAGE 4096
#define PAGE_WORDS (PAGE / 4)
#define NOISE_WORDS 65536
#define WORKGROUP_BYTES (16 * KIB) /* of bench_fill.comp */

#define SPARSE_PAGES 64
#define SPARSE_STEP ((size_t)SPARSE_PAGES * PAGE)

/* Repetitions that do not count: some, since pages that were written to are compared for a while; but not when each
 * takes long. */
#define WARM_UP 8
#define WARM_UP_BYTES (16 * MIB)

#define RING_PIECES 12
#define FRAMES_IN_FLIGHT 2
#define UPDATES ((size_t)64)
#define UPDATE_DISTANCE 256 /* bytes; the usual alignment of uniform buffers */
#define UPDATE_SIZE 64

struct run {
   const struct row *row;
   struct bench_device on;
   VkCommandPool pool;
   struct bench_slot slots[FRAMES_IN_FLIGHT];
   struct bench_buffer host, gpu;
   struct bench_buffer noise; /* these only for rows that fill on the GPU */
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool descriptor_pool;
   VkDescriptorSet set;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   uint32_t round; /* which data; counts repetitions or frames */
   double own_ns;  /* CPU time in which the program itself read or wrote mapped memory */
};

/* What is done in each repetition: `prepare` first, if there is one, and then `measure`, whose time is taken. */
struct row {
   const char *name;
   void (*init)(struct run *run);
   void (*prepare)(struct run *run);
   void (*measure)(struct run *run);
   size_t size;           /* of the buffers */
   unsigned operations;   /* frames or submissions in a repetition */
   size_t sent, received; /* bytes that change in a repetition: written by the CPU, by the GPU */
   size_t blocks;         /* blocks of 64 bytes in which they lie */
};

/* --- data --- */

static uint32_t noise[NOISE_WORDS + PAGE_WORDS];

static void make_noise(void)
{
   uint32_t state = 0x2545f491;

   for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      noise[i] = state;
   }
}

static uint32_t page_key(uint32_t page, uint32_t round)
{
   uint32_t key = (page + round * 65537) * 2654435769u;
   key = (key ^ key >> 15) * 0x85ebca6bu;
   return key ^ key >> 13;
}

static void write_words(uint32_t *to, size_t words, uint32_t key)
{
   const uint32_t *from = noise + (key >> 16);
   for (size_t i = 0; i < words; i++)
      to[i] = from[i] ^ key;
}

/* Every `step`th page. */
static void write_pages(struct run *run, uint32_t *to, size_t size, size_t step)
{
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   for (size_t page = 0; page < size / PAGE; page += step)
      write_words(to + page * PAGE_WORDS, PAGE_WORDS, page_key((uint32_t)page, run->round));
   run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
}

static uint32_t page_difference(const uint32_t *data, uint32_t key)
{
   const uint32_t *from = noise + (key >> 16);
   uint32_t difference = 0;
   for (size_t i = 0; i < PAGE_WORDS; i++)
      difference |= data[i] ^ from[i] ^ key;
   return difference;
}

/* The first `group` pages of every `step`. */
static void check_some_pages(struct run *run, const uint32_t *data, size_t size, size_t group, size_t step)
{
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   for (size_t page = 0; page < size / PAGE; page++) {
      if (page % step < group && page_difference(data + page * PAGE_WORDS, page_key((uint32_t)page, run->round)))
         bench_die("reading back what the GPU wrote", (long)page);
   }
   run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
}

static void check_pages(struct run *run, const uint32_t *data, size_t size)
{
   check_some_pages(run, data, size, 1, 1);
}

/* --- Vulkan --- */

static void record_copy(const struct bench_slot *slot, const struct bench_buffer *from, const struct bench_buffer *to,
                        size_t offset, size_t size)
{
   const VkBufferCopy region = {offset, offset, size};

   bench_begin(slot);
   vkCmdCopyBuffer(slot->commands, from->buffer, to->buffer, 1, &region);
   bench_end(slot);
}

static void submit_and_wait(struct run *run)
{
   bench_submit(&run->on, &run->slots[0]);
   bench_wait(&run->on, &run->slots[0]);
}

/* --- filling a buffer on the GPU --- */

static void create_set(struct run *run, const struct bench_buffer *target)
{
   const VkDescriptorSetLayoutBinding bindings[2] = {
      {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
   const VkDescriptorSetLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 2, .pBindings = bindings};
   const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2};
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
   VkDescriptorSetAllocateInfo set_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                           .descriptorSetCount = 1};
   const VkDescriptorBufferInfo buffers[2] = {{run->noise.buffer, 0, VK_WHOLE_SIZE},
                                              {target->buffer, 0, VK_WHOLE_SIZE}};
   VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .descriptorCount = 2,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = buffers,
   };

   VK(vkCreateDescriptorSetLayout(run->on.device, &layout_info, NULL, &run->set_layout));
   VK(vkCreateDescriptorPool(run->on.device, &pool_info, NULL, &run->descriptor_pool));
   set_info.descriptorPool = run->descriptor_pool;
   set_info.pSetLayouts = &run->set_layout;
   VK(vkAllocateDescriptorSets(run->on.device, &set_info, &run->set));
   write.dstSet = run->set;
   vkUpdateDescriptorSets(run->on.device, 1, &write, 0, NULL);
}

static void create_pipeline(struct run *run)
{
   const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(run->round)};
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &run->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &range,
   };
   const VkShaderModule module = bench_shader(&run->on, fill_comp_shader, sizeof(fill_comp_shader));
   VK(vkCreatePipelineLayout(run->on.device, &layout_info, NULL, &run->layout));

   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main"},
      .layout = run->layout,
   };
   VK(vkCreateComputePipelines(run->on.device, VK_NULL_HANDLE, 1, &info, NULL, &run->pipeline));
   vkDestroyShaderModule(run->on.device, module, NULL);
}

/* The noise is in memory that is no longer mapped, and so is in nobody's way later. */
static void init_fill(struct run *run, const struct bench_buffer *target)
{
   bench_buffer_init_host(&run->on, &run->noise, sizeof(noise), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, 0);
   memcpy(run->noise.data, noise, sizeof(noise));
   bench_buffer_unmap(&run->on, &run->noise);
   create_set(run, target);
   create_pipeline(run);
}

/* Every `step`th of the workgroups. */
static void record_some_fill(const struct run *run, const struct bench_slot *slot, uint32_t step)
{
   const uint32_t all = (uint32_t)(run->row->size / WORKGROUP_BYTES), together = step == 1 ? all : 1;

   bench_begin(slot);
   vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE, run->pipeline);
   vkCmdBindDescriptorSets(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE, run->layout, 0, 1, &run->set, 0, NULL);
   vkCmdPushConstants(slot->commands, run->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(run->round), &run->round);
   for (uint32_t first = 0; first < all; first += step * together)
      vkCmdDispatchBase(slot->commands, first, 0, 0, together, 1, 1);
   bench_end(slot);
}

static void record_fill(const struct run *run, const struct bench_slot *slot)
{
   record_some_fill(run, slot, 1);
}

static void finish_fill(struct run *run)
{
   vkDestroyPipeline(run->on.device, run->pipeline, NULL);
   vkDestroyPipelineLayout(run->on.device, run->layout, NULL);
   vkDestroyDescriptorPool(run->on.device, run->descriptor_pool, NULL);
   vkDestroyDescriptorSetLayout(run->on.device, run->set_layout, NULL);
   bench_buffer_finish(&run->on, &run->noise);
}

/* --- the rows --- */

static void init_upload(struct run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   record_copy(&run->slots[0], &run->host, &run->gpu, 0, run->row->size);
}

static void write_new(struct run *run)
{
   run->round++;
   write_pages(run, run->host.data, run->row->size, 1);
}

static void write_same(struct run *run)
{
   write_pages(run, run->host.data, run->row->size, 1);
}

static void init_download(struct run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size,
                         VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
   init_fill(run, &run->gpu);
}

/* Makes new data on the GPU and gets ready to copy it. */
static void fill_new(struct run *run)
{
   run->round++;
   record_fill(run, &run->slots[0]);
   submit_and_wait(run);
   record_copy(&run->slots[0], &run->gpu, &run->host, 0, run->row->size);
}

static void init_download_same(struct run *run)
{
   init_download(run);
   fill_new(run);
}

static void measure_download(struct run *run)
{
   submit_and_wait(run);
   check_pages(run, run->host.data, run->row->size);
}

static void init_compute(struct run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   init_fill(run, &run->host);
}

static void measure_compute(struct run *run)
{
   run->round++;
   record_fill(run, &run->slots[0]);
   measure_download(run);
}

/* A workgroup in 64 writes its pages. */
static void measure_sparse_compute(struct run *run)
{
   const size_t group = WORKGROUP_BYTES / PAGE;

   run->round++;
   record_some_fill(run, &run->slots[0], SPARSE_PAGES);
   submit_and_wait(run);
   check_some_pages(run, run->host.data, run->row->size, group, group * SPARSE_PAGES);
}

/* Copies only what the row changes, so that the GPU has no more to do than the network. */
static void init_sparse(struct run *run)
{
   static VkBufferCopy regions[256 * MIB / SPARSE_STEP];
   const uint32_t count = (uint32_t)(run->row->size / SPARSE_STEP);

   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   memset(run->host.data, 1, run->row->size);
   for (uint32_t i = 0; i < count; i++)
      regions[i] = (VkBufferCopy){i * SPARSE_STEP, i * SPARSE_STEP, PAGE};
   bench_begin(&run->slots[0]);
   vkCmdCopyBuffer(run->slots[0].commands, run->host.buffer, run->gpu.buffer, count, regions);
   bench_end(&run->slots[0]);
}

static void write_sparse_pages(struct run *run)
{
   run->round++;
   write_pages(run, run->host.data, run->row->size, SPARSE_PAGES);
}

static void write_sparse_bytes(struct run *run)
{
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   run->round++;
   for (size_t at = 0; at < run->row->size; at += SPARSE_STEP)
      *(uint8_t *)(run->host.data + at / 4) = (uint8_t)run->round;
   run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* Programs use one kind of buffer for both directions. */
static void init_staging(struct run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size,
                          VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                             VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
}

static void init_frames(struct run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   bench_buffer_init_gpu(&run->on, &run->gpu, run->row->size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
}

/* The place of the next frame in a buffer of `pieces` for several frames; it is no longer in use. */
static struct bench_slot *next_frame(struct run *run, unsigned pieces, size_t *offset)
{
   struct bench_slot *slot = &run->slots[++run->round % FRAMES_IN_FLIGHT];

   bench_wait(&run->on, slot);
   *offset = run->row->size / pieces * (run->round % pieces);
   return slot;
}

static void wait_for_frames(struct run *run)
{
   for (unsigned i = 0; i < FRAMES_IN_FLIGHT; i++)
      bench_wait(&run->on, &run->slots[i]);
}

static void measure_ring(struct run *run)
{
   const size_t piece = run->row->size / RING_PIECES;
   size_t offset;

   for (unsigned i = 0; i < run->row->operations; i++) {
      struct bench_slot *slot = next_frame(run, RING_PIECES, &offset);
      write_pages(run, run->host.data + offset / 4, piece, 1);
      record_copy(slot, &run->host, &run->gpu, offset, piece);
      bench_submit(&run->on, slot);
   }
   wait_for_frames(run);
}

static void measure_uniforms(struct run *run)
{
   size_t offset;

   for (unsigned i = 0; i < run->row->operations; i++) {
      struct bench_slot *slot = next_frame(run, FRAMES_IN_FLIGHT, &offset);
      const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
      for (size_t k = 0; k < UPDATES; k++)
         write_words(run->host.data + (offset + k * UPDATE_DISTANCE) / 4, UPDATE_SIZE / 4,
                     page_key((uint32_t)k, run->round));
      run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
      record_copy(slot, &run->host, &run->gpu, offset, UPDATES * UPDATE_DISTANCE);
      bench_submit(&run->on, slot);
   }
   wait_for_frames(run);
}

/* As programs load large data: piece by piece through one staging buffer, each waited for before the next is written.
 */
static void measure_staging(struct run *run)
{
   for (unsigned i = 0; i < run->row->operations; i++) {
      write_new(run);
      record_copy(&run->slots[0], &run->host, &run->gpu, 0, run->row->size);
      submit_and_wait(run);
   }
}

/* As a program loads the weights of a language model: layers of pieces of many sizes, through one staging buffer. */
#define LAYERS 5
#define WEIGHTS_KIB                                   \
   {                                                  \
      4352, 544, 544, 4352, 11968, 11968, 11968, 8, 8 \
   }
#define WEIGHTS_BYTES (LAYERS * ((2 * 4352 + 2 * 544 + 3 * 11968 + 2 * 8) * KIB))

static void measure_weights(struct run *run)
{
   static const size_t pieces[] = WEIGHTS_KIB;
   const size_t count = sizeof(pieces) / sizeof(pieces[0]);

   for (unsigned i = 0; i < LAYERS * count; i++) {
      const size_t size = pieces[i % count] * KIB;
      run->round++;
      write_pages(run, run->host.data, size, 1);
      record_copy(&run->slots[0], &run->host, &run->gpu, 0, size);
      submit_and_wait(run);
   }
}

static void init_mapped_per_frame(struct run *run)
{
   init_frames(run);
   bench_buffer_unmap(&run->on, &run->host);
}

static void measure_mapped_per_frame(struct run *run)
{
   const size_t piece = run->row->size / FRAMES_IN_FLIGHT;
   size_t offset;

   for (unsigned i = 0; i < run->row->operations; i++) {
      struct bench_slot *slot = next_frame(run, FRAMES_IN_FLIGHT, &offset);
      bench_buffer_map(&run->on, &run->host);
      write_pages(run, run->host.data + offset / 4, piece, 1);
      bench_buffer_unmap(&run->on, &run->host);
      record_copy(slot, &run->host, &run->gpu, offset, piece);
      bench_submit(&run->on, slot);
   }
   wait_for_frames(run);
}

static void init_nothing(struct run *run)
{
   bench_begin(&run->slots[0]);
   bench_end(&run->slots[0]);
}

/* Mapped, touched once, and then left alone. */
static void init_idle(struct run *run)
{
   bench_buffer_init_host(&run->on, &run->host, run->row->size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, 0);
   memset(run->host.data, 1, run->row->size);
   init_nothing(run);
}

static void measure_empty_submits(struct run *run)
{
   for (unsigned i = 0; i < run->row->operations; i++)
      submit_and_wait(run);
}

#define UPLOAD(mib)                                                                                          \
   {                                                                                                         \
      .name = "upload, " #mib " MiB", .init = init_upload, .prepare = write_new, .measure = submit_and_wait, \
      .size = (mib)*MIB, .operations = 1, .sent = (mib)*MIB, .blocks = (mib)*MIB / 64                        \
   }
#define DOWNLOAD(mib)                                                                                            \
   {                                                                                                             \
      .name = "download, " #mib " MiB", .init = init_download, .prepare = fill_new, .measure = measure_download, \
      .size = (mib)*MIB, .operations = 1, .received = (mib)*MIB, .blocks = (mib)*MIB / 64                        \
   }

static const struct row rows[] = {
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
      .measure = submit_and_wait,
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
      .measure = submit_and_wait,
      .size = 256 * MIB,
      .operations = 1,
      .sent = 256 * MIB / 64,
      .blocks = 256 * MIB / 64 / 64,
   },
   {
      .name = "one byte in 64 pages, of 256 MiB",
      .init = init_sparse,
      .prepare = write_sparse_bytes,
      .measure = submit_and_wait,
      .size = 256 * MIB,
      .operations = 1,
      .sent = 256 * MIB / SPARSE_STEP,
      .blocks = 256 * MIB / SPARSE_STEP,
   },
   {
      .name = "ring buffer, 1 MiB per frame",
      .init = init_frames,
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
      .init = init_frames,
      .measure = measure_uniforms,
      .size = FRAMES_IN_FLIGHT * UPDATES * UPDATE_DISTANCE,
      .operations = 100,
      .sent = 100 * UPDATES * UPDATE_SIZE,
      .blocks = 100 * UPDATES * UPDATE_SIZE / 64,
   },
   {
      .name = "map, write 64 KiB, unmap per frame",
      .init = init_mapped_per_frame,
      .measure = measure_mapped_per_frame,
      .size = 64 * KIB * FRAMES_IN_FLIGHT,
      .operations = 50,
      .sent = 50 * (64 * KIB),
      .blocks = 50 * KIB,
   },
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
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- running one --- */

static void run_init(struct run *run, const struct row *row)
{
   *run = (struct run){.row = row};
   bench_device_init(&run->on, NULL);
   run->pool = bench_slots_init(&run->on, run->slots, FRAMES_IN_FLIGHT);
   make_noise();
   row->init(run);
}

static void run_finish(struct run *run)
{
   finish_fill(run);
   bench_buffer_finish(&run->on, &run->host);
   bench_buffer_finish(&run->on, &run->gpu);
   bench_slots_finish(&run->on, run->pool, run->slots, FRAMES_IN_FLIGHT);
   bench_device_finish(&run->on);
}

struct cost {
   double ns, cpu_ns;
   struct bench_traffic traffic; /* without that of `prepare` */
};

static struct cost repeat(struct run *run)
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

static void warm_up(struct run *run)
{
   const unsigned count = run->row->sent + run->row->received < WARM_UP_BYTES ? WARM_UP : 1;
   for (unsigned i = 0; i < count; i++)
      repeat(run);
}

void bench_memory(const char *name, unsigned repetitions)
{
   struct run run;
   const struct row *row = rows;

   while (row < rows + ROWS && strcmp(row->name, name) != 0)
      row++;
   if (row == rows + ROWS)
      bench_die("finding the row", 0);
   run_init(&run, row);
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

void bench_memory_list(void)
{
   printf("[");
   for (const struct row *row = rows; row < rows + ROWS; row++)
      printf("%s\n  {\"name\": \"%s\", \"size\": %zu, \"operations\": %u, \"sent\": %zu, \"received\": %zu, "
             "\"blocks\": %zu}",
             row > rows ? "," : "", row->name, row->size, row->operations, row->sent, row->received, row->blocks);
   printf("]\n");
}
