/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_MAPPING_TRACKER_H
#define VP_CLIENT_MAPPING_TRACKER_H

#include "client/mapping/pages.h"

/* How the process finds out which pages of a view have been written to. A range that was armed is watched from then
 * on: scan() reports what of it was written to since, again and again until it is armed anew. What was never armed is
 * the caller's to compare.
 *
 * Positions and lengths are in bytes and whole pages, from the beginning of the view. Functions for one view are
 * called by one thread at a time. */
struct vp_tracker {
   const char *name;        /* as in VENUS_TRACK */
   const char *description; /* for people */

   /* Once per process, while it may open things: nothing else does. NULL when it works, else what is missing. */
   const char *(*start)(void);

   /* In a child of fork(): lets go of what start() has opened, and of all views. May be NULL. */
   void (*stop)(void);

   /* Before a view's first use, after its last. watch() is false when it cannot be watched: never arm it. */
   bool (*watch)(const struct vp_pages *pages);
   void (*unwatch)(const struct vp_pages *pages);

   /* False when the range cannot be watched now. */
   bool (*arm)(const struct vp_pages *pages, size_t position, size_t length);

   /* Calls `report` for each run that may have been written to since it was armed. */
   void (*scan)(const struct vp_pages *pages, size_t position, size_t length,
                void (*report)(void *data, size_t position, size_t length), void *data);

   /* For a range that nobody has written to for long, of whole VP_TABLE_SIZE: gives up its page tables, so that a look
    * at it costs next to nothing. From then on scan_used() tells of it, until it is armed again: which runs were used,
    * by reading or writing. False: the range is not watched any more, unless it can be armed again. Both may be NULL.
    */
   bool (*rest)(const struct vp_pages *pages, size_t position, size_t length);
   void (*scan_used)(const struct vp_pages *pages, size_t position, size_t length,
                     void (*report)(void *data, size_t position, size_t length), void *data);
};

/* The mechanisms, best first. "compare" watches nothing. */
extern const struct vp_tracker vp_tracker_async, vp_tracker_signal, vp_tracker_compare;

/* The one that this process uses: tested and chosen at the first call, which says so in the log. */
const struct vp_tracker *vp_tracker_get(void);

/* In a child of fork(), which chooses anew: what a mechanism has opened is the parent's. Async-signal-safe. */
void vp_tracker_begin_anew(void);

#endif
