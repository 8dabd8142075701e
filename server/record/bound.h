/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_RECORD_BOUND_H
#define VP_SERVER_RECORD_BOUND_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "server/pipeline/descriptor_set.h"
#include "server/pipeline/shader_object.h"
#include "server/record/track.h"

struct vps_context;

/* What is bound while a command buffer is recorded. */

#define VPS_BIND_POINTS 3u
#define VPS_MAX_BOUND_SETS 8u
#define VPS_MAX_OFFSETS 8u /* of one set; with more of them all that may follow counts */

struct vps_bound_set {
   struct vps_object_name set;
   uint32_t offset_count; /* that are known */
   uint32_t offsets[VPS_MAX_OFFSETS];
};

/* Sets stay noted here when binding others has made them useless. */
struct vps_bind_point {
   bool changed; /* since its shaders were run last, in a way that counts */
   bool quiet;   /* its shaders write to nothing, whatever is bound */
   bool beyond;  /* there is more than is kept here */
   struct vps_object_name pipeline;
   bool loose;                                        /* in its place: */
   struct vps_object_name shaders[VPS_SHADER_STAGES]; /* by the number of their stage's bit */
   struct vps_bound_set sets[VPS_MAX_BOUND_SETS];
   uint32_t pushed_to;               /* the set that descriptors were pushed to */
   struct vps_descriptor_set pushed; /* has no layout: nothing was pushed */
};

struct vps_bound {
   bool used;
   struct vps_bind_point points[VPS_BIND_POINTS];
};

/* Makes it as it is when recording begins. */
void vps_bound_clear(struct vps_bound *bound);

/* NULL for a bind point that is not known. */
static inline struct vps_bind_point *vps_bound_point(struct vps_bound *bound, VkPipelineBindPoint bind_point)
{
   switch (bind_point) {
   case VK_PIPELINE_BIND_POINT_GRAPHICS:
      return &bound->points[0];
   case VK_PIPELINE_BIND_POINT_COMPUTE:
      return &bound->points[1];
   case VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR:
      return &bound->points[2];
   default:
      return NULL;
   }
}

/* A command runs the shaders of a bind point that has changed: notes what they may write to. */
void vps_bound_note(struct vps_context *ctx, struct vps_bind_point *point);

/* What a submission with this track changes: the track, or one that also has what sets hold that count only now. Held;
 * NULL without memory. */
struct vps_track *vps_bound_resolve(struct vps_track *track);

#endif
