/* SPDX-License-Identifier: MIT */

/* In the place of h264.c in a build without the headers of libavcodec. */

#include "common/picture/h264.h"

bool vp_h264_can_encode(void)
{
   return false;
}

bool vp_h264_can_decode(void)
{
   return false;
}

struct vp_h264_encoder *vp_h264_encoder_create(uint32_t width, uint32_t height, unsigned quality)
{
   (void)width;
   (void)height;
   (void)quality;
   return NULL;
}

void vp_h264_encoder_destroy(struct vp_h264_encoder *encoder)
{
   (void)encoder;
}

const uint8_t *vp_h264_encode(struct vp_h264_encoder *encoder, const uint8_t *planes, double rate, size_t *size)
{
   (void)encoder;
   (void)planes;
   (void)rate;
   (void)size;
   return NULL;
}

struct vp_h264_decoder *vp_h264_decoder_create(uint32_t width, uint32_t height)
{
   (void)width;
   (void)height;
   return NULL;
}

void vp_h264_decoder_destroy(struct vp_h264_decoder *decoder)
{
   (void)decoder;
}

bool vp_h264_decode(struct vp_h264_decoder *decoder, const uint8_t *data, size_t size, uint8_t *pixels)
{
   (void)decoder;
   (void)data;
   (void)size;
   (void)pixels;
   return false;
}
