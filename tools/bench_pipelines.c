/* SPDX-License-Identifier: MIT */

/* venus-bench gpu compute-pipelines|graphics-pipelines: threads create pipelines side by side, all different and in no
 * cache; the time until each has been used. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench_mix.comp.h"
#include "bench_mix.frag.h"
#include "tools/bench.h"

#define PIPELINES 64
#define THREADS 16

struct pipelines {
   struct bench_device on;
   VkCommandPool pool;
   struct bench_slot slot;
   struct bench_buffer results;
   struct bench_set set;
   VkDescriptorSet results_set;
   bool graphics;
   VkShaderModule module;
   struct bench_target target;
   struct bench_drawing drawing;
   VkPipeline all[PIPELINES];
   uint32_t first_seed;
};

static uint32_t mix_of(uint32_t x, uint32_t seed)
{
   for (uint32_t i = 0; i < 24; i++) {
      const uint32_t key = seed + i * 2654435769u;
      switch (key >> 29) {
      case 0:
         x = (x ^ key) * 0x85ebca6bu;
         break;
      case 1:
         x = (x << 7 | x >> 25) + key;
         break;
      case 2:
         x ^= (x + key) >> 13;
         break;
      case 3:
         x = x * 5 + (key | 1);
         break;
      case 4:
         x = (x >> 3 | x << 29) ^ key;
         break;
      case 5:
         x -= (x & key) << 1;
         break;
      case 6:
         x += (x | key) * 9;
         break;
      default:
         x = ~x ^ (key >> 5);
         break;
      }
   }
   return x;
}

static uint32_t seed_of(const struct pipelines *p, uint32_t index)
{
   return (p->first_seed + index) * 2246822519u;
}

struct maker {
   struct pipelines *pipelines;
   uint32_t first;
   pthread_t thread;
};

static void *make(void *user)
{
   const struct maker *maker = user;
   struct pipelines *p = maker->pipelines;
   struct bench_drawing drawing = p->drawing;

   for (uint32_t i = maker->first; i < PIPELINES; i += THREADS) {
      drawing.seed = seed_of(p, i);
      p->all[i] = p->graphics ? bench_drawing_pipeline(&p->on, &drawing)
                              : bench_compute_pipeline(&p->on, 0, p->set.layout, p->module, seed_of(p, i));
   }
   return NULL;
}

static void create_all(struct pipelines *p)
{
   struct maker makers[THREADS];

   for (uint32_t i = 0; i < THREADS; i++) {
      makers[i] = (struct maker){.pipelines = p, .first = i};
      if (pthread_create(&makers[i].thread, NULL, make, &makers[i]))
         bench_die("starting a thread", i);
   }
   for (uint32_t i = 0; i < THREADS; i++)
      pthread_join(makers[i].thread, NULL);
}

static void push(const struct pipelines *p, const struct bench_push *data)
{
   vkCmdPushConstants(p->slot.commands, p->set.layout, VK_SHADER_STAGE_ALL, 0, sizeof(*data), data);
}

/* The pixel with the pipeline's number, from its round, which is the number too. */
static void draw_all(const struct pipelines *p)
{
   bench_target_begin(&p->slot, &p->target);
   for (uint32_t i = 0; i < PIPELINES; i++) {
      const float width = 2.0f / PIPELINES;
      push(p, &(struct bench_push){{-1 + width * (float)i, -1, width, 4}, i});
      vkCmdBindPipeline(p->slot.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, p->all[i]);
      vkCmdDraw(p->slot.commands, 3, 1, 0, 0);
   }
   bench_target_end(&p->slot);
   bench_target_copy(&p->slot, &p->target, p->results.buffer, PIPELINES, 1);
}

static void dispatch_all(const struct pipelines *p)
{
   vkCmdBindDescriptorSets(p->slot.commands, VK_PIPELINE_BIND_POINT_COMPUTE, p->set.layout, 0, 1, &p->results_set, 0,
                           NULL);
   for (uint32_t i = 0; i < PIPELINES; i++) {
      push(p, &(struct bench_push){{0}, i});
      vkCmdBindPipeline(p->slot.commands, VK_PIPELINE_BIND_POINT_COMPUTE, p->all[i]);
      vkCmdDispatch(p->slot.commands, 1, 1, 1);
   }
}

/* Destroys those of the last time. */
static void prepare(void *user)
{
   struct pipelines *p = user;

   for (uint32_t i = 0; i < PIPELINES; i++) {
      vkDestroyPipeline(p->on.device, p->all[i], NULL);
      p->results.data[i] = i;
   }
   p->first_seed += PIPELINES;
}

static void measure(void *user)
{
   struct pipelines *p = user;

   create_all(p);
   bench_begin(&p->slot);
   if (p->graphics)
      draw_all(p);
   else
      dispatch_all(p);
   bench_end(&p->slot);
   bench_submit_and_wait(&p->on, &p->slot);
   for (uint32_t i = 0; i < PIPELINES; i++) {
      if (p->results.data[i] != mix_of(i, seed_of(p, i)))
         bench_die("using the pipeline", i);
   }
}

static void run(bool graphics, double seconds)
{
   struct pipelines p = {.graphics = graphics, .first_seed = (uint32_t)(uint64_t)bench_now(CLOCK_MONOTONIC)};

   bench_device_init(&p.on, NULL);
   p.pool = bench_slots_init(&p.on, &p.slot, 1);
   bench_buffer_init_host(&p.on, &p.results, PIPELINES * sizeof(uint32_t),
                          VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                          VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   bench_set_init(&p.on, &p.set, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, 1,
                  (VkPushConstantRange){VK_SHADER_STAGE_ALL, 0, sizeof(struct bench_push)});
   p.results_set = bench_set_new(&p.on, &p.set, &(VkDescriptorBufferInfo){p.results.buffer, 0, VK_WHOLE_SIZE});
   p.module = bench_shader(&p.on, mix_comp_shader, sizeof(mix_comp_shader));
   bench_target_init(&p.on, &p.target, PIPELINES, 1, 1);
   bench_drawing_init(&p.on, &p.drawing, &p.target, p.set.layout, mix_frag_shader, sizeof(mix_frag_shader));

   const struct bench_operation operation = {prepare, measure, &p};
   printf("ns %.0f\n", bench_typical(&operation, seconds));

   prepare(&p);
   bench_drawing_finish(&p.on, &p.drawing);
   bench_target_finish(&p.on, &p.target);
   vkDestroyShaderModule(p.on.device, p.module, NULL);
   bench_set_finish(&p.on, &p.set);
   bench_buffer_finish(&p.on, &p.results);
   bench_slots_finish(&p.on, p.pool, &p.slot, 1);
   bench_device_finish(&p.on);
}

bool bench_pipelines(const char *row, double seconds)
{
   const bool graphics = strcmp(row, "graphics-pipelines") == 0;

   if (!graphics && strcmp(row, "compute-pipelines") != 0)
      return false;
   run(graphics, seconds);
   return true;
}
