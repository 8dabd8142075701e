/* SPDX-License-Identifier: MIT */

/* Notes which events and queries a recording changes, and how many views and further subpasses the render pass instance
 * has that it is in. */

#include "server/record/recorded.h"

#include "server/core/context.h"
#include "server/pipeline/render_pass.h"
#include "server/record/command_buffer.h"
#include "server/sync/event.h"
#include "server/sync/query_pool.h"

/* --- events and queries --- */

bool vps_note_event(struct vps_context *ctx)
{
   struct vps_event *event = vps_used(ctx, VK_OBJECT_TYPE_EVENT)->state;

   return event->device_only || vps_command_buffer_note_event(ctx, event);
}

static struct vps_query_pool *recorded_pool(const struct vps_context *ctx)
{
   return vps_used(ctx, VK_OBJECT_TYPE_QUERY_POOL)->state;
}

bool vps_note_queries(struct vps_context *ctx, uint32_t first, uint32_t count)
{
   struct vps_query_pool *pool = recorded_pool(ctx);

   return vps_query_pool_has(ctx, pool, first, count) && vps_command_buffer_note_queries(ctx, pool, first, count);
}

/* It takes several places when there are several views. */
bool vps_note_query(struct vps_context *ctx, uint32_t query)
{
   const struct vps_command_buffer *command_buffer = ctx->used[0]->state;
   struct vps_query_pool *pool = recorded_pool(ctx);

   if (!vps_query_pool_has(ctx, pool, query, 1))
      return false;
   const uint32_t room = pool->count - query, views = command_buffer->views;
   return vps_command_buffer_note_queries(ctx, pool, query, views < room ? views : room);
}

/* --- render pass instances --- */

static void begin(struct vps_context *ctx, uint32_t views, uint32_t subpasses)
{
   struct vps_command_buffer *command_buffer = ctx->used[0]->state;

   command_buffer->views = views;
   command_buffer->subpasses_left = subpasses ? subpasses - 1 : 0;
}

static void begin_render_pass(struct vps_context *ctx)
{
   const struct vps_object *render_pass = vps_used(ctx, VK_OBJECT_TYPE_RENDER_PASS);
   const struct vps_render_pass *state = render_pass->state;

   begin(ctx, state->views, state->subpasses);
}

void vps_observe_vkCmdBeginRenderPass(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginRenderPass *a)
{
   (void)a;
   begin_render_pass(ctx);
}

void vps_observe_vkCmdBeginRenderPass2(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginRenderPass2 *a)
{
   (void)a;
   begin_render_pass(ctx);
}

void vps_observe_vkCmdBeginRendering(struct vps_context *ctx, const struct vp_cmd_vkCmdBeginRendering *a)
{
   begin(ctx, vps_view_mask_count(a->pRenderingInfo->viewMask), 0);
}
