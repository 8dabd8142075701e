/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_COUNTS_H
#define VP_SERVER_CONTROL_COUNTS_H

#include <stdint.h>

/* Of the GPUs whose memory is counted, and of their names. */
#define VPS_COUNTED_GPUS 8u
#define VPS_COUNTED_GPU_SIZE 64

/* Upper ends of the buckets for how long batches execute, in seconds, of which the last one has none. */
/* clang-format off */
#define VPS_BATCH_SECONDS {0.0001, 0.001, 0.004, 0.016, 0.05, 0.25, 1, 10}
/* clang-format on */
#define VPS_BATCH_BUCKETS 9u

/* In the order of enum vp_present_codec, and then pictures in which nothing had changed. */
#define VPS_FRAME_KINDS 8u

/* What a session has done since its beginning. */
enum vps_count {
   VPS_COUNT_BYTES_IN, /* of frames, without what TLS and TCP add */
   VPS_COUNT_BYTES_OUT,
   VPS_COUNT_RECORDED, /* commands: into command buffers, ... */
   VPS_COUNT_ASYNC,    /* ... others without an answer, ... */
   VPS_COUNT_SYNC,     /* ... and those that the client has waited for */
   VPS_COUNT_LOST,     /* devices */
   VPS_COUNT_BATCH_NS,
   VPS_COUNT_BATCHES,                                        /* in VPS_BATCH_BUCKETS */
   VPS_COUNT_FRAMES = VPS_COUNT_BATCHES + VPS_BATCH_BUCKETS, /* in VPS_FRAME_KINDS */
   VPS_COUNT_FRAME_BYTES = VPS_COUNT_FRAMES + VPS_FRAME_KINDS,
   VPS_COUNTS,
};

struct vps_counts {
   uint64_t of[VPS_COUNTS];
};

#endif
