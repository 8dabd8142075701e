/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_RECORD_VIDEO_H
#define VP_SERVER_RECORD_VIDEO_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/record/command_buffer.h"
#include "server/vp_dispatch.h"

#ifdef VP_HAS_VIDEO

struct vps_context;
struct vps_object;

/* What a codec has structs of its own for. */
struct vps_video_codec {
   VkVideoCodecOperationFlagsKHR operation;
   bool encodes;
   uint32_t capabilities, parameters, picture, slot; /* VkStructureType; 0: it has none */
};

/* NULL: the server does not know it. */
const struct vps_video_codec *vps_video_codec(VkVideoCodecOperationFlagsKHR operation);

/* Memory that a session needs. */
struct vps_video_bind {
   uint32_t index;
   bool bound;
   VkMemoryRequirements requirements;
};

/* The state of a VkVideoSessionKHR. */
struct vps_video_session {
   uint64_t serial; /* no other object has it */
   const struct vps_video_codec *codec;
   VkVideoSessionCreateFlagsKHR flags;
   uint32_t slots, references, layers; /* layers: of the control of rates */
   VkExtent2D extent;
   uint32_t bind_count;
   struct vps_video_bind binds[];
};

/* How many layers an encoder's control of rates has, by what the driver says. */
uint32_t vps_video_layers(const struct vps_context *ctx, const VkVideoProfileInfoKHR *profile);

/* The session itself, not another object that has its id since; NULL: it is gone. */
const struct vps_video_session *vps_video_session(const struct vps_context *ctx, struct vps_video_ref ref);

/* Sets of a kind that session parameters have, a bit for each key; enough for those of H.265: 4 bits of its video's
 * set, 4 of its sequence's, 6 of its picture's. */
#define VPS_VIDEO_KEYS 16384u

struct vps_video_sets {
   uint32_t count, most;
   uint64_t keys[VPS_VIDEO_KEYS / 64];
};

/* The state of a VkVideoSessionParametersKHR. */
struct vps_video_parameters {
   uint64_t serial;
   struct vps_video_ref session;
   struct vps_video_sets sets[3]; /* of the video, the sequence and the picture */
};

/* The same for session parameters. */
const struct vps_video_parameters *vps_video_parameters(const struct vps_context *ctx, struct vps_video_ref ref);

/* The state of a VkImageView of an image for video; others have none. */
struct vps_video_view {
   VkExtent2D extent;
   uint32_t layers;
};

/* The sets of parameters that a chain adds: those of a video, of sequences and of pictures. */
struct vps_video_addition {
   const struct vps_video_codec *codec;
   uint32_t count[3], most[3]; /* most: only at the creation */
   const void *sets[3];
};

struct vps_video_addition vps_video_addition(const struct vps_video_codec *codec, const void *chain, bool creates);

/* By what the set number `which` of a kind is found. */
uint32_t vps_video_key(const struct vps_video_addition *addition, unsigned kind, uint32_t which);

static inline bool vps_video_has(const struct vps_video_sets *sets, uint32_t key)
{
   return sets->keys[key / 64] >> key % 64 & 1;
}

#endif
#endif
