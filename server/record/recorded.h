/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_RECORD_RECORDED_H
#define VP_SERVER_RECORD_RECORDED_H

#include "server/core/context.h"

/* Recorded commands are nearly all that a client sends: the generated functions that run them find their objects in
 * line, where these are of the kind and the device that they must be, and leave everything else to vps_use_handle(). */

/* The command buffer of a recorded command: mostly that of the one before. Its handle, or 0. */
static inline uint64_t vps_find_target(struct vp_decoder *dec, uint64_t id)
{
   struct vps_context *ctx = dec->context;
   struct vps_object *target = ctx->target;

   if (__builtin_expect(target->id != id || target->type != VK_OBJECT_TYPE_COMMAND_BUFFER, 0))
      return vps_use_target(ctx, id);
   ctx->used[0] = target;
   ctx->used_count = 1;
   ctx->poison = target->poison;
   return target->handle;
}

/* What any other id that was read stands for. */
static inline uint64_t vps_find_handle(struct vp_decoder *dec, int32_t type, uint64_t id)
{
   struct vps_context *ctx = dec->context;

   if (id == 0)
      return 0;
   struct vps_object *object = vps_object_find(&ctx->objects, id);
   if (__builtin_expect(!object || object->type != type || object->device != ctx->target->device ||
                           ctx->used_count == ctx->used_capacity,
                        0))
      return vps_use_handle(ctx, type, id);
   vps_note_used(ctx, object);
   return object->handle;
}

/* After decoding: whether the command can be recorded into the target, the driver's command buffer. */
static inline bool vps_recordable(struct vps_context *ctx, VkCommandBuffer command_buffer)
{
   return __builtin_expect(command_buffer && !ctx->failed && !ctx->dec.error && !ctx->poison, 1) ||
          vps_not_recordable(ctx);
}

/* Before a command is recorded: notes that it changes its query (one for each view), its queries, or its event. False:
 * it cannot be recorded, and the session ends. */
bool vps_note_query(struct vps_context *ctx, uint32_t query);
bool vps_note_queries(struct vps_context *ctx, uint32_t first, uint32_t count);
bool vps_note_event(struct vps_context *ctx);

/* After it was: that it writes to [offset, offset + size) of its last buffer. What a command writes to comes after what
 * it reads. */
void vps_note_buffer_write(struct vps_context *ctx, VkDeviceSize offset, VkDeviceSize size);

/* The same of another buffer; NULL: it is not known which. */
void vps_note_write(struct vps_context *ctx, const struct vps_object *buffer, VkDeviceSize offset, VkDeviceSize size);

#endif
