/* SPDX-License-Identifier: MIT */
#ifndef VP_UTIL_RELAY_H
#define VP_UTIL_RELAY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Two threads in a row: one makes pieces, the other finishes them, in the same order, while the next ones are made.
 * Where there are few processors, or no thread, whoever makes a piece finishes it, too. */

typedef void vp_relay_work(void *context, unsigned place);

/* Each piece has a place, of which the caller keeps what lies there. */
struct vp_relay {
   unsigned places; /* so many pieces can be under way */
   vp_relay_work *finish;
   void *context;
   bool running; /* there is a second thread */
   pthread_t thread;

   pthread_mutex_t lock; /* for sleeping until something of what follows changes */
   pthread_cond_t changed;
   atomic_uint_least64_t offered, done; /* pieces for the thread, and those of them that it has finished */
   atomic_bool stop;
};

/* Starts the thread if that is worth it. `finish` is called for one piece at a time. */
void vp_relay_start(struct vp_relay *relay, unsigned places, vp_relay_work *finish, void *context);

/* Finishes what is under way, and ends. */
void vp_relay_stop(struct vp_relay *relay);

/* The rest is for whoever makes pieces, one thread at a time. */

/* The places of the next pieces, so many, which are free when this returns: this one and those behind it, of which the
 * first comes after the last one. */
unsigned vp_relay_places(struct vp_relay *relay, unsigned count);

/* The piece in the next place is made. It is finished here and now when nothing is under way and no more are expected
 * soon.
 */
void vp_relay_give(struct vp_relay *relay, bool more);

/* How many pieces were given so far to be finished by the thread, and whether so many of them are. */
uint64_t vp_relay_given(struct vp_relay *relay);
bool vp_relay_has_done(struct vp_relay *relay, uint64_t count);

/* How many are under way. */
unsigned vp_relay_load(struct vp_relay *relay);

/* Whether all is finished; waits until it is. */
bool vp_relay_is_idle(struct vp_relay *relay);
void vp_relay_wait(struct vp_relay *relay);

#endif
