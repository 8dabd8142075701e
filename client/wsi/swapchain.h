/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_SWAPCHAIN_H
#define VP_CLIENT_WSI_SWAPCHAIN_H

#include <stdbool.h>

#include "client/link/object.h"
#include "client/wsi/latency.h"
#include "client/wsi/pacing.h"
#include "client/wsi/presenter.h"
#include "common/net/limits.h"

struct vp_device;
struct vp_queue;
struct vp_surface;

/* What is remembered of the newest frames. */
#define VP_FRAME_RECORDS 64

struct vp_swapchain_image {
   VkImage handle;
   VkDeviceMemory memory;
   bool acquired;          /* by the application */
   struct vp_queue *queue; /* of its last present; NULL: none yet */
   uint64_t serial;        /* of that on the queue: when it is complete the server has copied the image */
   uint64_t frame;         /* of that */
};

/* A frame that was presented. */
struct vp_frame_record {
   uint64_t frame;
   VkPresentModeKHR mode;
   uint64_t present_id;  /* 0: none */
   uint32_t timing_id;   /* of VkPresentTimeGOOGLE; 0: none */
   bool alone;           /* nothing else was on its way then */
   uint64_t desired_ns;  /* not to be shown before; 0: at once */
   int64_t presented_ns; /* vp_clock_ns() */
   int64_t ready_ns;     /* when it could be shown; 0: it was not, or has not come yet */
   int64_t shown_ns;     /* 0: not yet */
};

/* The swapchain is the client's: its images are ordinary ones of the server, acquiring is a matter of knowing that the
 * last copy of an image was made, and a thread shows what the server sends. */
struct vp_swapchain {
   struct vp_object base;
   struct vp_device *device;
   struct vp_surface *surface;
   struct vp_swapchain_image images[VP_MAX_SWAPCHAIN_IMAGES];
   uint32_t image_count;
   VkPresentModeKHR mode;
   bool retired;
   struct vp_presenter *presenter;

   /* Under the connection's progress lock. Frames are counted from 1. */
   uint64_t presented, settled; /* the newest frame; all up to this one were shown or dropped */
   struct vp_pacing pacing;
   uint64_t settled_id;                              /* the largest present id of these */
   VkResult status;                                  /* of the surface: VK_SUCCESS, VK_SUBOPTIMAL_KHR or an error */
   struct vp_frame_record records[VP_FRAME_RECORDS]; /* by frame */
   struct vp_latency latency;
   uint64_t timing_frame; /* the last one whose timing the application was told */
};

/* The record of a frame, or NULL when it is too old. With the progress lock. */
static inline struct vp_frame_record *vp_swapchain_record(struct vp_swapchain *swapchain, uint64_t frame)
{
   struct vp_frame_record *record = &swapchain->records[frame % VP_FRAME_RECORDS];
   return record->frame == frame ? record : NULL;
}

/* The first frame after `after` whose record can still be there when `last` is the newest of interest. */
static inline uint64_t vp_swapchain_first_record(uint64_t after, uint64_t last)
{
   return last - after > VP_FRAME_RECORDS ? last - VP_FRAME_RECORDS + 1 : after + 1;
}

/* Called by the presenter: a frame, and so all before it, was shown or dropped. */
void vp_swapchain_settle(struct vp_swapchain *swapchain, uint64_t frame, VkResult status);

#endif
