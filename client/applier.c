/* SPDX-License-Identifier: MIT */
#include "client/applier.h"

#include "client/mapping/mapping.h"
#include "common/util/cores.h"
#include "common/util/thread.h"

/* How often a thread looks whether it can go on, before it sleeps: for about the time that a frame takes, which is
 * less than waking up takes. */
#define LOOKS 1000

bool vp_applier_is_useful(void)
{
   return vp_cores_count() >= VP_MIN_CORES_TO_SHARE;
}

void vp_applier_init(struct vp_applier *applier, bool allowed, vp_apply *apply, void *context)
{
   *applier = (struct vp_applier){.apply = apply, .context = context, .allowed = allowed};
   pthread_mutex_init(&applier->lock, NULL);
   pthread_cond_init(&applier->changed, NULL);
}

static void rest(void)
{
#ifdef __x86_64__
   __builtin_ia32_pause();
#endif
}

/* Waits until a count is not this any more, or for the end. */
static void wait_while(struct vp_applier *applier, atomic_uint *count, unsigned value)
{
   for (unsigned i = 0; i < LOOKS; i++) {
      if (atomic_load_explicit(count, memory_order_acquire) != value)
         return;
      rest();
   }
   pthread_mutex_lock(&applier->lock);
   while (atomic_load(count) == value && !atomic_load(&applier->stop))
      pthread_cond_wait(&applier->changed, &applier->lock);
   pthread_mutex_unlock(&applier->lock);
}

static void advance(struct vp_applier *applier, atomic_uint *count)
{
   pthread_mutex_lock(&applier->lock);
   atomic_fetch_add(count, 1);
   pthread_cond_signal(&applier->changed); /* of the two threads one waits at most */
   pthread_mutex_unlock(&applier->lock);
}

static void *applier_main(void *data)
{
   struct vp_applier *applier = data;

   for (unsigned number = 0;; number++) {
      wait_while(applier, &applier->given, number);
      if (atomic_load(&applier->given) == number)
         return NULL;
      struct vp_applied *next = &applier->frames[number % VP_APPLIER_FRAMES];
      if (!applier->apply(applier->context, next->mapping, &next->frame))
         atomic_store(&applier->failed, true);
      vp_mapping_unref(next->mapping);
      advance(applier, &applier->done);
   }
}

/* What was given is taken in before. */
void vp_applier_finish(struct vp_applier *applier)
{
   if (applier->started) {
      pthread_mutex_lock(&applier->lock);
      atomic_store(&applier->stop, true);
      pthread_cond_broadcast(&applier->changed);
      pthread_mutex_unlock(&applier->lock);
      pthread_join(applier->thread, NULL);
   }
   for (unsigned i = 0; i < VP_APPLIER_FRAMES; i++)
      vp_frame_finish(&applier->frames[i].frame);
   pthread_cond_destroy(&applier->changed);
   pthread_mutex_destroy(&applier->lock);
}

bool vp_applier_give(struct vp_applier *applier, struct vp_mapping *mapping, struct vp_frame *frame)
{
   if (applier->allowed && !applier->started)
      applier->started = applier->allowed = vp_thread_start(&applier->thread, applier_main, applier);
   if (!applier->allowed || atomic_load(&applier->failed))
      return false;
   const unsigned number = atomic_load(&applier->given);
   wait_while(applier, &applier->done, number - VP_APPLIER_FRAMES);
   struct vp_applied *next = &applier->frames[number % VP_APPLIER_FRAMES];
   const struct vp_frame used = next->frame;
   *next = (struct vp_applied){mapping, *frame};
   *frame = used;
   advance(applier, &applier->given);
   return true;
}

bool vp_applier_wait(struct vp_applier *applier)
{
   const unsigned given = atomic_load(&applier->given);

   for (unsigned done; (done = atomic_load_explicit(&applier->done, memory_order_acquire)) != given;)
      wait_while(applier, &applier->done, done);
   return !atomic_load(&applier->failed);
}
