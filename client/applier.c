/* SPDX-License-Identifier: MIT */
#include "client/applier.h"

#include "client/mapping/mapping.h"

static void take_in(void *context, unsigned place)
{
   struct vp_applier *applier = context;
   struct vp_applied *next = &applier->places[place];

   if (!atomic_load(&applier->failed) && !applier->apply(applier->context, next->mapping, &next->frame))
      atomic_store(&applier->failed, true);
   vp_mapping_unref(next->mapping);
}

void vp_applier_start(struct vp_applier *applier, vp_apply *apply, void *context)
{
   *applier = (struct vp_applier){.apply = apply, .context = context};
   vp_relay_start(&applier->relay, VP_APPLIER_FRAMES, take_in, applier);
}

void vp_applier_stop(struct vp_applier *applier)
{
   vp_relay_stop(&applier->relay);
   for (unsigned i = 0; i < VP_APPLIER_FRAMES; i++)
      vp_frame_finish(&applier->places[i].frame);
}

bool vp_applier_give(struct vp_applier *applier, struct vp_mapping *mapping, struct vp_frame *frame, bool more)
{
   struct vp_applied *next = &applier->places[vp_relay_places(&applier->relay, 1)];
   const struct vp_frame used = next->frame;

   *next = (struct vp_applied){mapping, *frame};
   *frame = used;
   vp_relay_give(&applier->relay, more);
   return !atomic_load(&applier->failed);
}

bool vp_applier_wait(struct vp_applier *applier)
{
   vp_relay_wait(&applier->relay);
   return !atomic_load(&applier->failed);
}
