/* SPDX-License-Identifier: MIT */

/* A list of creations and destructions in the order of the stream, and threads that take creations from its front.
 * Whoever waits for one that nobody has begun does it. */

#include "server/pipeline/maker.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/util/cores.h"
#include "server/core/context.h"
#include "server/core/device.h"
#include "server/core/quota.h"
#include "server/pipeline/pipeline.h"

#define MAX_THREADS 32u

/* A client can have so much under way. */
#define MAX_COUNT 256u
#define MAX_SIZE ((size_t)64 << 20)

enum state { WAITING, RUNNING, DONE };

/* A creation, or a destruction that comes after those before it. */
struct vps_making {
   struct vps_making *next;
   struct vps_creation creation;
   struct vp_arena arena;      /* what the creation points to */
   bool complete;              /* the objects know what came of it */
   enum state state;           /* under the lock */
   struct vps_making *waiting; /* under the lock: the next that nobody has begun */

   struct vps_device *device; /* of what is destroyed; NULL: it is a creation */
   int32_t type;
   uint64_t handle;
};

static struct {
   pthread_mutex_t lock;
   pthread_cond_t offered, done;
   unsigned allowed, started, idle;
   unsigned count; /* of those that nobody has begun */
   struct vps_making *waiting, **end;
} maker = {
   .lock = PTHREAD_MUTEX_INITIALIZER,
   .offered = PTHREAD_COND_INITIALIZER,
   .done = PTHREAD_COND_INITIALIZER,
   .end = &maker.waiting,
};

/* --- threads --- */

unsigned vps_maker_suitable(void)
{
   const unsigned cores = vp_cores_count();

   return cores < VP_MIN_CORES_TO_SHARE ? 0 : cores <= MAX_THREADS ? cores - 1 : MAX_THREADS;
}

void vps_maker_allow(unsigned threads)
{
   pthread_mutex_lock(&maker.lock);
   maker.allowed = threads;
   pthread_mutex_unlock(&maker.lock);
}

/* With the lock, which is given up meanwhile. */
static void run_making(struct vps_making *making)
{
   making->state = RUNNING;
   pthread_mutex_unlock(&maker.lock);
   vps_creation_run(&making->creation);
   pthread_mutex_lock(&maker.lock);
   making->state = DONE;
   pthread_cond_broadcast(&maker.done);
}

/* Takes one from those that nobody has begun. With the lock. */
static void take(struct vps_making *making)
{
   struct vps_making **link = &maker.waiting;

   while (*link != making)
      link = &(*link)->waiting;
   *link = making->waiting;
   if (!*link)
      maker.end = link;
   maker.count--;
}

static void *work(void *argument)
{
   (void)argument;
   pthread_mutex_lock(&maker.lock);
   for (;;) {
      maker.idle++;
      while (!maker.waiting)
         pthread_cond_wait(&maker.offered, &maker.lock);
      maker.idle--;
      struct vps_making *making = maker.waiting;
      take(making);
      run_making(making);
   }
   return NULL;
}

/* Starts a thread when all are busy. False when there is none. */
static bool have_threads(void)
{
   pthread_t thread;

   pthread_mutex_lock(&maker.lock);
   if (maker.idle <= maker.count && maker.started < maker.allowed && vps_quota_take(VPS_QUOTA_THREADS, 1)) {
      if (pthread_create(&thread, NULL, work, NULL) == 0) {
         pthread_detach(thread);
         maker.started++;
      } else {
         vps_quota_give(VPS_QUOTA_THREADS, 1);
      }
   }
   const bool have = maker.allowed > 0 && maker.started > 0;
   pthread_mutex_unlock(&maker.lock);
   return have;
}

static void offer_making(struct vps_making *making)
{
   pthread_mutex_lock(&maker.lock);
   *maker.end = making;
   maker.end = &making->waiting;
   maker.count++;
   pthread_cond_signal(&maker.offered);
   pthread_mutex_unlock(&maker.lock);
}

/* Waits for it, or does it when nobody has begun. */
static void maker_wait_for(struct vps_making *making)
{
   pthread_mutex_lock(&maker.lock);
   if (making->state == WAITING) {
      take(making);
      run_making(making);
   }
   while (making->state != DONE)
      pthread_cond_wait(&maker.done, &maker.lock);
   pthread_mutex_unlock(&maker.lock);
}

static bool is_making_done(const struct vps_making *making)
{
   pthread_mutex_lock(&maker.lock);
   const bool done = making->state == DONE;
   pthread_mutex_unlock(&maker.lock);
   return done;
}

/* --- of the executing thread --- */

static void complete_making(struct vps_context *ctx, struct vps_making *making)
{
   if (making->complete)
      return;
   maker_wait_for(making);
   vps_creation_finish(ctx, &making->creation);
   making->complete = true;
   ctx->makings.size -= making->arena.used;
   vp_arena_finish(&making->arena);
}

/* Completes the first and forgets it. */
static void finish_first(struct vps_context *ctx)
{
   struct vps_makings *makings = &ctx->makings;
   struct vps_making *making = makings->first;

   if (making->device)
      vps_destroy_handle(making->device, making->type, making->handle);
   else
      complete_making(ctx, making);
   makings->first = making->next;
   if (!makings->first)
      makings->last = NULL;
   makings->count--;
   free(making);
}

void vps_maker_settle(struct vps_context *ctx)
{
   while (ctx->makings.first)
      finish_first(ctx);
}

void vps_maker_reap(struct vps_context *ctx)
{
   const struct vps_making *first;

   while ((first = ctx->makings.first) && (first->device || is_making_done(first)))
      finish_first(ctx);
}

bool vps_object_complete(struct vps_context *ctx, uint64_t id)
{
   const struct vps_object *object = vps_object_find(&ctx->objects, id);

   if (!object || object->type != VPS_OBJECT_PENDING)
      return false;
   complete_making(ctx, object->making);
   return true;
}

static void append_making(struct vps_makings *makings, struct vps_making *making)
{
   if (makings->last)
      makings->last->next = making;
   else
      makings->first = making;
   makings->last = making;
   makings->count++;
}

/* Makes room for one more. */
static void make_room_for_making(struct vps_context *ctx)
{
   while (ctx->makings.count >= MAX_COUNT || ctx->makings.size > MAX_SIZE)
      finish_first(ctx);
}

bool vps_object_put_off(struct vps_device *device, int32_t type, uint64_t handle)
{
   struct vps_context *ctx = device->ctx;

   vps_maker_reap(ctx);
   if (!ctx->makings.first)
      return false;
   struct vps_making *making = ctx->makings.count < MAX_COUNT ? calloc(1, sizeof(*making)) : NULL;
   if (!making) {
      vps_maker_settle(ctx);
      return false;
   }
   making->device = device;
   making->type = type;
   making->handle = handle;
   append_making(&ctx->makings, making);
   return true;
}

bool vps_maker_start(struct vps_context *ctx, const struct vps_creation *creation)
{
   if (creation->answered || creation->count == 0 || !have_threads())
      return false;
   vps_maker_reap(ctx);
   make_room_for_making(ctx);
   struct vps_making *making = calloc(1, sizeof(*making));
   if (!making)
      return false;
   making->creation = *creation;
   for (uint32_t i = 0; i < creation->count; i++)
      creation->objects[i]->making = making;
   making->arena = ctx->arena;
   vp_arena_init(&ctx->arena, making->arena.limit);
   ctx->makings.size += making->arena.used;
   append_making(&ctx->makings, making);
   offer_making(making);
   return true;
}
