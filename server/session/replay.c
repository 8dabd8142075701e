/* SPDX-License-Identifier: MIT */

/* Hands each frame to the thread that has its pool's last one, or to the one with the least to do, and collects errors
 * and times when all are waited for. */

#include "server/session/replay.h"

#include <poll.h>
#include <stdlib.h>

#include "common/util/clock.h"
#include "common/util/cores.h"
#include "common/util/relay.h"
#include "server/core/context.h"
#include "server/core/quota.h"
#include "server/record/command_buffer.h"
#include "server/record/command_pool.h"
#include "server/session/executor.h"
#include "server/session/uploads.h"

/* So many frames can wait for a thread; more would not stay in the caches. */
#define PLACES 8u

/* How often it is looked whether the threads are done while there is nothing to read. */
#define LOOK_MS 1

/* A thread and what it executes. */
struct vps_lane {
   struct vps_replay *replay;
   struct vp_relay relay;
   struct vps_context ctx; /* its own */
   struct piece {
      struct vp_frame frame;
      uint64_t offset; /* in the stream */
   } places[PLACES];
   size_t size; /* of what it has executed since it was waited for, */
   int64_t ns;  /* and how long that took */
};

/* --- the threads --- */

static void execute(void *context, unsigned place)
{
   struct vps_lane *lane = context;
   const struct piece *piece = &lane->places[place];
   const int64_t start_ns = vp_clock_ns();

   if (lane->ctx.failed)
      return;
   lane->ctx.stream_offset = piece->offset;
   if (!vps_executor_run_apart(&lane->ctx, piece->frame.payload, piece->frame.header.length))
      atomic_store(&lane->replay->failed, true);
   lane->size += piece->frame.header.length;
   lane->ns += vp_clock_ns() - start_ns;
}

static struct vps_lane *start_lane(struct vps_replay *replay)
{
   if (!vps_quota_take(VPS_QUOTA_THREADS, 1))
      return NULL;
   struct vps_lane *lane = calloc(1, sizeof(*lane));
   if (!lane) {
      vps_quota_give(VPS_QUOTA_THREADS, 1);
      return NULL;
   }
   lane->replay = replay;
   vps_context_init_beside(&lane->ctx, replay->ctx);
   vp_relay_start(&lane->relay, PLACES, execute, lane);
   return lane;
}

static void stop_lane(struct vps_lane *lane)
{
   vp_relay_stop(&lane->relay);
   vps_context_finish_beside(&lane->ctx);
   for (unsigned i = 0; i < PLACES; i++)
      vp_frame_finish(&lane->places[i].frame);
   free(lane);
   vps_quota_give(VPS_QUOTA_THREADS, 1);
}

void vps_replay_start(struct vps_replay *replay, struct vps_context *ctx)
{
   const unsigned cores = vp_cores_count(), half = cores / 2;

   *replay = (struct vps_replay){.ctx = ctx, .waited_for = true};
   if (cores >= VP_MIN_CORES_TO_SHARE)
      replay->allowed = half < VPS_MAX_LANES ? half : VPS_MAX_LANES;
}

void vps_replay_stop(struct vps_replay *replay)
{
   while (replay->started > 0)
      stop_lane(replay->lanes[--replay->started]);
}

/* --- waiting --- */

/* What the threads tell: of several errors the first in the stream counts. They worked side by side, so all of it took
 * as long as what the busiest one did. */
static bool gather(struct vps_replay *replay)
{
   struct vps_context *ctx = replay->ctx;
   size_t size = 0;
   int64_t longest_ns = 0;

   for (unsigned i = 0; i < replay->started; i++) {
      struct vps_lane *lane = replay->lanes[i];
      if (lane->ctx.failed && (!ctx->failed || lane->ctx.error.offset < ctx->error.offset)) {
         ctx->failed = true;
         ctx->error = lane->ctx.error;
      }
      size += lane->size;
      longest_ns = lane->ns > longest_ns ? lane->ns : longest_ns;
      lane->size = 0;
      lane->ns = 0;
   }
   vps_meter_add_recorded(&ctx->meter, size, longest_ns);
   return !ctx->failed;
}

bool vps_replay_wait(struct vps_replay *replay)
{
   if (replay->waited_for)
      return !replay->ctx->failed;
   for (unsigned i = 0; i < replay->started; i++)
      vp_relay_wait(&replay->lanes[i]->relay);
   replay->waited_for = true;
   return gather(replay);
}

static bool is_idle(const struct vps_replay *replay)
{
   for (unsigned i = 0; i < replay->started; i++) {
      if (!vp_relay_is_idle(&replay->lanes[i]->relay))
         return false;
   }
   return true;
}

bool vps_replay_wait_for_data(struct vps_replay *replay, int fd)
{
   struct pollfd pollfd = {.fd = fd, .events = POLLIN};

   while (!replay->waited_for && !is_idle(replay)) {
      if (poll(&pollfd, 1, LOOK_MS) != 0)
         return true;
   }
   return vps_replay_wait(replay);
}

/* --- handing over --- */

/* The pool of a frame; NULL: whoever executes the frame finds out why. */
static struct vps_command_pool *find_pool(const struct vps_context *ctx, const struct vp_frame *frame)
{
   const uint64_t id = vps_executor_recorded_into(frame->payload, frame->header.length);
   const struct vps_object *object = vps_object_find(&ctx->objects, id);
   const struct vps_command_buffer *commands =
      object && object->type == VK_OBJECT_TYPE_COMMAND_BUFFER ? object->state : NULL;

   return commands ? commands->pool : NULL;
}

/* A thread that has nothing to do, or the one that has least. NULL when none can be started. */
static struct vps_lane *find_lane(struct vps_replay *replay)
{
   struct vps_lane *best = NULL;
   unsigned least = PLACES + 1;

   for (unsigned i = 0; i < replay->started && least > 0; i++) {
      const unsigned load = vp_relay_load(&replay->lanes[i]->relay);
      if (load < least) {
         best = replay->lanes[i];
         least = load;
      }
   }
   struct vps_lane *fresh = least > 0 && replay->started < replay->allowed ? start_lane(replay) : NULL;
   if (fresh)
      replay->lanes[replay->started++] = fresh;
   return fresh ? fresh : best;
}

/* What is under way of a pool comes first, so more of it goes to the same thread; otherwise it may go to any, best to
 * the one that knows it. */
static struct vps_lane *choose_lane(struct vps_replay *replay, const struct vps_command_pool *pool)
{
   if (pool->lane && (!vp_relay_has_done(&pool->lane->relay, pool->frames) || vp_relay_is_idle(&pool->lane->relay)))
      return pool->lane;
   return find_lane(replay);
}

static void hand_over(struct vps_replay *replay, struct vps_lane *lane, struct vp_frame *frame)
{
   struct vps_context *ctx = replay->ctx;
   struct piece *piece = &lane->places[vp_relay_places(&lane->relay, 1)];
   const struct vp_frame other = piece->frame;

   piece->frame = *frame;
   piece->offset = ctx->stream_offset;
   *frame = other;
   ctx->stream_offset += piece->frame.header.length;
   replay->waited_for = false;
   vp_relay_give(&lane->relay, true);
}

/* The thread for a frame; NULL: it is better executed here. A large one is not kept beside the others. Pipelines that
 * are being made become usable when somebody waits for them, which changes what others look up. */
static struct vps_lane *find_lane_for(struct vps_replay *replay, const struct vp_frame *frame,
                                      struct vps_command_pool **pool)
{
   if (!replay->allowed || frame->capacity > VPS_KEEP_SIZE || replay->ctx->makings.first)
      return NULL;
   *pool = find_pool(replay->ctx, frame);
   return *pool ? choose_lane(replay, *pool) : NULL;
}

bool vps_replay_run(struct vps_replay *replay, struct vp_frame *frame)
{
   struct vps_command_pool *pool = NULL;

   if (atomic_load(&replay->failed))
      return vps_replay_wait(replay);
   struct vps_lane *lane = find_lane_for(replay, frame, &pool);
   if (!lane)
      return vps_replay_wait(replay) && vps_executor_run_apart(replay->ctx, frame->payload, frame->header.length);
   hand_over(replay, lane, frame);
   pool->lane = lane;
   pool->frames = vp_relay_given(&lane->relay);
   return true;
}
