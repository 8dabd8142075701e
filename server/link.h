/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_LINK_H
#define VP_SERVER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/present_frame.h"

struct vps_sent_frame {
   int64_t start_ns;
   size_t bytes;
   enum vp_present_codec codec;
};

/* What has cost how much, in nanoseconds for a byte of changed tiles. */
struct vps_codec_cost {
   double per_byte;
   bool known;
   unsigned age; /* frames since it was measured */
};

/* What the acknowledgements of frames say of the way to the client. Starts zeroed; the caller has a lock. */
struct vps_link {
   uint64_t sent, acknowledged;                            /* frames */
   struct vps_sent_frame frames[VP_PRESENT_MAX_UNDER_WAY]; /* by number */
   int64_t last_ns;                                        /* of the last acknowledgement */
   int64_t alone_ns;    /* how long a frame takes that has the way for itself, to its acknowledgement, or less */
   int64_t measured_ns; /* when that was last so */
   int64_t least_ns;    /* the least that any has taken */
   int64_t busy_ns;     /* how long the last one kept the way busy */
   int64_t interval_ns; /* that lately, on the average */
   bool waited;         /* a frame has been waiting for room since the last acknowledgement */
   bool drain;          /* the next frame has to have the way for itself */
   struct vps_codec_cost costs[VP_PRESENT_CODECS];
   size_t usual_bytes; /* of a frame that says something of a codec */
};

/* Whether pictures may be other than exact. */
enum vps_lossy { VPS_LOSSY_NEVER, VPS_LOSSY_WHEN_SLOW, VPS_LOSSY_ALWAYS };

/* Whether one more frame may be sent; otherwise it waits. Enough of them to keep the way busy while they are answered,
 * or to have 120 in a second, and no more, since each makes all of them older. At most VP_PRESENT_MAX_UNDER_WAY. */
bool vps_link_has_room(struct vps_link *link);

/* VP_PRESENT_RAW or VP_PRESENT_LZ4: what was cheaper lately, encoding, sending and decoding together, and from time to
 * time the other one. Or VP_PRESENT_JPEG, where these are too slow for 60 frames in a second. */
enum vp_present_codec vps_link_choose(struct vps_link *link, enum vps_lossy lossy);

/* A frame with so many bytes of tiles is about to be complete; its encoding has begun at start_ns. */
void vps_link_sent(struct vps_link *link, int64_t start_ns, enum vp_present_codec codec, size_t bytes);

/* The client has taken in so many more frames. False when these are more than were sent. */
bool vps_link_acknowledge(struct vps_link *link, uint32_t count, int64_t now_ns);

#endif
