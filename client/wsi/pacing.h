/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_PACING_H
#define VP_CLIENT_WSI_PACING_H

#include <stdbool.h>
#include <stdint.h>

/* How many frames of a swapchain may be on their way in FIFO modes, so that the network keeps nobody waiting and no
 * frame waits in a queue that is longer for it. What counts is how long the network alone takes of a frame: that many
 * more frames may be under way as are shown meanwhile.
 *
 * A frame that waits behind others on the way looks like one whose way is long, and more frames would make it look
 * longer. So only frames that nothing else was under way with may raise the figure; where somebody waits and the way
 * seems to have become longer, one frame has to wait until it is alone. All times are in nanoseconds. */
struct vp_pacing {
   int64_t way_ns;      /* what the network takes; 0: not known yet */
   int64_t interval_ns; /* from frame to frame, when they follow one another without a pause; 0: not known yet */
   int64_t last_ns;     /* arrival of the last frame */

   int64_t least_ns, end_ns; /* the least that the network took of a frame in the current period, and its end */
   bool waited;              /* in that period, somebody had to wait because so many were on their way */
   bool drain;               /* the next frame has to be alone */
   int64_t drain_ns;         /* not before this time again */
   int64_t patience_ns;
};

/* A frame that has come in. */
struct vp_pacing_frame {
   int64_t arrival_ns;
   int64_t network_ns; /* from its present to its first part, without what the server did meanwhile; 0: not known */
   bool alone;         /* nothing was under way when it was presented */
};

/* Starts zeroed; the caller has a lock. */
void vp_pacing_note(struct vp_pacing *pacing, const struct vp_pacing_frame *frame);

/* `usual`: so many frames may be on their way without a network. At most VP_PRESENT_EXTRA_FRAMES more. */
uint32_t vp_pacing_limit(const struct vp_pacing *pacing, uint32_t usual);

/* Whether there may be one more; otherwise somebody waits for that. */
bool vp_pacing_has_room(struct vp_pacing *pacing, uint32_t usual, uint64_t under_way);

#endif
