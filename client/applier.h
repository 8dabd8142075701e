/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_APPLIER_H
#define VP_CLIENT_APPLIER_H

#include "common/net/frame.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct vp_mapping;

/* How many frames wait at most. */
#define VP_APPLIER_FRAMES 8u

/* Takes in a frame of memory, on a thread of its own or on the receiver's. `mapping` may be NULL. False when it makes
 * no sense. */
typedef bool vp_apply(void *context, struct vp_mapping *mapping, const struct vp_frame *frame);

struct vp_applied {
   struct vp_mapping *mapping; /* held */
   struct vp_frame frame;
};

/* A thread that takes in, one after another, frames of memory that the receiver has read, while that reads on. It
 * starts with the first frame. All functions are for the receiver. */
struct vp_applier {
   vp_apply *apply;
   void *context;
   pthread_t thread;
   bool allowed, started;

   pthread_mutex_t lock; /* for sleeping until the counts change */
   pthread_cond_t changed;
   atomic_uint given, done; /* frames */
   atomic_bool stop, failed;
   struct vp_applied frames[VP_APPLIER_FRAMES];
};

/* Whether a second thread is of use on this machine. */
bool vp_applier_is_useful(void);

/* `allowed`: there may be a thread. */
void vp_applier_init(struct vp_applier *applier, bool allowed, vp_apply *apply, void *context);
void vp_applier_finish(struct vp_applier *applier);

/* Hands over a frame and a reference; the frame gets another buffer. False, with nothing done, when there can be no
 * thread, or when a frame made no sense. */
bool vp_applier_give(struct vp_applier *applier, struct vp_mapping *mapping, struct vp_frame *frame);

/* Waits until all frames have been taken in. False when one of them, ever, made no sense. */
bool vp_applier_wait(struct vp_applier *applier);

#endif
