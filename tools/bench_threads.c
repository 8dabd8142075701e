/* SPDX-License-Identifier: MIT */

/* venus-bench threads: frames that several threads record at once. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/bench_calls.h"

#define MAX_THREADS 8
#define PAIRS 10000
#define FRAMES 31

struct recorder {
   const struct calls *calls;
   pthread_t thread;
   VkCommandPool pool;
   struct bench_slot slot;
   pthread_barrier_t *begin, *end;
};

static void record_pairs(const struct recorder *self)
{
   const struct calls *calls = self->calls;
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   VK(vkBeginCommandBuffer(self->slot.commands, &begin));
   for (uint32_t i = 0; i < PAIRS; i++) {
      calls->push_constants(self->slot.commands, calls->set.layout, VK_SHADER_STAGE_VERTEX_BIT, 0, 16, calls_push_data);
      calls->bind_descriptor_sets(self->slot.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, calls->set.layout, 0, 1,
                                  &calls->descriptors, 0, NULL);
   }
   VK(vkEndCommandBuffer(self->slot.commands));
}

static void *record_frames(void *data)
{
   const struct recorder *self = data;
   for (unsigned i = 0; i < FRAMES; i++) {
      pthread_barrier_wait(self->begin);
      record_pairs(self);
      pthread_barrier_wait(self->end);
   }
   return NULL;
}

/* Frames that so many threads record and one submits: what recording takes, and a frame until it is complete. */
static void measure_threads(const struct calls *calls, unsigned count)
{
   struct recorder recorders[MAX_THREADS];
   VkCommandBuffer buffers[MAX_THREADS];
   pthread_barrier_t begin, end;
   double record_ns[FRAMES], frame_ns[FRAMES];

   pthread_barrier_init(&begin, NULL, count + 1);
   pthread_barrier_init(&end, NULL, count + 1);
   for (unsigned i = 0; i < count; i++) {
      recorders[i] = (struct recorder){.calls = calls, .begin = &begin, .end = &end};
      recorders[i].pool = bench_slots_init(&calls->on, &recorders[i].slot, 1);
      buffers[i] = recorders[i].slot.commands;
      if (pthread_create(&recorders[i].thread, NULL, record_frames, &recorders[i]))
         bench_die("pthread_create", 0);
   }
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = count, .pCommandBuffers = buffers};
   for (unsigned i = 0; i < FRAMES; i++) {
      const double start = bench_now(CLOCK_MONOTONIC);
      pthread_barrier_wait(&begin);
      pthread_barrier_wait(&end);
      record_ns[i] = bench_now(CLOCK_MONOTONIC) - start;
      VK(vkQueueSubmit(calls->on.queue, 1, &submit, calls->slot.fence));
      VK(vkWaitForFences(calls->on.device, 1, &calls->slot.fence, VK_TRUE, UINT64_MAX));
      frame_ns[i] = bench_now(CLOCK_MONOTONIC) - start;
      VK(vkResetFences(calls->on.device, 1, &calls->slot.fence));
   }
   for (unsigned i = 0; i < count; i++) {
      pthread_join(recorders[i].thread, NULL);
      bench_slots_finish(&calls->on, recorders[i].pool, &recorders[i].slot, 1);
   }
   pthread_barrier_destroy(&begin);
   pthread_barrier_destroy(&end);
   printf("  {\"name\": \"%u thread%s\", \"record_ns\": %.0f, \"frame_ns\": %.0f}%s\n", count, count == 1 ? "" : "s",
          bench_median(record_ns, FRAMES), bench_median(frame_ns, FRAMES), count < MAX_THREADS ? "," : "");
}

static void run_threads(struct calls *calls)
{
   for (unsigned count = 1; count <= MAX_THREADS; count *= 2)
      measure_threads(calls, count);
}

void bench_threads(void)
{
   calls_run(run_threads);
}
