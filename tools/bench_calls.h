/* SPDX-License-Identifier: MIT */
#ifndef VP_TOOLS_BENCH_CALLS_H
#define VP_TOOLS_BENCH_CALLS_H

#include "tools/bench.h"

/* What record, threads and latency share: a device, what the commands need, and the driver's functions that record
 * them, without the loader in between. */
struct calls {
   struct bench_device on;
   VkCommandPool pool;
   struct bench_slot slot;
   struct bench_buffer buffer;
   struct bench_set set; /* its layout has also push constants */
   VkDescriptorSet descriptors;
   VkPipeline pipeline, compute_pipeline;
   PFN_vkCmdDraw draw;
   PFN_vkCmdPushConstants push_constants;
   PFN_vkCmdBindDescriptorSets bind_descriptor_sets;
   PFN_vkCmdPipelineBarrier pipeline_barrier;
   PFN_vkCmdBindVertexBuffers bind_vertex_buffers;
   PFN_vkCmdSetViewport set_viewport;
   PFN_vkCmdBindPipeline bind_pipeline;
   PFN_vkCmdDispatch dispatch;
};

#define CALLS_PUSH_SIZE 128 /* bytes of push constants, for the vertex shader */
extern const uint32_t calls_push_data[CALLS_PUSH_SIZE / 4];

/* Runs a benchmark, which prints its results as members of a list. */
void calls_run(void (*run)(struct calls *calls));

#endif
