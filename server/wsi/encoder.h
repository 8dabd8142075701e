/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_WSI_ENCODER_H
#define VP_SERVER_WSI_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

struct vps_encoder;
struct vps_slot;
struct vps_swapchain;

/* Sends the pictures of a swapchain, in the codecs that its link chooses. For one thread. */

/* Also tells the link which codecs there are. NULL without memory. */
struct vps_encoder *vps_encoder_create(struct vps_swapchain *swapchain);
void vps_encoder_destroy(struct vps_encoder *encoder);

/* Begins a frame; then comes its picture, if it has one; then its end, which the client acknowledges. Those that return
 * a bool return false when nothing can be sent any more. */
void vps_encoder_begin(struct vps_encoder *encoder, uint64_t frame);
bool vps_encoder_send_picture(struct vps_encoder *encoder, const struct vps_slot *slot);
bool vps_encoder_end(struct vps_encoder *encoder);

/* Whether the client has something that is not exact. */
bool vps_encoder_is_unsharp(const struct vps_encoder *encoder);

/* Makes the picture of the last frame exact, unless a new one comes meanwhile. */
bool vps_encoder_refine(struct vps_encoder *encoder);

#endif
