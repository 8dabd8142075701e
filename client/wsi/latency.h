/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_LATENCY_H
#define VP_CLIENT_WSI_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

/* So many frames are remembered, and so many kinds of marks of each. */
#define VP_LATENCY_FRAMES 64
#define VP_LATENCY_MARKS 8

/* What the application has said of a frame: when it began with something, or was done with it. */
struct vp_latency_frame {
   uint64_t present_id; /* 0: nothing */
   uint64_t marks_us[VP_LATENCY_MARKS];
};

/* Of a swapchain (VK_NV_low_latency2). Starts zeroed; under the connection's progress lock. */
struct vp_latency {
   bool on;
   uint32_t interval_us; /* at least, from frame to frame */
   int64_t woken_ns;     /* when the application was last told to begin with a frame */
   struct vp_latency_frame frames[VP_LATENCY_FRAMES];
};

#endif
