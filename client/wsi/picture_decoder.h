/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_WSI_PICTURE_DECODER_H
#define VP_CLIENT_WSI_PICTURE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/present_frame.h"
#include "common/picture/tiles.h"

struct ZSTD_DCtx_s;
struct vp_h264_decoder;
struct vp_jpeg;

/* Turns the parts of PRESENT frames into the picture that they change. For one thread; zeroed to begin with, but for
 * the picture: its size, and pixels of malloc() or NULL. */
struct vp_picture_decoder {
   struct vp_picture picture;
   struct ZSTD_DCtx_s *zstd; /* these: NULL before the first such part */
   struct vp_jpeg *jpeg;
   struct vp_h264_decoder *h264;
   uint8_t *tiles; /* what was unpacked */
   size_t tiles_size;
};

/* Also frees the pixels. */
void vp_picture_decoder_finish(struct vp_picture_decoder *decoder);

/* A part: what follows its header. False when it makes no sense, whatever is in it, or memory is short. */
bool vp_picture_decode(struct vp_picture_decoder *decoder, const struct vp_present_header *header, const uint8_t *data,
                       size_t size);

#endif
