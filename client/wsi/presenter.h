/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_PRESENTER_H
#define VP_CLIENT_WSI_PRESENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wsi/window.h"

struct vp_frame;
struct vp_presenter;
struct vp_swapchain;

/* The codecs that this machine can decode for a surface, as VP_PRESENT_CODEC_BIT; 0: no pictures are wanted. Lossy ones
 * have no alpha, and are only for who allows them. */
uint32_t vp_presenter_codecs(const struct vp_surface *surface, bool lossy);

/* Opens the window and starts the thread that shows the frames of a swapchain. */
VkResult vp_presenter_create(struct vp_swapchain *swapchain, const struct vp_window_info *info,
                             struct vp_presenter **presenter);

/* Ends the thread; frames may still be received. */
void vp_presenter_stop(struct vp_presenter *presenter);

/* After that, and after the last frame was received. NULL is fine. */
void vp_presenter_destroy(struct vp_presenter *presenter);

/* Time between two pictures of the display, in nanoseconds. */
uint64_t vp_presenter_refresh(const struct vp_presenter *presenter);

/* A PRESENT frame, whose payload is taken over. Called by the receiver. False when it makes no sense. */
bool vp_presenter_receive(struct vp_presenter *presenter, struct vp_frame *frame);

#endif
