/* SPDX-License-Identifier: MIT */
#ifndef VP_PICTURE_H264_H
#define VP_PICTURE_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* H.264 by libavcodec (and libx264 in it), opened when it is first asked for. Each picture becomes one packet, which
 * refers to the packets before it, and can be decoded when it has come. What the library has to say is not logged. */
struct vp_h264_encoder;
struct vp_h264_decoder;

/* Smaller or larger pictures are not worth it, or more than the format has. */
#define VP_H264_MIN 32u
#define VP_H264_MAX 8192u

static inline bool vp_h264_fits(uint32_t width, uint32_t height)
{
   return width >= VP_H264_MIN && height >= VP_H264_MIN && width <= VP_H264_MAX && height <= VP_H264_MAX;
}

/* Whether the libraries are installed. Thread-safe. */
bool vp_h264_can_encode(void);
bool vp_h264_can_decode(void);

/* For one thread and pictures of one size, which fits. The quality is one of 1 to 100, as with JPEG. NULL without the
 * library or memory. */
struct vp_h264_encoder *vp_h264_encoder_create(uint32_t width, uint32_t height, unsigned quality);
void vp_h264_encoder_destroy(struct vp_h264_encoder *encoder); /* NULL is fine */

/* Encodes a picture, given as planes (common/picture/planes.h); no finer than a link that carries so many bytes in a
 * second takes in a sixtieth of one. The packet is the encoder's and valid until the next call; NULL when it could not
 * be done. */
const uint8_t *vp_h264_encode(struct vp_h264_encoder *encoder, const uint8_t *planes, double rate, size_t *size);

struct vp_h264_decoder *vp_h264_decoder_create(uint32_t width, uint32_t height);
void vp_h264_decoder_destroy(struct vp_h264_decoder *decoder); /* NULL is fine */

/* Decodes the next packet, whatever is in it, into pixels of 32 bits without gaps. False when it is not one picture of
 * the decoder's size; the decoder is of no use then. */
bool vp_h264_decode(struct vp_h264_decoder *decoder, const uint8_t *data, size_t size, uint8_t *pixels);

#endif
