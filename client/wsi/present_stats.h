/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_PRESENT_STATS_H
#define VP_CLIENT_WSI_PRESENT_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct vp_connection;

/* The way of one frame, in microseconds. */
struct vp_present_times {
   uint64_t gpu;     /* from the arrival of the present at the server to the finished copy */
   uint64_t encode;  /* on the server */
   uint64_t network; /* all that is not one of the others, from the present to the arrival of the picture */
   uint64_t decode;
   uint64_t show; /* waiting for the display included */
};

/* The frames of a swapchain that were shown in the current second. */
struct vp_present_stats {
   int64_t start_ns;
   uint64_t first; /* frame of that second */
   uint64_t shown, bytes;
   struct vp_present_times times; /* sums */
};

/* A frame that was shown. */
struct vp_shown_frame {
   uint64_t frame, bytes; /* of its picture on the wire */
   uint32_t codec;        /* enum vp_present_codec, of the largest number if there were several */
   struct vp_present_times times;
};

/* Notes it, in the connection's statistics too. With `hud`, prints a line each second. */
void vp_present_stats_add(struct vp_present_stats *stats, struct vp_connection *conn,
                          const struct vp_shown_frame *shown, bool hud);

#endif
