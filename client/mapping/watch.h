/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_WATCH_H
#define VP_CLIENT_MAPPING_WATCH_H

#include "client/mapping/tracker.h"

/* One mapping's look at what a tracker knows. The tracker knows one thing of each page of the process, and memory of
 * the application's can be imported several times, also in parts and by several devices: each of these mappings hears
 * of every write, whichever of them has its pages watched anew. Thread-safe; functions for one watch are called by one
 * thread at a time. */
struct vp_watch {
   const struct vp_tracker *tracker;
   const struct vp_pages *pages; /* NULL: nothing is watched */
   struct vp_watch *next, **link;
   uint64_t *missed; /* by page: writes that another mapping was the first to hear of; NULL: pages are nobody else's */
};

/* Memory of the application's is not watched where others can write to it, and not where comparing is as fast. */
void vp_watch_start(struct vp_watch *watch, const struct vp_tracker *tracker, const struct vp_pages *pages);
void vp_watch_stop(struct vp_watch *watch);

/* As the tracker's. */
bool vp_watch_arm(struct vp_watch *watch, size_t position, size_t length);
void vp_watch_scan(struct vp_watch *watch, size_t position, size_t length,
                   void (*report)(void *data, size_t position, size_t length), void *data);

/* As the tracker's, for whole page tables of pages that are nobody else's. vp_watch_can_rest(): whether there are. */
bool vp_watch_can_rest(const struct vp_watch *watch);
bool vp_watch_rest(struct vp_watch *watch, size_t position, size_t length);
void vp_watch_scan_used(struct vp_watch *watch, size_t position, size_t length,
                        void (*report)(void *data, size_t position, size_t length), void *data);

/* In a child of fork(), where nothing is watched yet. Async-signal-safe. */
void vp_watch_begin_anew(void);

#endif
