/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_TURNS_H
#define VP_CLIENT_LINK_TURNS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Threads that all do the same: each takes something when it is its turn, in an order that all have in common, and what
 * then takes long and needs no order it does aside, while the next one has the turn. Whose turn it is may keep it: as
 * long as nobody steps aside, no thread waits for another. */
struct vp_turns {
   atomic_bool taken; /* somebody has the turn */
   atomic_uint aside;

   pthread_mutex_t lock; /* for sleeping until that changes */
   pthread_cond_t free, back;
   unsigned sleeping; /* until the turn is free */
};

void vp_turns_init(struct vp_turns *turns);
void vp_turns_finish(struct vp_turns *turns);

/* Waits for the turn, and ends it. */
void vp_turns_take(struct vp_turns *turns);
void vp_turns_end(struct vp_turns *turns);

/* For whose turn it is: somebody else may have it, until one is back. */
void vp_turns_step_aside(struct vp_turns *turns);
void vp_turns_come_back(struct vp_turns *turns);

/* For whose turn it is: waits until nobody is aside any more. Others can wait for their turn already. */
void vp_turns_settle(struct vp_turns *turns);

#endif
