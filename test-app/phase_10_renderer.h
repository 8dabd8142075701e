/* SPDX-License-Identifier: MIT */
#ifndef VP_TEST_APP_PHASE_10_RENDERER_H
#define VP_TEST_APP_PHASE_10_RENDERER_H

/* What draws the scene of phase 10. */

#include "test-app/app.h"
#include "test-app/scene.h"

#define RENDERER_IN_FLIGHT 2
#define RENDERER_UNIFORM_STRIDE 256 /* Vulkan never asks for more alignment */

/* What one frame in flight needs for itself. */
struct renderer_slot {
   struct app_image color;
   struct app_image depth;
   struct app_buffer readback;
   VkFramebuffer framebuffer; /* for the render pass only */
   VkDescriptorSet set;
   VkCommandBuffer commands;
   VkFence fence;
};

struct renderer {
   struct app_context ctx;
   struct app_test *test;
   uint32_t width;
   uint32_t height;
   VkFormat depth_format;
   struct scene_geometry geometry;
   struct app_buffer vertices;
   struct app_buffer indices;
   struct app_buffer uniforms; /* one struct scene_frame for each slot, mapped for good */
   struct app_image texture;
   VkSampler sampler;
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool pool;
   VkPipelineLayout layout;
   VkRenderPass pass;
   VkPipeline pipelines[2]; /* for the render pass, for dynamic rendering */
   struct renderer_slot slots[RENDERER_IN_FLIGHT];
   uint8_t *first;      /* frame 0 of the sequence under way */
   uint8_t *previous;   /* the frame before */
   uint8_t *pass_first; /* frame 0 of the render pass */
   uint64_t *hashes;    /* of all frames of the sequence under way */
};

/* Bytes of one picture. */
size_t renderer_picture_size(const struct renderer *r);
/* On a zeroed one. Destroy also when create gave up half-way. */
bool renderer_create(struct app_test *t, struct renderer *r);
void renderer_destroy(struct renderer *r);
/* phase_10_texture.c: the texture and its sampler, a part of renderer_create. */
bool renderer_create_texture(struct renderer *r);

/* phase_10_frames.c */
/* Writes the uniforms of this frame, records, submits. The slot is idle. */
bool renderer_start_frame(struct renderer *r, bool dynamic, uint32_t frame, uint32_t slot_index);
/* Waits; then the slot is idle, and its picture lies in its readback buffer. */
bool renderer_finish_frame(struct renderer *r, uint32_t slot_index);

#endif
