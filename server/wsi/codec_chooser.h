/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_WSI_CODEC_CHOOSER_H
#define VP_SERVER_WSI_CODEC_CHOOSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/present_frame.h"
#include "server/wsi/flow_control.h"

/* How much of the link's rate the pictures of a video may take, so that they need not queue. */
#define VPS_VIDEO_SHARE 0.9

/* How a frame is coded. */
struct vps_choice {
   enum vp_present_codec codec;
   enum vp_present_codec trial; /* of the first tiles that have changed, */
   size_t trial_bytes;          /* so many bytes of them */
   bool is_trial;               /* what the frame costs decides whether its codec, or that of the trial, is tried on */
};

struct vps_sent_frame {
   struct vps_choice choice;
   int64_t start_ns;  /* when its encoding began */
   int64_t encode_ns; /* what that took */
   size_t bytes;      /* of tiles that changed */
   size_t wire_bytes; /* that were sent of them */
};

/* What the client says of a frame. Its clock is another one. */
struct vps_acknowledgement {
   int64_t now_ns;
   int64_t arrival_ns; /* when the frame was complete there, by the client's clock */
   int64_t decode_ns;  /* what decoding took */
};

/* What has cost how much, in nanoseconds for a byte of changed tiles. */
struct vps_codec_cost {
   double per_byte;
   bool known;
   unsigned age;      /* frames since it was measured */
   uint64_t tried_at; /* the frame of the last measurement or trial */
};

/* Whether pictures may be other than exact. */
enum vps_lossy { VPS_LOSSY_NEVER, VPS_LOSSY_WHEN_SLOW, VPS_LOSSY_ALWAYS };

/* From the best pictures to the smallest. */
enum vps_way { VPS_EXACT, VPS_JPEG, VPS_H264 };

/* Trying out a codec that is not in use: on a small part of a frame first, so that nobody sees it when it is slow. */
struct vps_trial {
   enum vp_present_codec codec, usual; /* usual: what it is tried instead of */
   double part;                        /* of a frame; 0: no trial is going on */
   bool under_way;                     /* a frame of it is */
   unsigned wait;                      /* frames until the next one */
};

/* What the acknowledgements of frames say of the way to the client. The caller has a lock. */
struct vps_codec_chooser {
   enum vps_lossy lossy;
   uint32_t codecs; /* that both sides have, as VP_PRESENT_CODEC_BIT */
   enum vps_way way;

   struct vps_flow_control flow;
   struct vps_sent_frame frames[VP_PRESENT_MAX_UNDER_WAY]; /* those that are under way, by number */

   /* By the client's clock, and from this side's to the client's. */
   bool timed;                               /* all this is known */
   int64_t last_arrival_ns, last_decoded_ns; /* of the last frame */
   int64_t least_ns;                         /* the least that any took from the begin of encoding to being decoded */
   int64_t least_trip_ns;                    /* the least on the way, */
   size_t least_trip_bytes;                  /* with so many bytes */

   struct vps_codec_cost costs[VP_PRESENT_CODECS];
   size_t usual_bytes; /* of a frame that says something of a codec */
   double ratio;       /* of what was sent to what had changed */
   double rate;        /* bytes that the link carries in a second; a guess at first */

   struct vps_trial trial;
   unsigned patience; /* frames until a better way is tried again */
   uint64_t risen_at; /* frame since which the way is as good as it is */
};

/* A link that nothing is known of. */
void vps_codec_chooser_init(struct vps_codec_chooser *chooser, enum vps_lossy lossy, uint32_t codecs);

/* How to code the next frame: exactly, with what was cheapest lately, encoding, sending and decoding together; where
 * that is too slow for 60 frames in a second and pictures may be lossy, as JPEG; where that is too slow too, as H.264.
 */
struct vps_choice vps_codec_chooser_choose(struct vps_codec_chooser *chooser);

/* The exact codec that was cheapest lately. */
enum vp_present_codec vps_codec_chooser_exact(const struct vps_codec_chooser *chooser);

/* A codec has failed on this side. */
void vps_codec_chooser_forget(struct vps_codec_chooser *chooser, enum vp_present_codec codec);

/* A frame is about to be complete. */
void vps_codec_chooser_sent(struct vps_codec_chooser *chooser, const struct vps_sent_frame *frame);

/* The client has taken in so many more frames. False when these are more than were sent. */
bool vps_codec_chooser_acknowledge(struct vps_codec_chooser *chooser, uint32_t count,
                                   const struct vps_acknowledgement *acknowledgement);

#endif
