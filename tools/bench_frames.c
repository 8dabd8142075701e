/* SPDX-License-Identifier: MIT */

/* venus-bench gpu, rows in which something is drawn: frames that are read back, frames of many commands, many clients
 * at once, and queries of several views. The program looks at something of each frame, so each wait is a real one. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_draw.frag.h"
#include "bench_store.comp.h"
#include "tools/bench.h"

#define PICTURE_WIDTH 1280
#define PICTURE_HEIGHT 720
#define COMMANDS 10000 /* draws or dispatches of a frame */
#define COLUMNS 100
#define SETS 64
#define SET_DISTANCE 256 /* bytes: the largest alignment of uniform buffers there may be */
#define MAX_IN_FLIGHT 2

#define CLIENTS 16
#define CLIENT_DRAWS 100
#define CLIENT_PIECE 64 /* pixels, wide and high */

/* --- what is drawn with --- */

struct scene {
   struct bench_device on;
   VkCommandPool pool;
   struct bench_slot slots[MAX_IN_FLIGHT];
   struct bench_target target;
   struct bench_buffer seen[MAX_IN_FLIGHT]; /* what the program looks at of the frame in each slot */
   struct bench_set set;
   struct bench_drawing drawing;
   VkPipeline pipeline;
   struct bench_buffer places, words;
   VkDescriptorSet sets[SETS];
   uint32_t rounds[MAX_IN_FLIGHT]; /* of the frames in the slots */
   uint32_t round;
   unsigned in_flight;
   void (*record)(const struct scene *scene, const struct bench_slot *slot);
   uint32_t seen_width, seen_height;
   uint64_t sum; /* of all that was looked at */
};

static uint32_t pixel_of(uint32_t x, uint32_t y, uint32_t round)
{
   return bench_hash(x + y * 4096 + round * 65537);
}

/* The target's whole area. */
static const float whole[4] = {-1, -1, 4, 4};

/* One of the COMMANDS parts of the target. */
static void part_of(uint32_t index, float place[4])
{
   const float step = 2.0f / COLUMNS;
   const uint32_t row = index / COLUMNS;
   place[0] = -1 + step * (float)(index % COLUMNS);
   place[1] = -1 + step * (float)row;
   place[2] = place[3] = step;
}

static void push(const struct scene *scene, const struct bench_slot *slot, const float place[4])
{
   struct bench_push data = {.round = scene->round};
   memcpy(data.place, place, sizeof(data.place));
   vkCmdPushConstants(slot->commands, scene->set.layout, VK_SHADER_STAGE_ALL, 0, sizeof(data), &data);
}

static void bind_set(const struct scene *scene, const struct bench_slot *slot, VkPipelineBindPoint point,
                     uint32_t index)
{
   vkCmdBindDescriptorSets(slot->commands, point, scene->set.layout, 0, 1, &scene->sets[index % SETS], 0, NULL);
}

static void scene_init(struct scene *scene, VkDescriptorType type, uint32_t width, uint32_t height, uint32_t layers)
{
   VkPhysicalDeviceVulkan11Features features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                                                .multiview = layers > 1};
   bench_device_init(&scene->on, &features);
   scene->pool = bench_slots_init(&scene->on, scene->slots, MAX_IN_FLIGHT);
   bench_target_init(&scene->on, &scene->target, width, height, layers);
   for (unsigned i = 0; i < MAX_IN_FLIGHT; i++)
      bench_buffer_init_host(&scene->on, &scene->seen[i], (size_t)width * height * 4, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                             VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
   bench_buffer_init_host(&scene->on, &scene->places, (size_t)SETS * SET_DISTANCE, VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
                          0);
   bench_buffer_init_gpu(&scene->on, &scene->words, COMMANDS * sizeof(uint32_t),
                         VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
   bench_set_init(&scene->on, &scene->set, type, 1, SETS,
                  (VkPushConstantRange){VK_SHADER_STAGE_ALL, 0, sizeof(struct bench_push)});
   for (uint32_t i = 0; i < SETS; i++) {
      part_of(i, (float *)(scene->places.data + (size_t)i * SET_DISTANCE / 4));
      const VkDescriptorBufferInfo words = {scene->words.buffer, 0, VK_WHOLE_SIZE},
                                   place = {scene->places.buffer, (VkDeviceSize)i * SET_DISTANCE, SET_DISTANCE};
      scene->sets[i] =
         bench_set_new(&scene->on, &scene->set, type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER ? &words : &place);
   }
   bench_drawing_init(&scene->on, &scene->drawing, &scene->target, scene->set.layout, draw_frag_shader,
                      sizeof(draw_frag_shader));
}

static void scene_finish(struct scene *scene)
{
   vkDestroyPipeline(scene->on.device, scene->pipeline, NULL);
   bench_drawing_finish(&scene->on, &scene->drawing);
   bench_set_finish(&scene->on, &scene->set);
   bench_buffer_finish(&scene->on, &scene->words);
   bench_buffer_finish(&scene->on, &scene->places);
   for (unsigned i = 0; i < MAX_IN_FLIGHT; i++)
      bench_buffer_finish(&scene->on, &scene->seen[i]);
   bench_target_finish(&scene->on, &scene->target);
   bench_slots_finish(&scene->on, scene->pool, scene->slots, MAX_IN_FLIGHT);
   bench_device_finish(&scene->on);
}

static void scene_init_drawing(struct scene *scene, bool from_set, uint32_t width, uint32_t height, uint32_t layers)
{
   scene_init(scene, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, width, height, layers);
   scene->drawing.from_set = from_set;
   scene->pipeline = bench_drawing_pipeline(&scene->on, &scene->drawing);
}

/* --- frames --- */

/* Waits for the frame that has the slot and looks at it. */
static void look_at(struct scene *scene, unsigned slot)
{
   if (!scene->slots[slot].submitted)
      return;
   bench_wait(&scene->on, &scene->slots[slot]);
   const uint32_t *data = scene->seen[slot].data;
   if (data[0] != pixel_of(0, 0, scene->rounds[slot]))
      bench_die("reading back what was drawn", (long)data[0]);
   for (size_t i = 0; i < (size_t)scene->seen_width * scene->seen_height; i++)
      scene->sum += data[i];
}

static void next_frame(void *user)
{
   struct scene *scene = user;
   const unsigned index = ++scene->round % scene->in_flight;
   struct bench_slot *slot = &scene->slots[index];

   look_at(scene, index);
   scene->rounds[index] = scene->round;
   bench_begin(slot);
   scene->record(scene, slot);
   bench_end(slot);
   bench_submit(&scene->on, slot);
   if (scene->in_flight == 1)
      look_at(scene, index);
}

/* As many as are in flight, so that it waits for one that was begun before. */
static void next_frames(void *user)
{
   const struct scene *scene = user;
   for (unsigned i = 0; i < scene->in_flight; i++)
      next_frame(user);
}

static void finish_frames(struct scene *scene)
{
   for (unsigned i = 0; i < scene->in_flight; i++)
      look_at(scene, i);
}

static void begin_drawing(const struct scene *scene, const struct bench_slot *slot)
{
   bench_target_begin(slot, &scene->target);
   vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, scene->pipeline);
   bind_set(scene, slot, VK_PIPELINE_BIND_POINT_GRAPHICS, 0);
   push(scene, slot, whole);
}

static void end_drawing(const struct scene *scene, const struct bench_slot *slot)
{
   bench_target_end(slot);
   bench_target_copy(slot, &scene->target, scene->seen[slot - scene->slots].buffer, scene->seen_width,
                     scene->seen_height);
}

static void record_picture(const struct scene *scene, const struct bench_slot *slot)
{
   begin_drawing(scene, slot);
   vkCmdDraw(slot->commands, 3, 1, 0, 0);
   end_drawing(scene, slot);
}

static void draw_with_constants(const struct scene *scene, const struct bench_slot *slot, uint32_t count)
{
   float place[4];

   begin_drawing(scene, slot);
   for (uint32_t i = 0; i < count; i++) {
      part_of(i, place);
      push(scene, slot, place);
      vkCmdDraw(slot->commands, 3, 1, 0, 0);
   }
   end_drawing(scene, slot);
}

static void record_constants(const struct scene *scene, const struct bench_slot *slot)
{
   draw_with_constants(scene, slot, COMMANDS);
}

static void record_sets(const struct scene *scene, const struct bench_slot *slot)
{
   begin_drawing(scene, slot);
   for (uint32_t i = 0; i < COMMANDS; i++) {
      bind_set(scene, slot, VK_PIPELINE_BIND_POINT_GRAPHICS, i);
      vkCmdDraw(slot->commands, 3, 1, 0, 0);
   }
   end_drawing(scene, slot);
}

static void record_dispatches(const struct scene *scene, const struct bench_slot *slot)
{
   const VkBufferCopy first = {0, 0, sizeof(uint32_t)};
   const uint32_t value = pixel_of(0, 0, scene->round);

   vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE, scene->pipeline);
   bind_set(scene, slot, VK_PIPELINE_BIND_POINT_COMPUTE, 0);
   for (uint32_t i = 0; i < COMMANDS; i++) {
      const uint32_t data[] = {i, value};
      vkCmdPushConstants(slot->commands, scene->set.layout, VK_SHADER_STAGE_ALL, 0, sizeof(data), data);
      vkCmdDispatch(slot->commands, 1, 1, 1);
   }
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
   };
   vkCmdPipelineBarrier(slot->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1,
                        &barrier, 0, NULL, 0, NULL);
   vkCmdCopyBuffer(slot->commands, scene->words.buffer, scene->seen[slot - scene->slots].buffer, 1, &first);
}

static void measure_frames(struct scene *scene, unsigned in_flight, double seconds)
{
   scene->in_flight = in_flight;
   printf("ns %.0f\n",
          bench_typical(&(struct bench_operation){.measure = next_frames, .user = scene}, seconds) / in_flight);
   finish_frames(scene);
   if (!scene->sum)
      bench_die("looking at what was drawn", 0);
   scene_finish(scene);
}

static void picture(double seconds)
{
   struct scene scene = {.record = record_picture, .seen_width = PICTURE_WIDTH, .seen_height = PICTURE_HEIGHT};
   scene_init_drawing(&scene, false, PICTURE_WIDTH, PICTURE_HEIGHT, 1);
   measure_frames(&scene, 1, seconds);
}

static void draws(void (*record)(const struct scene *scene, const struct bench_slot *slot), unsigned in_flight,
                  double seconds)
{
   struct scene scene = {.record = record, .seen_width = 1, .seen_height = 1};
   scene_init_drawing(&scene, record == record_sets, 256, 256, 1);
   measure_frames(&scene, in_flight, seconds);
}

static void dispatches(unsigned in_flight, double seconds)
{
   struct scene scene = {.record = record_dispatches, .seen_width = 1, .seen_height = 1};
   scene_init(&scene, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 256, 256, 1);
   const VkShaderModule module = bench_shader(&scene.on, store_comp_shader, sizeof(store_comp_shader));
   scene.pipeline = bench_compute_pipeline(&scene.on, 0, scene.set.layout, module, 0);
   vkDestroyShaderModule(scene.on.device, module, NULL);
   measure_frames(&scene, in_flight, seconds);
}

static void constants_1(double seconds)
{
   draws(record_constants, 1, seconds);
}

static void constants_2(double seconds)
{
   draws(record_constants, 2, seconds);
}

static void sets_1(double seconds)
{
   draws(record_sets, 1, seconds);
}

static void sets_2(double seconds)
{
   draws(record_sets, 2, seconds);
}

static void dispatches_1(double seconds)
{
   dispatches(1, seconds);
}

static void dispatches_2(double seconds)
{
   dispatches(2, seconds);
}

/* --- many clients --- */

static void record_client(const struct scene *scene, const struct bench_slot *slot)
{
   draw_with_constants(scene, slot, CLIENT_DRAWS);
}

/* Says that it is ready, waits until all are, and writes how many frames a second it made. */
static _Noreturn void client(int ready, int start, int result, double seconds)
{
   struct scene scene = {
      .record = record_client, .seen_width = CLIENT_PIECE, .seen_height = CLIENT_PIECE, .in_flight = 1};
   unsigned frames = 0;
   char byte = 0;

   scene_init_drawing(&scene, false, PICTURE_WIDTH, PICTURE_HEIGHT, 1);
   next_frame(&scene);
   if (write(ready, &byte, 1) != 1 || read(start, &byte, 1) != 0)
      bench_die("starting together", 0);
   const double begin = bench_now(CLOCK_MONOTONIC);
   double taken = 0;
   while (taken < seconds * 1e9 || frames == 0) {
      next_frame(&scene);
      frames++;
      taken = bench_now(CLOCK_MONOTONIC) - begin;
   }
   const double rate = frames / taken * 1e9;
   if (write(result, &rate, sizeof(rate)) != sizeof(rate))
      bench_die("giving the result", 0);
   scene_finish(&scene);
   _exit(0);
}

static void clients(double seconds)
{
   int ready[2], start[2], result[2], status = 0;
   double rate, sum = 0;
   char byte;

   if (pipe(ready) || pipe(start) || pipe(result))
      bench_die("pipe", 0);
   for (unsigned i = 0; i < CLIENTS; i++) {
      const pid_t pid = fork();
      if (pid < 0)
         bench_die("fork", 0);
      if (pid == 0) {
         close(start[1]);
         close(ready[0]);
         close(result[0]);
         client(ready[1], start[0], result[1], seconds);
      }
   }
   close(ready[1]);
   close(result[1]);
   for (unsigned i = 0; i < CLIENTS; i++) {
      if (read(ready[0], &byte, 1) != 1)
         bench_die("starting all clients", i);
   }
   close(start[1]);
   for (unsigned i = 0; i < CLIENTS; i++) {
      if (read(result[0], &rate, sizeof(rate)) != sizeof(rate))
         bench_die("a client", i);
      sum += rate;
   }
   for (unsigned i = 0; i < CLIENTS; i++) {
      if (wait(&status) < 0 || status != 0)
         bench_die("the end of a client", status);
   }
   printf("frames_s %.1f\n", sum);
}

/* --- queries --- */

#define VIEWS 2

struct query {
   struct scene scene;
   VkQueryPool pool;
   VkResult result;
};

static void query_init(struct query *q)
{
   const VkQueryPoolCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_OCCLUSION, .queryCount = VIEWS};

   scene_init_drawing(&q->scene, false, 64, 64, VIEWS);
   VK(vkCreateQueryPool(q->scene.on.device, &info, NULL, &q->pool));
}

/* One query that is begun takes as many queries as there are views. Some drivers put all into the first and say of the
 * others that they are not ready, although asked to wait. */
static void ask_query(void *user)
{
   struct query *q = user;
   struct bench_slot *slot = &q->scene.slots[0];
   uint64_t counts[VIEWS];

   bench_begin(slot);
   vkCmdResetQueryPool(slot->commands, q->pool, 0, VIEWS);
   begin_drawing(&q->scene, slot);
   vkCmdBeginQuery(slot->commands, q->pool, 0, 0);
   vkCmdDraw(slot->commands, 3, 1, 0, 0);
   vkCmdEndQuery(slot->commands, q->pool, 0);
   bench_target_end(slot);
   bench_end(slot);
   bench_submit_and_wait(&q->scene.on, slot);
   q->result = vkGetQueryPoolResults(q->scene.on.device, q->pool, 0, VIEWS, sizeof(counts), counts, sizeof(counts[0]),
                                     VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
   if (q->result < 0 || !counts[0])
      bench_die("asking for the queries", q->result);
}

static void queries(double seconds)
{
   struct query q = {0};

   query_init(&q);
   printf("ns %.0f\n", bench_typical(&(struct bench_operation){.measure = ask_query, .user = &q}, seconds));
   printf("result %d\n", q.result);
   vkDestroyQueryPool(q.scene.on.device, q.pool, NULL);
   scene_finish(&q.scene);
}

/* --- all --- */

bool bench_frames(const char *row, double seconds)
{
   static const struct bench_row rows[] = {
      {"picture", picture},         {"constants-1", constants_1},
      {"constants-2", constants_2}, {"sets-1", sets_1},
      {"sets-2", sets_2},           {"dispatches-1", dispatches_1},
      {"clients", clients},         {"dispatches-2", dispatches_2},
      {"queries", queries},
   };
   return bench_run_row(rows, sizeof(rows) / sizeof(rows[0]), row, seconds);
}
