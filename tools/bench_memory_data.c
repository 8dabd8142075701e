/* SPDX-License-Identifier: MIT */

/* The data of venus-bench memory: written and checked by the CPU, or written by the GPU. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bench_fill.comp.h"
#include "tools/bench_memory.h"

#define PAGE_WORDS (MEMORY_PAGE / 4)
#define NOISE_WORDS 65536

static uint32_t noise[NOISE_WORDS + PAGE_WORDS];

void memory_data_init(void)
{
   bench_noise(noise, sizeof(noise) / sizeof(noise[0]), 0);
}

uint32_t memory_page_key(uint32_t page, uint32_t round)
{
   return bench_hash(page + round * 65537);
}

void memory_write_words(uint32_t *to, size_t words, uint32_t key)
{
   const uint32_t *from = noise + (key >> 16);
   for (size_t i = 0; i < words; i++)
      to[i] = from[i] ^ key;
}

void memory_write_pages(struct memory_run *run, uint32_t *to, size_t size, size_t step)
{
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   for (size_t page = 0; page < size / MEMORY_PAGE; page += step)
      memory_write_words(to + page * PAGE_WORDS, PAGE_WORDS, memory_page_key((uint32_t)page, run->round));
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

void memory_check_pages(struct memory_run *run, size_t group, size_t step)
{
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   for (size_t page = 0; page < run->row->size / MEMORY_PAGE; page++) {
      if (page % step < group &&
          page_difference(run->host.data + page * PAGE_WORDS, memory_page_key((uint32_t)page, run->round)))
         bench_die("reading back what the GPU wrote", (long)page);
   }
   run->own_ns += bench_now(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* --- filling a buffer on the GPU --- */

/* The noise is in memory that is no longer mapped, and so is in nobody's way later. */
void memory_fill_init(struct memory_run *run, const struct bench_buffer *target)
{
   struct memory_fill *fill = &run->fill;
   const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(run->round)};

   bench_buffer_init_host(&run->on, &fill->noise, sizeof(noise), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, 0);
   memcpy(fill->noise.data, noise, sizeof(noise));
   bench_buffer_unmap(&run->on, &fill->noise);

   const VkDescriptorBufferInfo buffers[] = {{fill->noise.buffer, 0, VK_WHOLE_SIZE},
                                             {target->buffer, 0, VK_WHOLE_SIZE}};
   bench_set_init(&run->on, &fill->set, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, 1, push);
   fill->buffers = bench_set_new(&run->on, &fill->set, buffers);

   const VkShaderModule module = bench_shader(&run->on, fill_comp_shader, sizeof(fill_comp_shader));
   fill->pipeline = bench_compute_pipeline(&run->on, VK_PIPELINE_CREATE_DISPATCH_BASE_BIT, fill->set.layout, module, 0);
   vkDestroyShaderModule(run->on.device, module, NULL);
}

void memory_fill_and_wait(struct memory_run *run, uint32_t step)
{
   const uint32_t all = (uint32_t)(run->row->size / MEMORY_WORKGROUP_BYTES), together = step == 1 ? all : 1;
   const struct memory_fill *fill = &run->fill;
   const struct bench_slot *slot = &run->slots[0];

   run->round++;
   bench_begin(slot);
   vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE, fill->pipeline);
   vkCmdBindDescriptorSets(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE, fill->set.layout, 0, 1, &fill->buffers, 0,
                           NULL);
   vkCmdPushConstants(slot->commands, fill->set.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(run->round),
                      &run->round);
   for (uint32_t first = 0; first < all; first += step * together)
      vkCmdDispatchBase(slot->commands, first, 0, 0, together, 1, 1);
   bench_end(slot);
   memory_submit_and_wait(run);
}

void memory_fill_finish(struct memory_run *run)
{
   vkDestroyPipeline(run->on.device, run->fill.pipeline, NULL);
   bench_set_finish(&run->on, &run->fill.set);
   bench_buffer_finish(&run->on, &run->fill.noise);
}
