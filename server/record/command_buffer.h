/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_RECORD_COMMAND_BUFFER_H
#define VP_SERVER_RECORD_COMMAND_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/core/context.h"
#include "server/record/bound.h"

struct vps_command_pool;
struct vps_event;
struct vps_memory;
struct vps_object;
struct vps_query_pool;
struct vps_track;

/* An object for video that may be gone by now, when another one may have its id. */
struct vps_video_ref {
   uint64_t id, serial; /* 0: none */
};

/* The state of a VkCommandBuffer. */
struct vps_command_buffer {
   struct vps_track *track;                              /* what its execution changes; NULL: nothing */
   uint32_t views;                                       /* of the render pass instance that is recorded, at least 1 */
   uint32_t subpasses_left;                              /* of the render pass that is recorded */
   uint32_t recording;                                   /* how often recording was begun */
   bool draws;                                           /* it has graphics work */
   struct vps_video_ref video_session, video_parameters; /* whose coding is recorded */
   struct vps_command_pool *pool;
   uint64_t recorded; /* bytes of commands */
   struct vps_bound bound;
};

/* Gives a new command buffer its state. False without memory. */
bool vps_command_buffer_init(struct vps_object *object, struct vps_command_pool *pool);

/* After a reset: forgets what was recorded, and that it was unusable. */
void vps_command_buffer_clear(struct vps_object *object);

/* Commands of so many bytes were recorded into it. Any object will do. */
void vps_command_buffer_note_recorded(struct vps_object *object, size_t bytes);

/* While a handler records into the command's first object: false when that or another object is unusable; then the
 * command buffer is so too. */
bool vps_command_buffer_can_record(struct vps_context *ctx);

/* Note what an execution of the command's first object changes. False ends the session. */
bool vps_command_buffer_note_event(struct vps_context *ctx, struct vps_event *event);
bool vps_command_buffer_note_queries(struct vps_context *ctx, struct vps_query_pool *pool, uint32_t first,
                                     uint32_t count);
bool vps_command_buffer_note_writes(struct vps_context *ctx, unsigned classes);
bool vps_command_buffer_note_range(struct vps_context *ctx, struct vps_memory *memory, VkDeviceSize start,
                                   VkDeviceSize end);

/* The command runs the shaders that are bound to this point. */
static inline void vps_command_buffer_note_shaders(struct vps_context *ctx, VkPipelineBindPoint bind_point)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   struct vps_bind_point *point = vps_bound_point(&command_buffer->bound, bind_point);

   if (bind_point == VK_PIPELINE_BIND_POINT_GRAPHICS)
      command_buffer->draws = true;
   if (point->changed)
      vps_bound_note(ctx, point);
}

#endif
