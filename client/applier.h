/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_APPLIER_H
#define VP_CLIENT_APPLIER_H

#include "common/net/frame.h"
#include "common/util/relay.h"

#include <stdatomic.h>
#include <stdbool.h>

struct vp_mapping;

/* How many frames are read ahead. */
#define VP_APPLIER_FRAMES 4u

/* Takes in a frame of memory, on a thread of its own or on the receiver's. `mapping` may be NULL. False when it makes
 * no sense. */
typedef bool vp_apply(void *context, struct vp_mapping *mapping, const struct vp_frame *frame);

/* A frame and what it is about, held. */
struct vp_applied {
   struct vp_mapping *mapping;
   struct vp_frame frame;
};

/* Takes in, one after another, frames of memory that the receiver has read, while that reads on. All functions are for
 * the receiver. */
struct vp_applier {
   vp_apply *apply;
   void *context;
   atomic_bool failed;
   struct vp_applied places[VP_APPLIER_FRAMES];
   struct vp_relay relay;
};

void vp_applier_start(struct vp_applier *applier, vp_apply *apply, void *context);

/* What was given is taken in before. */
void vp_applier_stop(struct vp_applier *applier);

/* Hands over a frame and a reference; the frame gets another buffer. `more`: others will follow soon, so that it is
 * worth to wake a thread. False when one of them, ever, made no sense. */
bool vp_applier_give(struct vp_applier *applier, struct vp_mapping *mapping, struct vp_frame *frame, bool more);

/* Waits until all frames have been taken in. False as above. */
bool vp_applier_wait(struct vp_applier *applier);

#endif
