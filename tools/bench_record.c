/* SPDX-License-Identifier: MIT */

/* venus-bench record: CPU time of the calling thread for each recorded command, and what a recording does beside that.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/bench_calls.h"
#include "tools/bench_count.h"

#define COMMANDS 20000
#define COUNTED 300 /* less than goes into the stream before the recording ends */
#define RUNS 15

static void record_draw(const struct calls *calls, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      calls->draw(calls->slot.commands, 3, 1, i, 0);
}

static void record_push_16(const struct calls *calls, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      calls->push_constants(calls->slot.commands, calls->set.layout, VK_SHADER_STAGE_VERTEX_BIT, 0, 16,
                            calls_push_data);
}

static void record_push_128(const struct calls *calls, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      calls->push_constants(calls->slot.commands, calls->set.layout, VK_SHADER_STAGE_VERTEX_BIT, 0, CALLS_PUSH_SIZE,
                            calls_push_data);
}

static void record_descriptor_sets(const struct calls *calls, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      calls->bind_descriptor_sets(calls->slot.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, calls->set.layout, 0, 1,
                                  &calls->descriptors, 0, NULL);
}

static void record_barrier(const struct calls *calls, uint32_t count)
{
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT,
   };
   for (uint32_t i = 0; i < count; i++)
      calls->pipeline_barrier(calls->slot.commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                              VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
}

static void record_vertex_buffers(const struct calls *calls, uint32_t count)
{
   const VkDeviceSize offset = 0;
   for (uint32_t i = 0; i < count; i++)
      calls->bind_vertex_buffers(calls->slot.commands, 0, 1, &calls->buffer.buffer, &offset);
}

static void record_viewport(const struct calls *calls, uint32_t count)
{
   const VkViewport viewport = {0, 0, 640, 480, 0, 1};
   for (uint32_t i = 0; i < count; i++)
      calls->set_viewport(calls->slot.commands, 0, 1, &viewport);
}

static void record_bind_pipeline(const struct calls *calls, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      calls->bind_pipeline(calls->slot.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, calls->pipeline);
}

static void record_dispatch(const struct calls *calls, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      calls->dispatch(calls->slot.commands, 1, 1, 1);
}

static const struct {
   const char *name;
   void (*record)(const struct calls *calls, uint32_t count);
   bool in_rendering;
} record_cases[] = {
   {"vkCmdDraw", record_draw, true},
   {"vkCmdPushConstants, 16 bytes", record_push_16, true},
   {"vkCmdPushConstants, 128 bytes", record_push_128, true},
   {"vkCmdBindDescriptorSets", record_descriptor_sets, true},
   {"vkCmdPipelineBarrier", record_barrier, false},
   {"vkCmdBindVertexBuffers", record_vertex_buffers, true},
   {"vkCmdSetViewport", record_viewport, true},
   {"vkCmdBindPipeline", record_bind_pipeline, true},
   {"vkCmdDispatch", record_dispatch, false},
};
#define RECORD_CASES (sizeof(record_cases) / sizeof(record_cases[0]))

static long page_faults(void)
{
   struct rusage usage;
   if (getrusage(RUSAGE_THREAD, &usage))
      bench_die("getrusage", 0);
   return usage.ru_minflt;
}

/* What a recording took: CPU time of its commands, and of vkEndCommandBuffer. */
struct recording {
   double commands_ns, end_ns;
   double faults;
};

/* One recording. Or, with counts, it is counted what a short one does. */
static struct recording record_once(struct calls *calls, unsigned index, struct bench_counts *counts)
{
   const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
   const VkRenderingInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO, .renderArea = {{0, 0}, {1, 1}}, .layerCount = 1};

   VK(vkBeginCommandBuffer(calls->slot.commands, &begin));
   if (record_cases[index].in_rendering) {
      vkCmdBeginRendering(calls->slot.commands, &rendering);
      vkCmdBindPipeline(calls->slot.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, calls->pipeline);
   } else {
      vkCmdBindPipeline(calls->slot.commands, VK_PIPELINE_BIND_POINT_COMPUTE, calls->compute_pipeline);
   }
   const long faults = page_faults();
   const double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
   if (counts)
      bench_count_start();
   record_cases[index].record(calls, counts ? COUNTED : COMMANDS);
   if (counts)
      *counts = bench_count_stop();
   const double middle = bench_now(CLOCK_THREAD_CPUTIME_ID);
   if (record_cases[index].in_rendering)
      vkCmdEndRendering(calls->slot.commands);
   VK(vkEndCommandBuffer(calls->slot.commands));
   const double end = bench_now(CLOCK_THREAD_CPUTIME_ID);
   const struct recording result = {
      .commands_ns = middle - start, .end_ns = end - middle, .faults = (double)(page_faults() - faults)};
   /* As a program does that waits for its frames: what a driver does behind a recording has ended before the next. */
   bench_submit_and_wait(&calls->on, &calls->slot);
   return result;
}

static void record_case(struct calls *calls, unsigned index)
{
   double commands_ns[RUNS], end_ns[RUNS], faults[RUNS];
   struct bench_counts counts;

   for (unsigned i = 0; i < 2; i++) /* memory that is kept grows now */
      record_once(calls, index, NULL);
   for (unsigned i = 0; i < RUNS; i++) {
      const struct recording one = record_once(calls, index, NULL);
      commands_ns[i] = one.commands_ns;
      end_ns[i] = one.end_ns;
      faults[i] = one.faults;
   }
   record_once(calls, index, &counts);
   printf("  {\"name\": \"%s\", \"ns\": %.2f, \"end_ns\": %.2f, \"page_faults\": %.0f, \"allocations\": %lu, "
          "\"locks\": %lu, \"system_calls\": %s, \"first_system_call\": %d}%s\n",
          record_cases[index].name, bench_median(commands_ns, RUNS) / COMMANDS, bench_median(end_ns, RUNS) / COMMANDS,
          bench_median(faults, RUNS), counts.allocations, counts.locks, counts.system_calls, counts.first_system_call,
          index + 1 < RECORD_CASES ? "," : "");
}

/* What allocates, locks and enters the kernel must be seen doing so. */
static void print_control(const struct calls *calls)
{
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   VkFence fence;

   bench_count_start();
   VK(vkCreateFence(calls->on.device, &info, NULL, &fence));
   vkDestroyFence(calls->on.device, fence, NULL);
   getppid();
   const struct bench_counts counts = bench_count_stop();
   printf("  {\"name\": \"control\", \"allocations\": %lu, \"locks\": %lu, \"system_calls\": %s},\n",
          counts.allocations, counts.locks, counts.system_calls);
}

static void run_record(struct calls *calls)
{
   bench_count_watch_system_calls();
   print_control(calls);
   for (unsigned i = 0; i < RECORD_CASES; i++)
      record_case(calls, i);
}

void bench_record(void)
{
   calls_run(run_record);
}
