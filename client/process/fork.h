/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_PROCESS_FORK_H
#define VP_CLIENT_PROCESS_FORK_H

#include <stdbool.h>

/* A child of fork() has a copy of the driver's memory, but none of its threads, and shares its descriptors. So it
 * begins anew: what is shared is let go before the child runs on, what belongs to the process is made again when it is
 * needed, and objects that it has inherited are not touched any more (client/process/guard.h). */

/* What is to be done for one object in a child. */
struct vp_fork_item {
   void (*in_child)(struct vp_fork_item *item); /* async-signal-safe */
   struct vp_fork_item *next, **link;           /* link NULL: not registered */
};

/* Thread-safe. None is left in the child. */
void vp_fork_add(struct vp_fork_item *item, void (*in_child)(struct vp_fork_item *item));
void vp_fork_remove(struct vp_fork_item *item);

/* Those that are registered, from the first one on, as long as nobody else has the lock. */
bool vp_fork_try_lock(void);
struct vp_fork_item *vp_fork_first(void);
void vp_fork_unlock(void);

/* What the process has once, and is made again in a child: whoever held a lock of theirs is not there. Ends with NULL.
 * The table is in client/device/begin_anew.c, for it names what lies above. */
extern void (*const vp_fork_begin_anew[])(void);

/* How many times the memory of this process was copied since the first of its ancestors. */
unsigned vp_fork_generation(void);

#endif
